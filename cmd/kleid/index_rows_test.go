package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/storage"
	"github.com/kleid-search/kleid/storage/storagetest"
	"github.com/kleid-search/kleid/vectors"
)

// TestIndexRows reads an index where it is, in a folder and in S3.
func TestIndexRows(t *testing.T) {
	s := newShop(t)
	storagetest.S3(t, "shop")
	bucket, err := storage.Open(t.Context(), "s3://shop/index")
	require.NoError(t, err)
	require.NoError(t, filepath.WalkDir(s.index, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		key, err := filepath.Rel(s.index, path)
		require.NoError(t, err)
		return bucket.Put(t.Context(), filepath.ToSlash(key), f)
	}))
	want := rows(t, s.index)
	exported := kleid(t, "export", "--index", s.index)
	require.Equal(t, exit.Done, exported.code, exported.stderr)
	for _, location := range []string{s.index, "file://" + filepath.ToSlash(s.index), "s3://shop/index"} {
		index, err := open.Index(t.Context(), location)
		require.NoError(t, err)
		run, err := index.Run(t.Context())
		require.NoError(t, err)
		reader, file, err := index.Rows(t.Context(), run)
		require.NoError(t, err)
		got, err := reader.All(catalog.ReadOptions{})
		require.NoError(t, err)
		require.Equal(t, want, got, location)
		there := kleid(t, "export", "--index", location)
		require.Equal(t, exit.Done, there.code, there.stderr)
		require.Equal(t, exported.stdout, there.stdout, location)
		require.NoError(t, file.Close())
		picture, err := index.Thumbnail(t.Context(), want[0].PhotoID)
		require.NoError(t, err)
		require.NotEmpty(t, picture)

		_, _, err = index.Rows(t.Context(), "20261127T020000000Z-1a2b3c")
		require.ErrorIs(t, err, fs.ErrNotExist)
		_, err = index.Thumbnail(t.Context(), "../../etc/passwd")
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
	for _, location := range []string{t.TempDir(), "s3://shop/none"} {
		index, err := open.Index(t.Context(), location)
		require.NoError(t, err)
		_, err = index.Run(t.Context())
		require.ErrorIs(t, err, vectors.ErrNoIndex)
		require.ErrorContains(t, err, location)
	}
}

// TestQualityIsOfAnIndexOrADataset, and takes the flags of that.
func TestQualityIsOfAnIndexOrADataset(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	for want, args := range map[string][]string{
		"needs --index or --dataset":     {},
		"two things to review":           {"--index", nowhere, "--dataset", nowhere},
		"--judgements is for --index":    {"--dataset", nowhere, "--judgements", "j.jsonl"},
		"--predictions is for --dataset": {"--index", nowhere, "--predictions", "p.csv"},
		"name a file of this machine":    {"--index", "s3://shop/index"},
		"must be a file on this machine": {"--index", nowhere, "--judgements", "s3://shop/judgements.jsonl"},
		"is no facet to review":          {"--index", nowhere, "--facets", "is_dress"},
		"--listen is \"8090\"":           {"--index", nowhere, "--listen", "8090"},
	} {
		r := kleid(t, append([]string{"quality"}, args...)...)
		require.Equal(t, exit.Usage, r.code, want)
		require.Contains(t, r.stderr, want)
	}
	r := kleid(t, "quality", "--index", t.TempDir(), "--listen", "127.0.0.1:0")
	require.Equal(t, exit.Failed, r.code)
	require.Contains(t, r.stderr, "no index has been published yet")

	// Variables that other commands have a use for do not turn a dataset into an index, nor the other way round.
	t.Setenv("KLEID_INDEX", "s3://shop/index")
	t.Setenv("KLEID_JUDGEMENTS", "s3://shop/judgements.jsonl")
	r = kleid(t, "quality", "--dataset", nowhere, "--listen", "127.0.0.1:0")
	require.Equal(t, exit.Failed, r.code)
	require.Contains(t, r.stderr, "dataset "+nowhere)
	t.Setenv("KLEID_QUALITY_DATASET", nowhere)
	t.Setenv("KLEID_PREDICTIONS", "p.csv")
	r = kleid(t, "quality", "--index", t.TempDir(), "--judgements", nowhere, "--listen", "127.0.0.1:0")
	require.Equal(t, exit.Failed, r.code)
	require.Contains(t, r.stderr, "no index has been published yet")
}
