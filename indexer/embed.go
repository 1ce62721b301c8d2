package indexer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/photo"
)

// maxBatchPixels bounds the memory of a batch: huge photos go in smaller ones.
const maxBatchPixels = 100_000_000

// embedStage embeds what the loader sends and appends it to the journal.
type embedStage struct {
	embedder Embedder
	meta     catalog.Metadata
	journal  *journal
	loader   *loader
	embedded atomic.Int64 // photos embedded
	logger   *slog.Logger
}

// gather makes batches of photos. A batch is made while the one before it is being embedded.
func (s *embedStage) gather(ctx context.Context, in <-chan loaded, out chan<- []loaded) {
	defer close(out)
	size := max(s.embedder.BatchSize(), 1)
	var batch []loaded
	pixels := 0
	flush := func() {
		if len(batch) == 0 {
			return
		}
		select {
		case out <- batch:
		case <-ctx.Done():
		}
		batch, pixels = nil, 0
	}
	for item := range in {
		batch = append(batch, item)
		pixels += item.image.Width * item.image.Height
		if len(batch) == size || pixels >= maxBatchPixels {
			flush()
		}
	}
	flush()
}

// run embeds batches until there are no more.
func (s *embedStage) run(ctx context.Context, in <-chan []loaded) error {
	for batch := range in {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.batch(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

func (s *embedStage) batch(ctx context.Context, batch []loaded) error {
	photos, err := s.embed(ctx, batch)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return s.apart(ctx, batch, err)
	}
	return s.keep(batch, photos)
}

// apart embeds the photos of a failed batch one by one, so that one of them does not cost the others. A
// photo that fails alone is unreadable, if a plain one does not fail too: then the fault is not the photo's.
func (s *embedStage) apart(ctx context.Context, batch []loaded, cause error) error {
	plain := []loaded{{image: plainPhoto()}}
	if _, err := s.embed(ctx, plain); err != nil {
		return fmt.Errorf("photos cannot be embedded: %w", errors.Join(cause, ctx.Err()))
	}
	for _, item := range batch {
		photos, err := s.embed(ctx, []loaded{item})
		switch {
		case err == nil:
			err = s.keep([]loaded{item}, photos)
		case ctx.Err() != nil:
			err = ctx.Err()
		default:
			s.giveUp(item, err)
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func plainPhoto() *photo.Image {
	m := photo.New(64, 96)
	for i := range m.Pix {
		m.Pix[i] = 128
	}
	return m
}

// embed asks the embedder. A panic on this goroutine becomes an error.
func (s *embedStage) embed(ctx context.Context, batch []loaded) (photos []embedding.Photo, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the embedder gave up: %v", r)
		}
	}()
	inputs := make([]embedding.Input, len(batch))
	for i, item := range batch {
		inputs[i].Image = item.image
	}
	photos, err = s.embedder.Embed(ctx, inputs)
	if err == nil && len(photos) != len(inputs) {
		err = fmt.Errorf("the embedder answered for %d photos of %d", len(photos), len(inputs))
	}
	return photos, err
}

// keep appends answers to the journal, and only then counts the photos as done. A photo whose answer is of
// no use is unreadable; an answer of another form is the fault of the embedder.
func (s *embedStage) keep(batch []loaded, photos []embedding.Photo) error {
	var sightings []sighting
	for i, item := range batch {
		seen := newSighting(item.key, item.image, photos[i], s.meta.Facets)
		if err := s.journal.codec.check(seen); err != nil {
			return err
		}
		if err := seen.usable(s.meta); err != nil {
			s.giveUp(item, err)
			continue
		}
		sightings = append(sightings, seen)
	}
	if err := s.journal.Append(sightings); err != nil {
		return err
	}
	s.embedded.Add(int64(len(sightings)))
	for _, seen := range sightings {
		s.loader.release(seen.key, "")
	}
	return nil
}

func (s *embedStage) giveUp(item loaded, err error) {
	s.logger.Error("a photo cannot be embedded", "source", s.loader.entries[item.entry].Source, "error", err)
	s.loader.release(item.key, validText("the photo cannot be embedded: "+err.Error()))
}
