package open

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// Photo reads a photo that the command line names: a path, an https:// or s3:// URL, or "-" for
// standard input.
func Photo(c *cli.Context, source string) ([]byte, error) {
	limits := photo.DefaultLimits()
	if source == "-" {
		var b bytes.Buffer
		// One byte more than allowed shows that there are too many.
		_, err := b.ReadFrom(io.LimitReader(c.App.Reader, limits.MaxBytes+1))
		return b.Bytes(), err
	}
	fetcher := storage.NewFetcher(storage.FetchOptions{Limit: limits.MaxBytes})
	defer fetcher.Close()
	return FetchPhoto(c.Context, fetcher, source)
}

// FetchPhoto reads a photo by path or URL. What goes wrong is said without the path.
func FetchPhoto(ctx context.Context, fetcher *storage.Fetcher, source string) ([]byte, error) {
	data, err := fetcher.Fetch(ctx, source)
	var path *fs.PathError
	switch {
	case errors.Is(err, storage.ErrTooLarge):
		return nil, fmt.Errorf("the file has more than the %d bytes allowed: use a smaller photo", photo.DefaultLimits().MaxBytes)
	case errors.As(err, &path):
		return nil, fmt.Errorf("the file cannot be read: %w", path.Err)
	}
	return data, err
}
