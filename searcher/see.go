package searcher

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/photo"
)

// lane bounds how many photos are decoded and embedded at once, and how many wait for that.
type lane struct {
	places  chan struct{}
	waiting atomic.Int64
	queue   int64
}

func newLane(places, queue int) *lane {
	return &lane{places: make(chan struct{}, places), queue: int64(queue)}
}

// enter waits for a place. leave must be called once after it returned nil.
func (l *lane) enter(ctx context.Context) error {
	select {
	case l.places <- struct{}{}:
		return nil
	default:
	}
	if l.waiting.Add(1) > l.queue {
		l.waiting.Add(-1)
		return failure(CodeBusy, "too many photos are being looked at: try again in a moment")
	}
	defer l.waiting.Add(-1)
	select {
	case l.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *lane) leave() { <-l.places }

// see decodes and embeds a photo, unless that was done lately. When the context ends first, see
// returns, but the photo keeps its place in the lane until the network is done with it.
func (e *Engine) see(ctx context.Context, data []byte, box *photo.Box, timing *Timing) (seen, error) {
	key := newSeenKey(photo.ID(data), box)
	if s, ok := e.recent.get(key); ok {
		return s, nil
	}
	begun := time.Now()
	if err := e.lane.enter(ctx); err != nil {
		return seen{}, err
	}
	timing.Wait = since(begun)
	type outcome struct {
		seen   seen
		decode float64
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		defer e.lane.leave()
		var o outcome
		o.seen, o.decode, o.err = e.look(ctx, data, box)
		if o.err == nil {
			o.seen.photoID = key.photoID
			e.recent.put(key, o.seen)
		}
		done <- o
	}()
	select {
	case o := <-done:
		timing.Decode = o.decode
		timing.Locate, timing.Embed = milliseconds(o.seen.photo.Timing.Locate), milliseconds(o.seen.photo.Timing.Embed)
		return o.seen, o.err
	case <-ctx.Done():
		return seen{}, ctx.Err()
	}
}

// look decodes and embeds one photo. Graph builders and decoders may panic; no photo may end the program.
func (e *Engine) look(ctx context.Context, data []byte, box *photo.Box) (s seen, decode float64, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("embedding a photo: panic: %v\n%s", r, debug.Stack())
		}
	}()
	begun := time.Now()
	image, err := photo.Open(data, e.options.Limits)
	decode = since(begun)
	if err != nil {
		return seen{}, decode, err
	}
	frame := image.Frame()
	if box != nil && box.Intersect(frame).Empty() {
		return seen{}, decode, invalid("the box %d,%d,%d,%d lies outside the photo of %d x %d pixels",
			box.XMin, box.YMin, box.XMax, box.YMax, frame.Width(), frame.Height())
	}
	photos, err := e.options.Embedder.Embed(ctx, []embedding.Input{{Image: image, Box: box}})
	if err != nil {
		return seen{}, decode, err
	}
	if len(photos) != 1 {
		return seen{}, decode, errors.New("the embedder did not answer for the photo")
	}
	return seen{width: frame.Width(), height: frame.Height(), photo: photos[0]}, decode, nil
}

func since(begun time.Time) float64 { return milliseconds(time.Since(begun)) }

// milliseconds keeps microseconds: less would be noise.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
