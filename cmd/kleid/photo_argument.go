package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// readPhoto reads a photo that the command line names: a path, an https:// or s3:// URL, or "-" for
// standard input.
func readPhoto(c *cli.Context, source string) ([]byte, error) {
	limits := photo.DefaultLimits()
	if source == "-" {
		var b bytes.Buffer
		// One byte more than allowed shows that there are too many.
		_, err := b.ReadFrom(io.LimitReader(c.App.Reader, limits.MaxBytes+1))
		return b.Bytes(), err
	}
	data, err := storage.Fetch(c.Context, source, storage.FetchOptions{Limit: limits.MaxBytes})
	var path *fs.PathError
	switch {
	case errors.Is(err, storage.ErrTooLarge):
		return nil, fmt.Errorf("the file has more than the %d bytes allowed: use a smaller photo", limits.MaxBytes)
	case errors.As(err, &path):
		return nil, fmt.Errorf("the file cannot be read: %w", path.Err)
	}
	return data, err
}
