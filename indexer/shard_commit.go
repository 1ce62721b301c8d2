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
	"io"
	"log/slog"
	"slices"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/indexer/source"
	"github.com/kleid-search/kleid/storage"
)

// What can be wrong with the shards of a job: one is not done, or is to be run again, as where they are of several models;
// or all are done, but of another catalogue or model, so that waiting does not help.
var (
	ErrIncomplete = errors.New("the shards are not complete")
	ErrMismatch   = errors.New("the shards do not fit")
)

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

// gatherFindings brings what became of the locations into the runner's findings. The catalogue may have lost photos since
// the shards listed it, and a few may have come, as they do in a shop's: those wait for the next run. More of them than
// may be unreadable are of another catalogue.
func (s *shardSource) gatherFindings(r *runner) error {
	for _, f := range s.findings {
		if f.Broken != "" {
			r.loader.broken[f.Key] = f.Broken
		}
	}
	var entries []source.Entry
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
