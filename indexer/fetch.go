package indexer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// fetchAttempts is how often a server is asked for a photo: one that is busy for a moment must not cost any.
const fetchAttempts = 3

// photoFetcher fetches the photos of a catalogue. One on the shop's own network, which the operator named, has its photos
// there as well, at its own host and port; whatever else it names is on the public internet.
func photoFetcher(catalogue string, limits photo.Limits) *storage.Fetcher {
	return storage.NewFetcher(storage.FetchOptions{Limit: limits.MaxBytes, Attempts: fetchAttempts, PrivateBeside: catalogue})
}

// fetchFrom reads photos by path or URL. What goes wrong is said without the path, which the row has.
func fetchFrom(fetcher *storage.Fetcher, limits photo.Limits) func(context.Context, string, storage.Info) ([]byte, storage.Info, error) {
	return func(ctx context.Context, location string, known storage.Info) ([]byte, storage.Info, error) {
		data, info, err := fetcher.FetchChanged(ctx, location, known)
		var path *fs.PathError
		switch {
		case err == nil:
			return data, info, nil
		case errors.Is(err, storage.ErrTooLarge):
			return nil, info, fmt.Errorf("the file has more than the %d bytes allowed: use a smaller photo", limits.MaxBytes)
		case errors.As(err, &path):
			return nil, info, fmt.Errorf("the file cannot be read: %w", path.Err)
		}
		return nil, info, withoutPlace(err, location)
	}
}

// withoutPlace is an error about a photo that does not say again where it is: so those that fail alike have one reason.
func withoutPlace(err error, location string) error {
	for _, asked := range []string{"fetch ", "get "} {
		if why, ok := strings.CutPrefix(err.Error(), asked+storage.WithoutSecrets(location)+": "); ok {
			return errors.New(why)
		}
	}
	return err
}
