package indexer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/storage"
)

// Shard is a part of a job that is done by several machines. They do not talk to each other: which photos are whose
// follows from their locations, and each leaves what it saw below work/jobs/<Job> in Options.Out, for CommitShards.
type Shard struct {
	// Index, from 0, of Count shards.
	Index, Count int
	// Job is the name that all shards of one job are given, such as a date.
	Job string
}

var jobName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// Check refuses shards that are none.
func (s Shard) Check() error {
	if s.Count < 1 || s.Index < 0 || s.Index >= s.Count {
		return fmt.Errorf("there is no shard %d of %d: they are counted from 0", s.Index, s.Count)
	}
	if !jobName.MatchString(s.Job) {
		return fmt.Errorf("the name of the job is %q: use letters, digits, dots, _ and -", s.Job)
	}
	return nil
}

func (s Shard) String() string { return fmt.Sprintf("%d-of-%d", s.Index, s.Count) }

// takes says whether the photo at a location is of this shard.
func (s Shard) takes(location string) bool {
	return int(crc32.ChecksumIEEE([]byte(location))%uint32(s.Count)) == s.Index
}

// result is where a shard leaves what it saw, work where it keeps what it knows from job to job.
func (s Shard) result(file string) string {
	return path.Join("work", "jobs", s.Job, s.String(), file)
}

func (s Shard) work() string { return path.Join("work", "shards", s.String()) }

// The files of a shard's result. The last is written when all others are whole.
const (
	shardPhotos   = "photos.log" // a segment of a journal
	shardFindings = "findings"
	shardDone     = "done.json"
)

// shardManifest is done.json.
type shardManifest struct {
	Index          int               `json:"index"`
	Count          int               `json:"count"`
	EmbeddingModel string            `json:"embedding_model"`
	FacetModel     string            `json:"facet_model"`
	Journal        string            `json:"journal"` // the folder of the model's
	Try            string            `json:"try"`     // which of the shard's it was
	Photos         int               `json:"photos"`
	Embedded       int               `json:"embedded"` // anew
	SHA256         map[string]string `json:"sha256"`   // of the other files
}

// shardFinding is what became of a location.
type shardFinding struct {
	Location string
	Key      photoKey
	HasKey   bool
	Err      string
	Broken   string // why its bytes are no photo, or no network could look at it
}

// ShardReport is what became of a shard.
type ShardReport struct {
	Shard           string  `json:"shard"`
	Job             string  `json:"job"`
	Photos          int     `json:"photos"`
	Unreadable      int     `json:"unreadable"`
	MaxBad          float64 `json:"max_bad"` // as those of Report
	MaxBadCount     *int    `json:"max_bad_count,omitempty"`
	TooManyBad      bool    `json:"too_many_bad"`       // so that nothing is left for CommitShards, unless by Options.Force
	NotRead         int     `json:"not_read,omitempty"` // photos that nobody looked at, since there are too many unreadable ones
	Embedded        int     `json:"embedded"`
	FacetsRead      int     `json:"facets_read"`
	Seconds         float64 `json:"seconds"`
	ImagesPerSecond float64 `json:"images_per_second"`
}

// String is the report for people.
func (r ShardReport) String() string {
	text := fmt.Sprintf("shard %s of job %s: %d photos, %d unreadable, %d embedded anew, the facets of %d read from kept features, %.1f photos a second\n", r.Shard, r.Job, r.Photos, r.Unreadable, r.Embedded, r.FacetsRead, r.ImagesPerSecond)
	if r.NotRead > 0 {
		text += fmt.Sprintf("stopped there: %d photos were not looked at\n", r.NotRead)
	}
	return text
}

// RunShard embeds the photos of a shard. Like Run it goes on where it was interrupted, also on another machine if
// Options.Out is in S3, where what it knows is put every half minute; Options.Scratch then is a folder of this machine.
// A report comes without an error also when too many of its photos are unreadable: see ShardReport.TooManyBad.
func RunShard(ctx context.Context, options Options, shard Shard) (ShardReport, error) {
	report, err := runShard(ctx, options, shard)
	if err != nil {
		return ShardReport{}, fmt.Errorf("index: shard %s: %w", shard, err)
	}
	return report, nil
}

