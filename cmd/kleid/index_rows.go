package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/searcher"
	"github.com/kleid-search/kleid/storage"
	"github.com/kleid-search/kleid/vectors"
)

// indexRows is an index by what lies in its folder or below its prefix in S3, for kleid quality and kleid export: Parquet and thumbnails.
type indexRows struct {
	bucket     storage.Bucket
	thumbnails searcher.Thumbnails
}

func openIndexRows(ctx context.Context, location string) (*indexRows, error) {
	bucket, err := storage.Open(ctx, location)
	if err != nil {
		return nil, err
	}
	return &indexRows{bucket, thumbnailsOf(bucket)}, nil
}

func (i *indexRows) Name() string { return i.bucket.String() }

// Run is what latest names.
func (i *indexRows) Run(ctx context.Context) (string, error) {
	data, err := storage.ReadAll(ctx, i.bucket, "latest", 1<<10)
	run := strings.TrimSpace(string(data))
	if errors.Is(err, storage.ErrNotExist) || err == nil && run == "" {
		return "", fmt.Errorf("%s: %w", i.bucket, vectors.ErrNoIndex)
	}
	return run, err
}

func (i *indexRows) Rows(ctx context.Context, run string) (*catalog.Reader, io.Closer, error) {
	blob, err := storage.OpenAt(ctx, i.bucket, filepath.ToSlash(indexer.ParquetPath("", run)))
	if err != nil {
		return nil, nil, fmt.Errorf("run %s: %w", run, err)
	}
	reader, err := catalog.Read(blob, blob.Size())
	if err != nil {
		blob.Close()
		return nil, nil, fmt.Errorf("run %s of %s: %w", run, i.bucket, err)
	}
	return reader, blob, nil
}

// path is where the rows of a run are.
func (i *indexRows) path(run string) string {
	return i.bucket.String() + "/" + filepath.ToSlash(indexer.ParquetPath("", run))
}

func (i *indexRows) Thumbnail(ctx context.Context, photoID string) ([]byte, error) {
	return i.thumbnails(ctx, photoID)
}
