package indexer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// maxBatchPixels bounds the memory of a batch: huge photos go in smaller ones.
const maxBatchPixels = 100_000_000

// embedStage embeds what the loader sends and appends it to the journal.
type embedStage struct {
	embedder Embedder
	meta     catalog.Metadata
	journal  *journal
	loader   *loader
	watch    *stopwatch
	embedded atomic.Int64 // photos embedded
	logger   *slog.Logger

	dresses []located // found, and not yet described: less than a batch of them
}

// located is a photo in which a dress was found.
type located struct {
	loaded
	photo embedding.Photo
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

// run embeds batches until there are no more. Dresses are gathered over as many batches of photos as it
// takes to fill one of crops.
func (s *embedStage) run(ctx context.Context, in <-chan []loaded) error {
	for {
		begun := time.Now()
		batch, more := <-in
		s.watch.lap(WorkWaiting, begun)
		if err := ctx.Err(); err != nil {
			return err
		}
		if !more {
			return s.describe(ctx, 1)
		}
		if err := s.batch(ctx, batch); err != nil {
			return err
		}
		if err := s.describe(ctx, max(s.embedder.BatchSize(), 1)); err != nil {
			return err
		}
	}
}

func (s *embedStage) batch(ctx context.Context, batch []loaded) error {
	photos, err := s.locate(ctx, batch)
	if err != nil {
		return s.apart(ctx, batch, err)
	}
	var others []loaded
	var without []embedding.Photo
	for i, p := range photos {
		if p.Status == catalog.StatusOK {
			s.dresses = append(s.dresses, located{batch[i], p})
		} else {
			others, without = append(others, batch[i]), append(without, p)
		}
	}
	return s.keep(others, without)
}

// describe describes dresses in full batches as long as there are least of them. A batch may be cut short
// by the pixels in it.
func (s *embedStage) describe(ctx context.Context, least int) error {
	for len(s.dresses) >= least && len(s.dresses) > 0 || pixelsOf(s.dresses) >= maxBatchPixels {
		size := min(max(s.embedder.BatchSize(), 1), len(s.dresses))
		batch, photos := make([]loaded, size), make([]embedding.Photo, size)
		for i, d := range s.dresses[:size] {
			batch[i], photos[i] = d.loaded, d.photo
		}
		s.dresses = append(s.dresses[:0:0], s.dresses[size:]...)
		err := s.ask(photos, func() error { return s.embedder.Describe(ctx, inputsOf(batch), photos) })
		if err == nil {
			err = s.keep(batch, photos)
		} else {
			err = s.apart(ctx, batch, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func pixelsOf(dresses []located) int {
	pixels := 0
	for _, d := range dresses {
		pixels += d.image.Width * d.image.Height
	}
	return pixels
}

// apart embeds the photos of a failed batch one by one, so that one of them does not cost the others. A
// photo that fails alone is unreadable, if a plain one does not fail too: then the fault is not the photo's.
func (s *embedStage) apart(ctx context.Context, batch []loaded, cause error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
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

// embed locates and describes.
func (s *embedStage) embed(ctx context.Context, batch []loaded) ([]embedding.Photo, error) {
	photos, err := s.locate(ctx, batch)
	if err == nil {
		err = s.ask(photos, func() error { return s.embedder.Describe(ctx, inputsOf(batch), photos) })
	}
	return photos, err
}

func (s *embedStage) locate(ctx context.Context, batch []loaded) ([]embedding.Photo, error) {
	photos := make([]embedding.Photo, len(batch))
	err := s.ask(photos, func() error {
		answers, err := s.embedder.Locate(ctx, inputsOf(batch))
		if err == nil && len(answers) != len(batch) {
			err = fmt.Errorf("the embedder answered for %d photos of %d", len(answers), len(batch))
		}
		copy(photos, answers)
		return err
	})
	return photos, err
}

// ask asks the embedder, which fills in photos. A panic on this goroutine becomes an error.
func (s *embedStage) ask(photos []embedding.Photo, question func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the embedder gave up: %v", r)
		}
	}()
	begun, before := time.Now(), networksTime(photos)
	err = question()
	networks := networksTime(photos) - before
	s.watch.add(WorkNetworks, networks)
	s.watch.add(WorkScale, time.Since(begun)-networks)
	return err
}

func networksTime(photos []embedding.Photo) time.Duration {
	var sum time.Duration
	for _, p := range photos {
		sum += p.Timing.Networks
	}
	return sum
}

func inputsOf(batch []loaded) []embedding.Input {
	inputs := make([]embedding.Input, len(batch))
	for i, item := range batch {
		inputs[i].Image, inputs[i].IsDress = item.image, item.told
	}
	return inputs
}

// keep appends answers to the journal, and only then counts the photos as done. A photo whose answer is of
// no use is unreadable; an answer of another form is the fault of the embedder.
func (s *embedStage) keep(batch []loaded, photos []embedding.Photo) error {
	begun := time.Now()
	defer func() { s.watch.lap(WorkJournal, begun) }()
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
	for _, item := range batch {
		item.image.Recycle()
	}
	return nil
}

func (s *embedStage) giveUp(item loaded, err error) {
	s.logger.Error("a photo cannot be embedded", "source", storage.WithoutSecrets(s.loader.entries[item.entry].Source), "error", err)
	s.loader.release(item.key, catalog.ValidText("the photo cannot be embedded: "+err.Error()))
}

// embed brings every photo into the journal that can be read and is not there yet.
func (r *runner) embed(ctx context.Context) error {
	r.begin(StageEmbed)
	fetcher := photoFetcher(r.Catalogue, r.Limits)
	defer fetcher.Close()
	var done, bad atomic.Int64
	r.loader = newLoader(r.entries)
	if !r.Reread {
		r.loader.known = r.known
	}
	r.loader.limits, r.loader.workers, r.loader.journal = r.Limits, r.readers(), r.journal
	r.loader.thumbnails, r.loader.fetch = r.pictures, fetchFrom(fetcher, r.Limits)
	r.loader.judgements = r.Judgements
	work, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.loader.done = func(isBad bool) {
		done.Add(1)
		if isBad && r.tooMany(int(bad.Add(1))) && r.refusesBad() {
			cancel(errHopeless)
		}
	}
	r.loader.watch = &r.watch
	stage := &embedStage{embedder: r.Embedder, meta: r.meta, journal: r.journal, loader: r.loader, watch: &r.watch, logger: r.Logger}

	photos, batches := make(chan loaded), make(chan []loaded)
	var wait sync.WaitGroup
	start := func(f func() error) {
		wait.Go(func() {
			if err := f(); err != nil {
				cancel(err)
			}
		})
	}
	start(func() error { return r.loader.run(work, photos) })
	start(func() error { stage.gather(work, photos, batches); return nil })
	start(func() error { return stage.run(work, batches) })

	tell := func() {
		r.Progress(Progress{Stage: StageEmbed, Done: int(done.Load()), Total: len(r.entries), Bad: int(bad.Load())})
	}
	finished := make(chan struct{})
	go func() { wait.Wait(); close(finished) }()
	ticker := time.NewTicker(progressInterval)
	defer ticker.Stop()
	for running := true; running; {
		select {
		case <-ticker.C:
		case <-finished:
			running = false
		}
		tell()
	}
	r.report.Embedded = int(stage.embedded.Load())
	r.end(StageEmbed)
	if err := r.journal.Sync(); err != nil {
		return err
	}
	if err := context.Cause(work); err != nil {
		return err
	}
	// What was known of other locations stays until an index without them is published.
	for _, k := range r.loader.learned() {
		r.known[k.Location] = k
	}
	return writeKnown(r.work(), r.Limits, r.known)
}