func runShard(ctx context.Context, options Options, shard Shard) (ShardReport, error) {
	if err := errors.Join(shard.Check(), options.completeShard()); err != nil {
		return ShardReport{}, err
	}
	bucket, remote, err := options.place()
	if err != nil {
		return ShardReport{}, err
	}
	own := layout{filepath.Join(options.Out, filepath.FromSlash(shard.work()))}
	r := &runner{Options: options, layout: own, shard: &shard, started: time.Now(), meta: options.Embedder.Metadata()}
	r.report.Stages = map[string]float64{}
	if err := os.MkdirAll(r.work(), 0o755); err != nil {
		return ShardReport{}, err
	}
	unlock, err := lock(r.out)
	if err != nil {
		return ShardReport{}, err
	}
	defer unlock()
	r.tidy()
	// What an earlier try left must not be taken for what this one will see.
	if err := bucket.Delete(ctx, shard.result(shardDone)); err != nil {
		return ShardReport{}, err
	}
	state := &remoteState{bucket: bucket, prefix: shard.work() + "/work/", dir: r.work()}
	r.pictures = thumbnails{dir: ThumbnailsFolder(options.Out)}
	if remote {
		// Of its own, though machines may have one scratch: what it does not need it removes.
		r.pictures.dir = r.thumbnails()
		if err := state.pull(ctx); err != nil {
			return ShardReport{}, err
		}
	}
	if err := r.scan(ctx); err != nil {
		return ShardReport{}, err
	}
	manifest := shardManifest{
		Index: shard.Index, Count: shard.Count, Journal: journalName(r.meta), SHA256: map[string]string{},
		EmbeddingModel: r.meta.EmbeddingModel, FacetModel: r.meta.FacetModel,
	}
	r.entries = slices.DeleteFunc(r.entries, func(e Entry) bool { return !shard.takes(e.Location) })
	manifest.Photos = len(r.entries)
	if r.journal, err = openJournal(r.work(), r.meta, r.Embedder.FacetCells(), r.Logger); err != nil {
		return ShardReport{}, err
	}
	defer r.journal.Close()
	if manifest.Try, err = shard.begin(ctx, bucket, r); err != nil {
		return ShardReport{}, err
	}
	if remote { // from now on no commit removes them
		if r.pictures.elsewhere, err = thumbnailsAt(ctx, bucket); err != nil {
			return ShardReport{}, err
		}
	}
	stop := func() error { return nil }
	if remote {
		stop = state.keep(ctx, r.journal, r.Logger)
	}
	err = r.readFacets(ctx)
	if err == nil {
		err = r.embed(ctx)
	}
	hopeless := errors.Is(err, errHopeless)
	if hopeless {
		err = nil
	}
	if err := errors.Join(err, stop()); err != nil {
		return ShardReport{}, err
	}
	if remote && !hopeless {
		photos := r.loader.photos()
		if err := putThumbnails(ctx, bucket, r.pictures, photos); err != nil {
			return ShardReport{}, err
		}
		if err := r.pictures.sweep(photos); err != nil {
			r.Logger.Warn("thumbnails of photos that are gone are left behind", "error", err)
		}
	}
	manifest.Embedded = r.report.Embedded
	rows := &rows{findings: r.loader.findings, broken: r.loader.broken, journal: r.journal}
	unreadable := rows.bad()
	tooManyBad := hopeless || r.tooMany(unreadable)
	notRead := 0
	for i := range r.entries {
		if hopeless && !rows.known(i) {
			notRead++
		}
	}
	if !tooManyBad || r.Force {
		if err := r.putResult(ctx, bucket, shard, manifest); err != nil {
			return ShardReport{}, err
		}
	}
	seconds := time.Since(r.started).Seconds()
	return ShardReport{
		Shard: shard.String(), Job: shard.Job, Photos: len(r.entries), Unreadable: unreadable, MaxBad: r.maxBadShare(), MaxBadCount: r.MaxBadCount, TooManyBad: tooManyBad, NotRead: notRead,
		Embedded: r.report.Embedded, FacetsRead: r.report.FacetsRead, Seconds: seconds, ImagesPerSecond: float64(len(r.entries)) / seconds,
	}, nil
}

