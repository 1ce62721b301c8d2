package datasets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// rawExample is an example whose photo nobody has read yet.
type rawExample struct {
	Example
	source string // path relative to the dataset's folder, absolute path, or URL
}

// photoReader reads the photos of a dataset, for their ids.
type photoReader struct {
	options OpenOptions
	base    string // folder or s3:// URL that paths are relative to
	fetcher *storage.Fetcher
}

// read completes examples with path and photo id, on all cores. Photos that are not there are bad.
func (r *photoReader) read(ctx context.Context, raw []rawExample) (examples []Example, bad []Bad, err error) {
	// A manifest on this machine is the operator's own, and its photos may lie on the shop's network.
	local := !strings.Contains(r.base, "://")
	r.fetcher = storage.NewFetcher(storage.FetchOptions{AllowPrivate: local})
	defer r.fetcher.Close()
	reasons := make([]error, len(raw))
	var next, done atomic.Int64
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(raw) {
					return
				}
				reasons[i] = r.one(ctx, &raw[i])
				if n := int(done.Add(1)); r.options.Progress != nil {
					r.options.Progress(n, len(raw))
				}
			}
		})
	}
	wait.Wait()
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	for i := range raw {
		if reasons[i] != nil {
			bad = append(bad, Bad{raw[i].Name, reasons[i].Error()})
			continue
		}
		examples = append(examples, raw[i].Example)
	}
	return examples, bad, nil
}

// one reads a photo.
func (r *photoReader) one(ctx context.Context, e *rawExample) error {
	var data []byte
	var err error
	for _, location := range r.locations(e.source) {
		if err := storage.CheckReference(r.base, location); err != nil {
			return photoError(err)
		}
		if strings.Contains(location, "://") && r.options.Fetched == "" {
			return errors.New("the photo is not on this machine")
		}
		data, err = r.fetcher.Fetch(ctx, location)
		if err == nil {
			e.Path, e.Source = location, location
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if err != nil {
		return photoError(err)
	}
	e.PhotoID = photo.ID(data)
	if !strings.Contains(e.Path, "://") {
		return nil
	}
	e.Path = filepath.Join(r.options.Fetched, e.PhotoID)
	if err := os.WriteFile(e.Path, data, 0o600); err != nil {
		return fmt.Errorf("the photo cannot be kept: %w", err)
	}
	return nil
}

// photoFolders beside a manifest may have its photos.
var photoFolders = []string{"", "images", "photos"}

// locations are where a photo may be.
func (r *photoReader) locations(source string) []string {
	if strings.Contains(source, "://") || filepath.IsAbs(source) {
		return []string{source}
	}
	var all []string
	for _, folder := range photoFolders {
		below := path.Join(folder, source)
		if strings.Contains(r.base, "://") {
			all = append(all, strings.TrimRight(r.base, "/")+"/"+below)
		} else {
			all = append(all, filepath.Join(r.base, filepath.FromSlash(below)))
		}
	}
	return all
}

// photoError says why a photo cannot be read, without its path.
func photoError(err error) error {
	var at *fs.PathError
	switch {
	case errors.Is(err, storage.ErrTooLarge):
		return errors.New("the file is too large")
	case errors.As(err, &at):
		err = at.Err
	}
	return fmt.Errorf("the photo cannot be read: %w", err)
}
