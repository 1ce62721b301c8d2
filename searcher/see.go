package searcher

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/photo"
)

// see decodes and embeds a photo, unless that was done lately. When the context ends first, see returns; a photo that is
// being looked at keeps its place in the lane until the network is done with it.
func (e *Engine) see(ctx context.Context, data []byte, box *photo.Box, timing *Timing) (seen, error) {
	key := newSeenKey(photo.ID(data), box)
	if s, ok := e.recent.get(key); ok {
		return s, nil
	}
	a := &ask{ctx: ctx, data: data, box: box, photoID: key.photoID, begun: time.Now(), done: make(chan outcome, 1)}
	if err := e.lane.enter(a); err != nil {
		return seen{}, err
	}
	select {
	case o := <-a.done:
		timing.Wait, timing.Decode = o.wait, o.decode
		timing.Locate, timing.Embed = milliseconds(o.seen.photo.Timing.Locate), milliseconds(o.seen.photo.Timing.Embed)
		return o.seen, o.err
	case <-ctx.Done():
		e.lane.leave(a)
		return seen{}, ctx.Err()
	}
}

// togetherPixels bounds what a batch has in memory beside the photo that is being decoded.
const togetherPixels = 8_000_000

// look decodes and embeds a batch of photos and answers who asked; what is wrong with one is no matter for the others, and
// one that nobody waits for any more takes no time from them.
func (e *Engine) look(batch []*ask) {
	begun := time.Now()
	var ready []*decoded
	pixels := 0
	for _, a := range batch {
		d := &decoded{ask: a, outcome: outcome{wait: milliseconds(begun.Sub(a.begun))}}
		if d.err = a.ctx.Err(); d.err == nil {
			e.decode(d)
		}
		if d.err != nil {
			a.done <- d.outcome
			continue
		}
		ready = append(ready, d)
		if pixels += d.input.Image.Width * d.input.Image.Height; pixels > togetherPixels {
			e.answerAll(ready)
			ready, pixels = nil, 0
		}
	}
	e.answerAll(ready)
}

// decoded is a photo on its way through a batch.
type decoded struct {
	*ask
	outcome
	input embedding.Input
}

// decode decodes a photo. Decoders may panic; no photo may end the program.
func (e *Engine) decode(d *decoded) {
	defer recovered(&d.err)
	begun := time.Now()
	image, err := photo.Open(d.data, e.options.Limits)
	d.decode = since(begun)
	if err != nil {
		d.err = err
		return
	}
	frame := image.Frame()
	if box := d.box; box != nil && box.Intersect(frame).Empty() {
		d.err = invalid("the box %d,%d,%d,%d lies outside the photo of %d x %d pixels",
			box.XMin, box.YMin, box.XMax, box.YMax, frame.Width(), frame.Height())
		return
	}
	d.seen = seen{photoID: d.photoID, width: frame.Width(), height: frame.Height()}
	d.input = embedding.Input{Image: image, Box: d.box}
}

// answerAll embeds photos together, or, where that fails, one by one, so that it fails for the one whose fault it is.
func (e *Engine) answerAll(photos []*decoded) {
	if len(photos) > 1 && e.embed(photos) != nil {
		for i := range photos {
			e.answerAll(photos[i : i+1])
		}
		return
	}
	if len(photos) == 1 {
		photos[0].err = e.embed(photos)
	}
	for _, d := range photos {
		if d.err == nil {
			e.recent.put(newSeenKey(d.photoID, d.box), d.seen)
		}
		d.done <- d.outcome
	}
}

// embed fills in what the model sees in photos. Graph builders may panic.
func (e *Engine) embed(photos []*decoded) (err error) {
	defer recovered(&err)
	inputs := make([]embedding.Input, len(photos))
	for i, d := range photos {
		inputs[i] = d.input
	}
	// Those who asked may stop to wait one by one.
	found, err := e.options.Embedder.Embed(context.WithoutCancel(photos[0].ctx), inputs)
	switch {
	case err != nil:
		return err
	case len(found) != len(photos):
		return errors.New("the embedder did not answer for each photo")
	}
	for i, d := range photos {
		d.seen.photo = found[i]
	}
	return nil
}

// recovered makes an error of a panic.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("looking at a photo: panic: %v\n%s", r, debug.Stack())
	}
}

func since(begun time.Time) float64 { return milliseconds(time.Since(begun)) }

// milliseconds keeps microseconds: less would be noise.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