// putResult leaves what the shard saw.
func (r *runner) putResult(ctx context.Context, bucket storage.Bucket, shard Shard, manifest shardManifest) error {
	seen := map[string]bool{}
	keys := map[photoKey]bool{}
	var findings []shardFinding
	for i := range r.entries {
		f := &r.loader.findings[i]
		location := r.entries[i].Location
		if location == "" || seen[location] {
			continue // what names no photo says so in the catalogue
		}
		seen[location] = true
		broken := r.loader.broken[f.key]
		findings = append(findings, shardFinding{location, f.key, f.hasKey, f.err, broken})
		if f.hasKey && f.err == "" && broken == "" {
			keys[f.key] = true
		}
	}
	var table bytes.Buffer
	if err := gob.NewEncoder(&table).Encode(findings); err != nil {
		return err
	}
	photos, err := os.CreateTemp(r.work(), "result-*")
	if err != nil {
		return err
	}
	defer os.Remove(photos.Name())
	defer photos.Close()
	sorted := slices.SortedFunc(maps.Keys(keys), func(a, b photoKey) int { return bytes.Compare(a[:], b[:]) })
	if err := r.journal.CopyTo(photos, sorted); err != nil {
		return err
	}
	for name, source := range map[string]io.ReadSeeker{shardPhotos: photos, shardFindings: bytes.NewReader(table.Bytes())} {
		if manifest.SHA256[name], err = putHashed(ctx, bucket, shard.result(name), source); err != nil {
			return err
		}
	}
	done, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return err
	}
	return bucket.Put(ctx, shard.result(shardDone), bytes.NewReader(append(done, '\n')))
}

