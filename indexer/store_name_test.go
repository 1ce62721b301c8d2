package indexer

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/vectors"
	"github.com/kleid-search/kleid/vectors/embedded"
)

func TestAnotherStore(t *testing.T) {
	b := newBench(t, pictures(0, 2))
	other, err := embedded.Open(t.TempDir())
	require.NoError(t, err)
	with := func(store vectors.Store) error {
		options := b.options()
		options.Store = store
		_, err := Run(t.Context(), options)
		return err
	}

	// A job that comes to nothing binds nobody.
	options := b.options()
	options.Store, options.Catalogue = other, filepath.Join(b.photos, "gone")
	_, err = Run(t.Context(), options)
	require.ErrorContains(t, err, "cannot be opened")
	require.NoError(t, os.Remove(jobPath(b.out)))
	report := b.run(t)

	err = with(other)
	require.ErrorContains(t, err, "are in the store embedded, not in embedded:")
	require.ErrorContains(t, err, "another --out")
	b.requireConsistent(t, report)

	// What an interrupted job committed to the first store is not taken for something it began.
	require.NoError(t, writeJob(b.out, report.Run, time.Now()))
	require.NoError(t, os.Rename(report.Parquet, layout{b.out}.unpublished()))
	require.NoError(t, os.Remove(layout{b.out}.latest()))
	require.ErrorContains(t, with(other), "another --out")
	require.FileExists(t, layout{b.out}.unpublished())
	b.run(t)
	require.FileExists(t, report.Parquet)

	// The folder of an index may move, with the store in it.
	moved := filepath.Join(t.TempDir(), "moved")
	require.NoError(t, os.Rename(b.out, moved))
	b.out = moved
	b.store, err = embedded.Open(moved)
	require.NoError(t, err)
	b.run(t)

	// Nor does a store that has no name stand in the way.
	require.NoError(t, with(failingStore{b.store, ""}))
}
