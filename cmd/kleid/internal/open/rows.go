package open

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

// IndexRows is an index by what lies in its folder or below its prefix in S3, for kleid quality and kleid export: Parquet and thumbnails.
type IndexRows struct {
	bucket     storage.Bucket
	thumbnails searcher.Thumbnails
}

// Index opens the index in a folder, or below a prefix in S3.
func Index(ctx context.Context, location string) (*IndexRows, error) {
	bucket, err := storage.Open(ctx, location)
	if err != nil {
		return nil, err
	}
	return &IndexRows{bucket, ThumbnailsOf(bucket)}, nil
}

// Name is where it is.
func (i *IndexRows) Name() string { return i.bucket.String() }

// Run is what latest names.
func (i *IndexRows) Run(ctx context.Context) (string, error) {
	data, err := storage.ReadAll(ctx, i.bucket, "latest", 1<<10)
	run := strings.TrimSpace(string(data))
	if errors.Is(err, storage.ErrNotExist) || err == nil && run == "" {
		return "", fmt.Errorf("%s: %w", i.bucket, vectors.ErrNoIndex)
	}
	return run, err
}

// Rows opens the Parquet file of a run.
func (i *IndexRows) Rows(ctx context.Context, run string) (*catalog.Reader, io.Closer, error) {
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

// Path is where the rows of a run are.
func (i *IndexRows) Path(run string) string {
	return i.bucket.String() + "/" + filepath.ToSlash(indexer.ParquetPath("", run))
}

// Thumbnail reads that of a photo.
func (i *IndexRows) Thumbnail(ctx context.Context, photoID string) ([]byte, error) {
	return i.thumbnails(ctx, photoID)
}
