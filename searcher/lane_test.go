package searcher

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/embedding"
)

// batches is an embedder that notes how many photos it is given at once, lets a test hold up the first, and panics where a
// photo has the poisonous width.
type batches struct {
	*stubEmbedder
	entered, proceed chan struct{}
	first            sync.Once
	poison           int

	mu    sync.Mutex
	sizes []int
}

func (b *batches) Embed(ctx context.Context, inputs []embedding.Input) ([]embedding.Photo, error) {
	b.mu.Lock()
	b.sizes = append(b.sizes, len(inputs))
	b.mu.Unlock()
	b.first.Do(func() {
		close(b.entered)
		<-b.proceed
	})
	for _, in := range inputs {
		if in.Image.Width == b.poison {
			panic("a shape")
		}
	}
	return b.stubEmbedder.Embed(ctx, inputs)
}

// TestTogether: photos that wait are looked at together, in their order; of those whose client has gone nothing is seen,
// and what is wrong with one, be it the file or what the network makes of it, is no matter for the others.
func TestTogether(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 1)
	const poison = 333
	b := &batches{stubEmbedder: shop.embedder, entered: make(chan struct{}), proceed: make(chan struct{}), poison: poison}
	options := shop.options()
	options.Embedder, options.Embeds = b, 1
	e, err := NewEngine(t.Context(), options)
	require.NoError(t, err)
	defer e.Close()

	type result struct {
		answer Answer
		err    error
	}
	start := func(ctx context.Context, data []byte) <-chan result {
		done := make(chan result, 1)
		go func() {
			a, err := e.SearchPhoto(ctx, data, Request{})
			done <- result{a, err}
		}()
		return done
	}
	waits := func(ctx context.Context, data []byte) <-chan result {
		before := e.lane.waits()
		done := start(ctx, data)
		require.Eventually(t, func() bool { return e.lane.waits() == before+1 }, 10*time.Second, time.Millisecond)
		return done
	}
	good := func(i uint64) []byte { return shop.paint(t, 0, studio.Shot{Query: true, Index: i}) }
	results := []<-chan result{start(t.Context(), good(0))}
	<-b.entered
	results = append(results, waits(t.Context(), good(1)))
	junk := waits(t.Context(), []byte("no photo"))
	gone, leave := context.WithCancel(t.Context())
	left := waits(gone, good(2))
	poisoned := waits(t.Context(), shop.keep(t, shop.products[0].Paint(studio.Shot{Query: true, Width: poison, Height: 400})))
	for i := range uint64(3) {
		results = append(results, waits(t.Context(), good(3+i)))
	}
	leave()
	require.ErrorIs(t, (<-left).err, context.Canceled)
	require.Equal(t, 6, e.lane.waits(), "who has gone takes no place from others")
	close(b.proceed)

	var first float64
	for i, done := range results {
		r := <-done
		if i == 0 {
			first = r.answer.Timing.Wait
		} else {
			require.Greater(t, r.answer.Timing.Wait, first, "those after the first have waited for it")
		}
		require.NoError(t, r.err, i)
		require.Equal(t, shop.rows[0].ProductID, r.answer.Results[0].ProductID)
		require.Positive(t, r.answer.Timing.Decode)
	}
	require.ErrorContains(t, (<-junk).err, "the file is no JPEG")
	require.ErrorContains(t, (<-poisoned).err, "panic: a shape")
	require.Equal(t, []int{1, 3, 1, 1, 1, 2}, b.sizes, "the first; of four one is no photo; these one by one, for one of them; and the rest")
	require.Eventually(t, func() bool {
		e.lane.mu.Lock()
		defer e.lane.mu.Unlock()
		return e.lane.taken == 0
	}, 10*time.Second, time.Millisecond, "places are given back")
}

// TestGoneInABatch: a photo whose client goes when its batch is being looked at already is not decoded.
func TestGoneInABatch(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 1)
	b := &batches{stubEmbedder: shop.embedder, entered: make(chan struct{}), proceed: make(chan struct{})}
	close(b.proceed)
	options := shop.options()
	options.Embedder = b
	e, err := NewEngine(t.Context(), options)
	require.NoError(t, err)
	defer e.Close()
	gone, leave := context.WithCancel(t.Context())
	leave()
	data := shop.paint(t, 0, studio.Shot{Query: true})
	var batch []*ask
	for _, ctx := range []context.Context{t.Context(), gone} {
		batch = append(batch, &ask{ctx: ctx, data: data, done: make(chan outcome, 1)})
	}
	e.look(batch)
	require.NoError(t, (<-batch[0].done).err)
	o := <-batch[1].done
	require.ErrorIs(t, o.err, context.Canceled)
	require.Zero(t, o.decode)
	require.Equal(t, []int{1}, b.sizes)
}

// TestLargePhotosTogether: of photos that are large not more are in memory at once than two.
func TestLargePhotosTogether(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 1)
	b := &batches{stubEmbedder: shop.embedder, entered: make(chan struct{}), proceed: make(chan struct{})}
	close(b.proceed)
	options := shop.options()
	options.Embedder = b
	e, err := NewEngine(t.Context(), options)
	require.NoError(t, err)
	defer e.Close()
	var large bytes.Buffer
	require.NoError(t, png.Encode(&large, image.NewGray(image.Rect(0, 0, togetherPixels/2000, 2000))))
	small := shop.paint(t, 0, studio.Shot{Query: true})
	var batch []*ask
	for _, data := range [][]byte{large.Bytes(), small, small, large.Bytes(), small} {
		batch = append(batch, &ask{ctx: t.Context(), data: data, done: make(chan outcome, 1)})
	}
	e.look(batch)
	for _, a := range batch {
		require.NoError(t, (<-a.done).err)
	}
	require.Equal(t, []int{2, 2, 1}, b.sizes)
}
