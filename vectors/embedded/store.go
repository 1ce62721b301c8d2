// Package embedded is the vector store that lives in a folder: no server, no cgo. The vectors are
// memory-mapped matrices, of which codes in a byte a number are scanned in full, so its answers are exact; facets are
// Roaring bitmaps, prices are in order.
//
// Under DIR:
//
//	vectors/CURRENT         the id of the published run; replaced by rename, so readers see the old or the new
//	vectors/<run>/          a whole index: manifest.json and the files that it names
//	vectors/<run>.partial/  one that is being written, or whose writer died; readers never look at it
//
// A run that readers have open may be dropped: on Linux and the other systems with mmap the mapped
// files outlive their names, elsewhere an open index is in memory. Nobody may shorten or overwrite the
// files of an index; Kleid never does.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/storage"
	"github.com/kleid-search/kleid/vectors"
)

const (
	vectorsFolder   = "vectors"
	currentFile     = "CURRENT"
	partialSuffix   = ".partial"
	temporarySuffix = ".tmp"
)

// store implements vectors.Store in a folder.
type store struct {
	folder string // DIR/vectors
}

// Open returns the store in a folder. The folder need not be there: Create makes it.
func Open(dir string) (vectors.Store, error) {
	if dir == "" {
		return nil, errors.New("the embedded store needs a folder: embedded:DIR")
	}
	info, err := os.Stat(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("embedded store: %w", err)
	}
	if err == nil && !info.IsDir() {
		return nil, fmt.Errorf("embedded store: %s is not a folder", dir)
	}
	return &store{filepath.Join(dir, vectorsFolder)}, nil
}

func (s *store) Close() error { return nil }

// Name implements vectors.Named.
func (s *store) Name() string {
	dir := filepath.Dir(s.folder)
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	return "embedded:" + dir
}

func (s *store) runFolder(run string) string     { return filepath.Join(s.folder, run) }
func (s *store) partialFolder(run string) string { return filepath.Join(s.folder, run+partialSuffix) }

func (s *store) CurrentRun(context.Context) (string, error) {
	data, err := os.ReadFile(filepath.Join(s.folder, currentFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("embedded store: %w", err)
	}
	run := strings.TrimSpace(string(data))
	if err := vectors.CheckRun(run); err != nil {
		return "", fmt.Errorf("%s: %w", filepath.Join(s.folder, currentFile), err)
	}
	return run, nil
}

func (s *store) Current(ctx context.Context) (vectors.Index, error) {
	run, err := s.CurrentRun(ctx)
	for {
		if err != nil {
			return nil, err
		}
		if run == "" {
			return nil, vectors.ErrNoIndex
		}
		index, err := openIndex(s.runFolder(run))
		if err == nil {
			return index, nil
		}
		// Between the two reads another process may have published a run and dropped this one.
		now, nowErr := s.CurrentRun(ctx)
		if nowErr != nil || now == run {
			return nil, fmt.Errorf("embedded store: run %s: %w", run, err)
		}
		run = now
	}
}

func (s *store) Create(ctx context.Context, meta catalog.Metadata) (vectors.Writer, error) {
	if err := vectors.CheckMetadata(meta); err != nil {
		return nil, err
	}
	current, err := s.CurrentRun(ctx)
	if err != nil {
		return nil, err
	}
	if current == meta.Run {
		return nil, fmt.Errorf("run %s is the current index: a new index needs a new run id", meta.Run)
	}
	if err := s.remove(meta.Run); err != nil {
		return nil, err
	}
	partial := s.partialFolder(meta.Run)
	if err := os.MkdirAll(partial, 0o755); err != nil {
		return nil, fmt.Errorf("embedded store: %w", err)
	}
	if err := storage.SyncFolder(filepath.Dir(s.folder)); err != nil {
		return nil, fmt.Errorf("embedded store: %w", err)
	}
	return newWriter(partial, s.runFolder(meta.Run), meta)
}

// Open implements vectors.Store.
func (s *store) Open(_ context.Context, run string) (vectors.Index, error) {
	if err := vectors.CheckRun(run); err != nil {
		return nil, err
	}
	if _, err := os.Stat(s.runFolder(run)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("embedded store: run %s: %w", run, vectors.ErrNoIndex)
	}
	index, err := openIndex(s.runFolder(run))
	if err != nil {
		return nil, fmt.Errorf("embedded store: run %s: %w", run, err)
	}
	return index, nil
}

// Publish reads every byte of the run before readers are pointed to it.
func (s *store) Publish(ctx context.Context, run string) error {
	if err := vectors.CheckRun(run); err != nil {
		return err
	}
	index, err := openIndex(s.runFolder(run))
	if err != nil {
		return fmt.Errorf("run %s cannot be published: %w", run, err)
	}
	if err := errors.Join(index.verify(ctx), index.Close()); err != nil {
		return fmt.Errorf("run %s cannot be published: %w", run, err)
	}
	if err := placeFile(filepath.Join(s.folder, currentFile), []byte(run+"\n")); err != nil {
		return fmt.Errorf("publishing run %s: %w", run, err)
	}
	return nil
}

func (s *store) Drop(ctx context.Context, run string) error {
	if err := vectors.CheckDrop(ctx, s, run); err != nil {
		return err
	}
	return s.remove(run)
}

// remove takes a run's folder out of sight by one rename before it is emptied, so that an interrupted
// removal leaves no half of an index under its name.
func (s *store) remove(run string) error {
	whole, partial := s.runFolder(run), s.partialFolder(run)
	if err := os.RemoveAll(partial); err != nil {
		return fmt.Errorf("dropping run %s: %w", run, err)
	}
	err := os.Rename(whole, partial)
	if err == nil {
		err = os.RemoveAll(partial)
	} else if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("dropping run %s: %w", run, err)
	}
	return storage.SyncFolder(s.folder)
}
