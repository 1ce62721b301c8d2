package indexer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/kleid-search/kleid/storage"
	"github.com/kleid-search/kleid/vectors"
)

// place opens what Out names. If that is not a folder of this machine, Out becomes Scratch, which is one.
func (o *Options) place() (bucket storage.Bucket, remote bool, err error) {
	if bucket, err = storage.Open(context.Background(), o.Out); err != nil {
		return nil, false, err
	}
	if !strings.Contains(o.Out, "://") {
		return bucket, false, nil
	}
	if o.Scratch == "" {
		return nil, false, fmt.Errorf("%s is not on this machine: name a folder for what is at work, which may be kept or lost", o.Out)
	}
	o.Out = filepath.Clean(o.Scratch)
	return bucket, true, nil
}

// keepInterval is how often a shard's progress is put into a bucket.
const keepInterval = 30 * time.Second

// remoteState keeps the files of a folder in a bucket as well: a journal's segments and what is known of photos.
type remoteState struct {
	bucket storage.Bucket
	prefix string // ends in a slash
	dir    string
	sizes  map[string]int64 // of what is in the bucket
}

// pull brings the files here that are not here. Those that are here are newer, or the same.
func (s *remoteState) pull(ctx context.Context) error {
	s.sizes = map[string]int64{}
	for info, err := range s.bucket.List(ctx, s.prefix) {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(info.Key, s.prefix)
		s.sizes[name] = info.Size
		path := filepath.Join(s.dir, filepath.FromSlash(name))
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if err := getFile(ctx, s.bucket, info.Key, path); err != nil {
			return err
		}
	}
	return nil
}

// push puts the files there that are not there, or of another size, and removes those that are gone here.
func (s *remoteState) push(ctx context.Context) error {
	here := map[string]bool{}
	err := filepath.WalkDir(s.dir, func(file string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		relative, err := filepath.Rel(s.dir, file)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(relative)
		if !strings.HasSuffix(name, ".log") && path.Base(name) != modelFile && name != path.Base(knownPath("")) {
			return nil // what is being written
		}
		here[name] = true
		info, err := d.Info()
		if err != nil || name != path.Base(knownPath("")) && s.sizes[name] == info.Size() {
			return err
		}
		if err := putFile(ctx, s.bucket, s.prefix+name, file); err != nil {
			return err
		}
		s.sizes[name] = info.Size()
		return nil
	})
	if err != nil {
		return err
	}
	for name := range s.sizes {
		if !here[name] {
			if err := s.bucket.Delete(ctx, s.prefix+name); err != nil {
				return err
			}
			delete(s.sizes, name)
		}
	}
	return nil
}

// keep pushes now and then until it is stopped. A journal begins a new segment for each push, so that each is put once.
func (s *remoteState) keep(ctx context.Context, j *journal, logger *slog.Logger) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(keepInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if err := errors.Join(j.Rotate(), s.push(ctx)); err != nil && ctx.Err() == nil {
				logger.Warn("the progress is on this machine alone", "error", err) // the next push may do better
			}
		}
	}()
	return func() error {
		cancel()
		<-done
		return errors.Join(j.Rotate(), s.push(context.WithoutCancel(ctx)))
	}
}

// mirror puts a published run where Out said, with its thumbnails, which may not be there.
func mirror(ctx context.Context, l layout, store vectors.Store, bucket storage.Bucket, run string) error {
	photos := map[photoKey]bool{}
	if err := addPhotos(photos, l.parquet(run)); err != nil {
		return err
	}
	if _, err := l.putNewThumbnails(ctx, bucket, photos); err != nil {
		return err
	}
	return mirrorRun(ctx, l, store, bucket, run)
}

// mirrorRun puts the files of a published run where Out said, then latest, unless the store has another current run by now.
// What is not kept is removed by clean.
func mirrorRun(ctx context.Context, l layout, store vectors.Store, bucket storage.Bucket, run string) error {
	for _, file := range []string{l.parquet(run), l.report(run)} {
		if err := putFile(ctx, bucket, path.Join(runPrefix+run, filepath.Base(file)), file); err != nil {
			return err
		}
	}
	current, err := store.CurrentRun(ctx)
	if err != nil {
		return err
	}
	if current != run {
		return &supersededError{run, current, bucket.String()}
	}
	if err := bucket.Put(ctx, "latest", strings.NewReader(run+"\n")); err != nil {
		return err
	}
	_ = removeIfThere(l.pendingPath()) // what stays goes when the next job finds the run there
	return nil
}

// latestAt is the current run in a bucket, "" if there is none.
func latestAt(ctx context.Context, bucket storage.Bucket) (string, error) {
	data, err := storage.ReadAll(ctx, bucket, "latest", 1<<10)
	if errors.Is(err, storage.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(data)), err
}

// pullRuns brings the runs of a bucket here if its current one is not whole here: the folder is new, or another machine
// made that run. It returns the bucket's current run.
func pullRuns(ctx context.Context, l layout, bucket storage.Bucket) (run string, err error) {
	if run, err = latestAt(ctx, bucket); err != nil || run == "" {
		return "", err
	}
	if !ownRun.MatchString(run) {
		return "", fmt.Errorf("latest in %s is %q, which names no run", bucket, run)
	}
	if isHere(l.parquet(run)) && isHere(l.report(run)) {
		return run, nil
	}
	for info, err := range bucket.List(ctx, runPrefix) {
		if err != nil {
			return "", err
		}
		folder, file, _ := strings.Cut(info.Key, "/")
		to := filepath.Join(l.out, folder, file)
		if !ownRun.MatchString(strings.TrimPrefix(folder, runPrefix)) || file != parquetFile && file != reportFile || isHere(to) {
			continue
		}
		if err := getFile(ctx, bucket, info.Key, to); err != nil {
			return "", err
		}
	}
	if !isHere(l.parquet(run)) {
		return "", fmt.Errorf("run %s is the current one in %s, but its %s is not there", run, bucket, parquetFile)
	}
	return run, writeFile(l.latest(), []byte(run+"\n"))
}

func isHere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// mirrorReports puts what became of the last job there.
func mirrorReports(ctx context.Context, l layout, bucket storage.Bucket) error {
	for _, name := range []string{reportFile, "report.txt", "report.html", "metrics.prom"} {
		if err := putFile(ctx, bucket, name, filepath.Join(l.out, name)); err != nil {
			return err
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
	return placeFile(file, body, true)
}
