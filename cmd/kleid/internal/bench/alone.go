package bench

import (
	"context"
	"time"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// warmUp runs each network once, on a batch of black photos, so that none is compiled while time is taken.
func warmUp(ctx context.Context, embedder *embedding.Embedder) error {
	inputs := make([]embedding.Input, embedder.BatchSize())
	for i := range inputs {
		inputs[i].Image = photo.New(64, 96)
	}
	photos, err := embedder.Locate(ctx, inputs)
	if err != nil {
		return err
	}
	for i := range photos {
		photos[i].Status, photos[i].Box = catalog.StatusOK, inputs[i].Image.Frame()
	}
	return embedder.Describe(ctx, inputs, photos)
}

// networksAlone returns how long the networks take for the photos of a catalogue, in full batches of inputs
// that are ready, with nothing else at work; and how many photos that were. What makes the inputs ready is
// not in the time.
func networksAlone(ctx context.Context, catalogue, out string, embedder *embedding.Embedder, progress func(done, total int)) (time.Duration, int, error) {
	listing, err := indexer.Scan(ctx, catalogue, out)
	if err != nil {
		return 0, 0, err
	}
	limits := photo.DefaultLimits()
	fetcher := storage.NewFetcher(storage.FetchOptions{Limit: limits.MaxBytes})
	defer fetcher.Close()
	var (
		spent   time.Duration
		count   int
		batch   []embedding.Input
		dresses []embedding.Input
		found   []embedding.Photo
	)
	describe := func(size int) error {
		if err := embedder.Describe(ctx, dresses[:size], found[:size]); err != nil {
			return err
		}
		for _, p := range found[:size] {
			spent += p.Timing.Networks
		}
		dresses, found = dresses[size:], found[size:]
		return nil
	}
	locate := func() error {
		photos, err := embedder.Locate(ctx, batch)
		if err != nil {
			return err
		}
		for i, p := range photos {
			if p.Status == catalog.StatusOK {
				// Its time so far is counted by Describe.
				dresses, found = append(dresses, batch[i]), append(found, p)
			} else {
				spent += p.Timing.Networks
			}
		}
		count, batch = count+len(batch), nil
		for len(found) >= embedder.BatchSize() {
			if err := describe(embedder.BatchSize()); err != nil {
				return err
			}
		}
		return nil
	}
	seen := make(map[string]bool)
	for i, entry := range listing.Entries {
		data, err := fetcher.Fetch(ctx, entry.Location)
		if err != nil {
			continue // a bad photo costs the networks nothing
		}
		id := photo.ID(data)
		if seen[id] {
			continue // nor does one that was seen before
		}
		seen[id] = true
		image, err := photo.Open(data, limits)
		if err != nil {
			continue
		}
		if batch = append(batch, embedding.Input{Image: image}); len(batch) == embedder.BatchSize() {
			if err := locate(); err != nil {
				return 0, 0, err
			}
		}
		progress(i+1, len(listing.Entries))
	}
	if len(batch) > 0 {
		if err := locate(); err != nil {
			return 0, 0, err
		}
	}
	if len(found) > 0 {
		if err := describe(len(found)); err != nil {
			return 0, 0, err
		}
	}
	return spent, count, nil
}
