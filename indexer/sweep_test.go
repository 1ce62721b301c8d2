package indexer

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/vectors"
)

// An old run that cannot be removed does not spoil the new one, and is removed later.
func TestKeep(t *testing.T) {
	b := newBench(t, pictures(0, 2))
	first, second := b.run(t), b.run(t)
	var log bytes.Buffer
	options := b.options()
	options.Store, options.Logger = failingStore{b.store, "drop"}, slog.New(slog.NewTextHandler(&log, nil))
	third, err := Run(t.Context(), options)
	require.NoError(t, err)
	b.requireConsistent(t, third)
	require.Contains(t, log.String(), "old runs are left behind")
	runs, err := layout{b.out}.runs()
	require.NoError(t, err)
	require.Equal(t, []string{first.Run, second.Run, third.Run}, runs)
	fourth := b.run(t)
	runs, err = layout{b.out}.runs()
	require.NoError(t, err)
	require.Equal(t, []string{third.Run, fourth.Run}, runs)
	old, err := b.store.Open(t.Context(), third.Run)
	require.NoError(t, err)
	require.NoError(t, old.Close())
	_, err = b.store.Open(t.Context(), second.Run)
	require.ErrorIs(t, err, vectors.ErrNoIndex)
	options.Keep = 0
	options.Store = b.store
	last, err := Run(t.Context(), options)
	require.NoError(t, err)
	runs, err = layout{b.out}.runs()
	require.NoError(t, err)
	require.Equal(t, []string{last.Run}, runs)
}

// A photo's thumbnail stays as long as a run has the photo, and goes with the last one.
func TestThumbnailsOfGonePhotos(t *testing.T) {
	b := newBench(t, pictures(0, 3))
	thumbnail := filepath.Join(ThumbnailsFolder(b.out), ThumbnailPath(photo.ID(picture(ordinaryWidth, 0))))
	b.run(t)
	require.FileExists(t, thumbnail)
	torn := filepath.Join(filepath.Dir(thumbnail), "."+filepath.Base(thumbnail)+".123")
	require.NoError(t, os.WriteFile(torn, []byte("half"), 0o600))
	require.NoError(t, os.Remove(filepath.Join(b.photos, pictureName(0))))
	second := b.run(t)
	require.FileExists(t, thumbnail, "the run before has it still")
	require.NoFileExists(t, torn)

	// While a kept run cannot be read, nothing is removed, and the job is no worse for it.
	parquet, err := os.ReadFile(second.Parquet)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(second.Parquet, parquet[:100], 0o644))
	b.run(t)
	require.FileExists(t, thumbnail)
	b.run(t)
	require.NoFileExists(t, thumbnail)
}
