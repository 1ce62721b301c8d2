package indexer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

// failingStore fails where it is told to.
type failingStore struct {
	vectors.Store
	fail string
}

var errDisk = errors.New("no space left on the device")

func (f failingStore) CurrentRun(ctx context.Context) (string, error) {
	if f.fail == "current" {
		return "", errDisk
	}
	return f.Store.CurrentRun(ctx)
}

func (f failingStore) Create(ctx context.Context, meta catalog.Metadata) (vectors.Writer, error) {
	if f.fail == "create" {
		return nil, errDisk
	}
	w, err := f.Store.Create(ctx, meta)
	return failingWriter{w, f.fail}, err
}

func (f failingStore) Open(ctx context.Context, run string) (vectors.Index, error) {
	switch f.fail {
	case "open", "open " + run:
		return nil, errDisk
	case "lost rows", "lost vectors":
		index, err := f.Store.Open(ctx, run)
		return lossyIndex{index, f.fail}, err
	}
	return f.Store.Open(ctx, run)
}

func (f failingStore) Publish(ctx context.Context, run string) error {
	switch f.fail {
	case "publish":
		return errDisk
	case "publish's answer":
		return errors.Join(f.Store.Publish(ctx, run), errDisk)
	}
	return f.Store.Publish(ctx, run)
}

func (f failingStore) Drop(ctx context.Context, run string) error {
	if f.fail == "drop" {
		return errDisk
	}
	return f.Store.Drop(ctx, run)
}

type failingWriter struct {
	vectors.Writer
	fail string
}

func (f failingWriter) Add(ctx context.Context, rows []catalog.Row) error {
	if f.fail == "add" {
		return errDisk
	}
	return f.Writer.Add(ctx, rows)
}

func (f failingWriter) Finish(ctx context.Context) error {
	if f.fail == "finish" {
		return errDisk
	}
	return f.Writer.Finish(ctx)
}

// lossyIndex has lost what was put into it.
type lossyIndex struct {
	vectors.Index
	fail string
}

func (l lossyIndex) Count(ctx context.Context) (int, error) {
	n, err := l.Index.Count(ctx)
	if l.fail == "lost rows" {
		n--
	}
	return n, err
}

func (l lossyIndex) Search(ctx context.Context, q vectors.Query) (vectors.Result, error) {
	result, err := l.Index.Search(ctx, q)
	if l.fail == "lost vectors" && len(result.Matches) > 0 {
		result.Matches[0].Similarity = 0.5
	}
	return result, err
}

// Wherever the store fails, yesterday's index stays, and the next job makes it good.
func TestStoreFailures(t *testing.T) {
	for _, fail := range []string{"current", "create", "add", "finish", "open", "lost rows", "lost vectors", "publish"} {
		t.Run(fail, func(t *testing.T) {
			b := newBench(t, pictures(0, 3))
			old := b.run(t)
			writeFiles(t, b.photos, pictures(3, 3))
			options := b.options()
			options.Store = failingStore{b.store, fail}
			refused, err := Run(t.Context(), options)
			switch fail {
			case "lost rows":
				require.NoError(t, err)
				requireRefused(t, refused, CheckContent, "has 5 rows, but 6 were written")
			case "lost vectors":
				require.NoError(t, err)
				requireRefused(t, refused, CheckContent, "with a similarity of 0.5")
			default:
				require.ErrorIs(t, err, errDisk)
			}
			if fail == "current" || refused.Gate.Refused() {
				b.requireConsistent(t, old)
			} else {
				b.requireConsistentBut(t, old)
			}
			report := b.run(t)
			require.Equal(t, 6, b.embedder.embeddings(t))
			require.Equal(t, old.Run, report.PreviousRun)
			leftovers, err := os.ReadDir(filepath.Join(b.out, "vectors"))
			require.NoError(t, err)
			require.Len(t, leftovers, 3, "CURRENT, the current run and the one before")
		})
	}
}

// A current index that is damaged costs the nights after it nothing that --force does not bring back.
func TestDamagedCurrentIndex(t *testing.T) {
	b := newBench(t, pictures(0, 3))
	old := b.run(t)
	options := b.options()
	options.Store = failingStore{b.store, "open " + old.Run}
	_, err := Run(t.Context(), options)
	require.ErrorIs(t, err, errDisk)
	require.ErrorContains(t, err, "--force", "what to do")
	options.Force = true
	report, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.Equal(t, old.Run, report.PreviousRun)
	b.requireConsistent(t, report)
	require.Equal(t, 3, b.embedder.embeddings(t), "nothing is embedded again")
}

// Opening an index does not read all of it: what is damaged further down is as little the end of all nights.
func TestDamagedFilesOfTheCurrentIndex(t *testing.T) {
	for _, file := range []string{"rows.table", "deeprank.f32"} {
		t.Run(file, func(t *testing.T) {
			b := newBench(t, pictures(0, 3))
			old := b.run(t)
			path := filepath.Join(b.out, "vectors", old.Run, file)
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			clear(data[len(data)/2:])
			require.NoError(t, os.WriteFile(path, data, 0o644))
			_, err = Run(t.Context(), b.options())
			require.ErrorContains(t, err, "--force", "what to do")
			options := b.options()
			options.Force = true
			report, err := Run(t.Context(), options)
			require.NoError(t, err)
			require.Zero(t, report.Gate.Sought)
			b.requireConsistent(t, report)
		})
	}
}

// The store may have published although its answer was lost: the next job settles it.
func TestLostAnswer(t *testing.T) {
	b := newBench(t, pictures(0, 3))
	b.run(t)
	options := b.options()
	options.Store = failingStore{b.store, "publish's answer"}
	_, err := Run(t.Context(), options)
	require.ErrorIs(t, err, errDisk)
	run, err := b.store.CurrentRun(t.Context())
	require.NoError(t, err)
	report := b.run(t)
	require.Equal(t, run, report.PreviousRun)
	require.FileExists(t, ParquetPath(b.out, run))
}