func putHashed(ctx context.Context, bucket storage.Bucket, key string, source io.ReadSeeker) (string, error) {
	if _, err := source.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	h := sha256.New()
	if err := bucket.Put(ctx, key, io.TeeReader(source, h)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// What can be wrong with the shards of a job: one is not done, or is to be run again, as where they are of several models;
// or all are done, but of another catalogue or model, so that waiting does not help.
var (
	ErrIncomplete = errors.New("the shards are not complete")
	ErrMismatch   = errors.New("the shards do not fit")
)

// shardSource is what the shards of a job saw.
type shardSource struct {
	bucket    storage.Bucket
	shards    []Shard
	at        func(shard Shard, file string) string // where a shard's file is
	manifests []shardManifest                       // one for each shard
	findings  map[string]shardFinding               // of all, by location
}

// look reads whether all shards are done, with the model that meta names. It comes before all else: whoever waits for
// shards looks often, and a catalogue is long.
func (s *shardSource) look(ctx context.Context, meta catalog.Metadata) error {
	s.manifests = make([]shardManifest, len(s.shards))
	for i, shard := range s.shards {
		var err error
		s.manifests[i], err = s.manifest(ctx, shard)
		if errors.Is(err, storage.ErrNotExist) {
			return fmt.Errorf("%w: shard %s of job %s is not done", ErrIncomplete, shard, shard.Job)
		}
		if err != nil {
			return err
		}
	}
	for i, m := range s.manifests {
		if m.EmbeddingModel != meta.EmbeddingModel || m.FacetModel != meta.FacetModel {
			kind := ErrMismatch
			if !s.agree() {
				kind = ErrIncomplete
			}
			return fmt.Errorf("%w: shard %s is of embedding model %s and facet model %s, not %s and %s: use one model for all", kind, s.shards[i], m.EmbeddingModel, m.FacetModel, meta.EmbeddingModel, meta.FacetModel)
		}
	}
	return nil
}

// agree says whether all shards are of one model. Where they are not, some may have yet to begin again with a new one.
func (s *shardSource) agree() bool {
	first := s.manifests[0]
	return !slices.ContainsFunc(s.manifests, func(m shardManifest) bool {
		return m.EmbeddingModel != first.EmbeddingModel || m.FacetModel != first.FacetModel
	})
}

// gather brings what the shards saw into the runner's findings and journal, in place of reading photos.
func (s *shardSource) gather(ctx context.Context, r *runner) error {
	r.begin(StageEmbed)
	r.loader = newLoader(r.entries)
	for _, m := range s.manifests {
		r.report.Embedded += m.Embedded
	}
	if err := s.gatherFindings(r); err != nil {
		return err
	}
	for i, shard := range s.shards {
		if err := s.each(ctx, shard, shardPhotos, s.manifests[i], r.journal.Import); err != nil {
			return err
		}
		r.Progress(Progress{Stage: StageEmbed, Done: (i + 1) * len(r.entries) / len(s.shards), Total: len(r.entries)})
	}
	r.end(StageEmbed)
	return r.journal.Sync()
}

// readFindings reads what became of the locations.
func (s *shardSource) readFindings(ctx context.Context) error {
	s.findings = map[string]shardFinding{}
	for i, shard := range s.shards {
		table, err := s.read(ctx, shard, shardFindings, s.manifests[i])
		if err != nil {
			return err
		}
		var findings []shardFinding
		if err := gob.NewDecoder(bytes.NewReader(table)).Decode(&findings); err != nil {
			return fmt.Errorf("%s: %w", shard.result(shardFindings), err)
		}
		for _, f := range findings {
			s.findings[f.Location] = f
		}
	}
	return nil
}

// gatherFindings brings what became of the locations into the runner's findings. The catalogue may have lost photos since
// the shards listed it, and a few may have come, as they do in a shop's: those wait for the next run. More of them than
// may be unreadable are of another catalogue.
func (s *shardSource) gatherFindings(r *runner) error {
	for _, f := range s.findings {
		if f.Broken != "" {
			r.loader.broken[f.Key] = f.Broken
		}
	}
	var entries []Entry
	var findings []finding
	for _, e := range r.entries {
		f, ok := s.findings[e.Location]
		switch {
		case e.Err != "":
			entries, findings = append(entries, e), append(findings, finding{err: e.Err})
		case ok:
			entries, findings = append(entries, e), append(findings, finding{key: f.Key, hasKey: f.HasKey, err: f.Err})
		}
	}
	if came := len(r.entries) - len(entries); came > 0 {
		if r.tooMany(came) {
			return fmt.Errorf("%w: no shard has looked at %d of the %d photos of the catalogue, which is another than when they listed it: run all shards again", ErrMismatch, came, len(r.entries))
		}
		r.report.CameLater = came
		r.Logger.Warn("photos came after the shards had listed the catalogue, and wait for the next run", "photos", came)
	}
	r.entries, r.loader.entries, r.loader.findings, r.report.Photos = entries, entries, findings, len(entries)
	return nil
}

func (s *shardSource) manifest(ctx context.Context, shard Shard) (shardManifest, error) {
	var m shardManifest
	data, err := storage.ReadAll(ctx, s.bucket, s.at(shard, shardDone), 1<<20)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("%s: %w", s.at(shard, shardDone), err)
	}
	return m, nil
}

// read returns a file of a shard's result.
func (s *shardSource) read(ctx context.Context, shard Shard, name string, m shardManifest) (data []byte, err error) {
	err = s.each(ctx, shard, name, m, func(r io.Reader) error {
		data, err = io.ReadAll(r)
		return err
	})
	return data, err
}

// each lets take read a file of a shard's result, and checks that it is the one that the shard wrote.
func (s *shardSource) each(ctx context.Context, shard Shard, name string, m shardManifest, take func(io.Reader) error) error {
	body, err := s.bucket.Get(ctx, s.at(shard, name))
	if err != nil {
		return err
	}
	defer body.Close()
	h := sha256.New()
	all := io.TeeReader(body, h)
	if err := take(all); err != nil {
		return fmt.Errorf("%s: %w", s.at(shard, name), err)
	}
	if _, err := io.Copy(io.Discard, all); err != nil {
		return fmt.Errorf("%s: %w", s.at(shard, name), err)
	}
	if hex.EncodeToString(h.Sum(nil)) != m.SHA256[name] {
		return fmt.Errorf("%w: %s is not what shard %s wrote: run the shard again", ErrIncomplete, s.at(shard, name), shard)
	}
	return nil
}

// CommitShards makes the index of a job whose shards have all been run: it does what Run does after the photos are
// embedded. It fails with ErrIncomplete while a shard is missing, damaged or of another model than others, and with ErrMismatch if
// all are there, but of another catalogue or model. What the shards saw is removed, also if the new index is refused: it is of this night.
func CommitShards(ctx context.Context, options Options, job string, count int) (Report, error) {
	if err := (Shard{0, count, job}).Check(); err != nil {
		return Report{}, fmt.Errorf("index: %w", usage{err})
	}
	source := &shardSource{at: Shard.result}
	for i := range count {
		source.shards = append(source.shards, Shard{i, count, job})
	}
	return run(ctx, options, source)
}

// end removes what the shards saw, and tells them if an index has it.
func (s *shardSource) end(ctx context.Context, published bool, logger *slog.Logger) {
	var err error
	if published {
		err = s.remember(ctx)
	}
	if err = errors.Join(err, s.remove(ctx)); err != nil {
		logger.Warn("what the shards saw is left behind", "error", err)
	}
}

// remove stops at what it cannot remove: a bucket that refuses one refuses all, and the shards' next tries and the sweep
// of later nights remove what stays.
func (s *shardSource) remove(ctx context.Context) error {
	for _, shard := range s.shards {
		for _, name := range []string{shardDone, shardPhotos, shardFindings} {
			if err := s.bucket.Delete(ctx, shard.result(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func putFile(ctx context.Context, bucket storage.Bucket, key, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return bucket.Put(ctx, key, f)
}

// getFile brings a blob here, whole or not at all.
func getFile(ctx context.Context, bucket storage.Bucket, key, file string) error {
	body, err := bucket.Get(ctx, key)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return placeStream(file, body, true)
}
