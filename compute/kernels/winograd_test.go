package kernels

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

func TestWinogradTransformsAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	const n, tile = 32, 48 // channels, and the floats from a position or point to the next
	levels(t, func(t *testing.T) {
		own := winogradOf(Active())
		scratch := make([]float32, winogradPoints*winogradLanes)
		taps, window, points := random(rng, 9*tile), random(rng, winogradPoints*tile), random(rng, winogradPoints*tile)
		bias, residual := random(rng, n), random(rng, 16*tile)
		at := func(s []float32) unsafe.Pointer { return unsafe.Pointer(&s[0]) }

		want, got := make([]float32, winogradPoints*tile), make([]float32, winogradPoints*tile)
		portableWinograd.filter(at(want), at(taps), n, 4*tile, 4*tile)
		own.filter(at(got), at(taps), n, 4*tile, 4*tile)
		require.InDeltaSlice(t, want, got, 1e-5, "filter")

		portableWinograd.input(at(want), at(window), at(scratch), n, 4*6*tile, 4*tile, 4*tile)
		own.input(at(got), at(window), at(scratch), n, 4*6*tile, 4*tile, 4*tile)
		require.InDeltaSlice(t, want, got, 1e-4, "input")

		portableWinograd.spread(at(want), at(window), at(scratch), n, 4*4*tile, 4*tile, 4*tile)
		own.spread(at(got), at(window), at(scratch), n, 4*4*tile, 4*tile, 4*tile)
		require.InDeltaSlice(t, want, got, 1e-4, "spread")

		portableWinograd.gather(at(want), at(points), at(scratch), n, 4*tile, 4*tile)
		own.gather(at(got), at(points), at(scratch), n, 4*tile, 4*tile)
		require.InDeltaSlice(t, want, got, 1e-4, "gather")

		for _, relu := range []bool{false, true} {
			for parts := range 4 {
				b, r := unsafe.Pointer(nil), unsafe.Pointer(nil)
				if parts&1 > 0 {
					b = at(bias)
				}
				if parts&2 > 0 {
					r = at(residual)
				}
				want, got := make([]float32, 16*tile), make([]float32, 16*tile)
				portableWinograd.output(at(want), at(points), b, r, at(scratch), n, 4*4*tile, 4*tile, 4*tile, relu)
				own.output(at(got), at(points), b, r, at(scratch), n, 4*4*tile, 4*tile, 4*tile, relu)
				require.InDeltaSlice(t, want, got, 1e-3, "output, bias and residual %d, relu %v", parts, relu)
			}
		}
	})
}

func TestWinograd(t *testing.T) {
	levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 5))
		for range 25 {
			checkConv(t, rng, randomWinograd(rng))
		}
	})
}

func randomWinograd(rng *rand.Rand) Conv {
	for {
		c := Conv{
			N: 1 + rng.IntN(3), H: 3 + rng.IntN(20), W: 3 + rng.IntN(20), C: 16 * (2 + rng.IntN(5)), O: 16 * (2 + rng.IntN(5)), KH: 3, KW: 3,
			StrideH: 1, StrideW: 1, PadTop: rng.IntN(3), PadLeft: rng.IntN(3), DilationH: 1, DilationW: 1, Groups: 1,
		}
		if rng.IntN(6) == 0 {
			c.C, c.O = 160, 256 // filters that each worker reads in part
		}
		c.OH, c.OW = c.H-2+c.PadTop+rng.IntN(3), c.W-2+c.PadLeft+rng.IntN(3)
		if c.Method() == Winograd {
			return c
		}
	}
}

// TestWinogradOfAnImageIsTheSame in any batch and for any number of workers.
func TestWinogradOfAnImageIsTheSame(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for _, c := range []Conv{
		{H: 14, W: 10, C: 48, O: 48, OH: 14, OW: 10},
		{H: 7, W: 7, C: 192, O: 256, OH: 7, OW: 7},
	} {
		c.KH, c.KW, c.StrideH, c.StrideW, c.PadTop, c.PadLeft, c.DilationH, c.DilationW, c.Groups = 3, 3, 1, 1, 1, 1, 1, 1, 1
		t.Run(fmt.Sprint(c.C), func(t *testing.T) {
			require.Equal(t, Winograd, c.Method())
			packed := PackConv(c, random(rng, 9*c.C*c.O))
			const images = 37
			x := random(rng, images*c.H*c.W*c.C)
			all := c
			all.N = images
			want := make([]float32, images*c.OH*c.OW*c.O)
			packed.Forward(threads(2), all, want, x, Epilogue{})
			one := c
			one.N = 1
			for i := range images {
				got := make([]float32, c.OH*c.OW*c.O)
				packed.Forward(threads(1+i%3), one, got, x[i*c.H*c.W*c.C:], Epilogue{})
				require.Equal(t, want[i*len(got):(i+1)*len(got)], got, "image %d", i)
			}
		})
	}
}

// TestWinogradOfSizesTogether holds that images are the same to the bit whether those of other sizes are convolved along
// with them or not, at the border of a block as within it.
func TestWinogradOfSizesTogether(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for _, channels := range []int{48, 192} { // small filters, and those that each worker reads in part
		one := Conv{N: 1, C: channels, O: 64, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadTop: 1, PadLeft: 1, DilationH: 1, DilationW: 1, Groups: 1}
		w, bias := random(rng, 9*one.C*one.O), random(rng, one.O)
		var all []Images
		var want [][]float32
		for i, size := range [][3]int{{2, 13, 9}, {3, 7, 5}, {1, 5, 4}, {9, 40, 26}} {
			c := one
			c.N, c.H, c.W, c.OH, c.OW = size[0], size[1], size[2], size[1], size[2]
			require.Equal(t, Winograd, c.Method())
			images := Images{Conv: c, X: random(rng, c.N*c.H*c.W*c.C), Dst: make([]float32, c.N*c.OH*c.OW*c.O)}
			if i%2 == 0 {
				images.Epilogue = Epilogue{Bias: bias, Residual: random(rng, len(images.Dst)), ReLU: true}
			}
			all = append(all, images)
			alone := make([]float32, len(images.Dst))
			PackConv(c, w).Forward(threads(2), c, alone, images.X, images.Epilogue)
			want = append(want, alone)
		}
		for _, workers := range []int{1, 3} {
			PackConv(all[0].Conv, w).ForwardAll(threads(workers), all)
			for i, images := range all {
				require.Equal(t, want[i], images.Dst, "%d channels, size %d, %d workers", channels, i, workers)
				clear(images.Dst)
			}
		}
	}
}

// TestWinogradOfFewTiles holds that a few tiles, whose filters are transformed on the way, are the same to the bit as by
// transformed filters.
func TestWinogradOfFewTiles(t *testing.T) {
	levels(t, func(t *testing.T) {
		if !hasWinogradFew() {
			t.Skip("this instruction set transforms all filters beforehand")
		}
		rng := rand.New(rand.NewPCG(8, 8))
		for tiles := 1; tiles <= fewTiles; tiles++ {
			c := Conv{
				N: tiles, H: 4, W: 3, C: 16 * (2 + rng.IntN(5)), O: 16 * (2 + rng.IntN(5)), OH: 4, OW: 3, KH: 3, KW: 3,
				StrideH: 1, StrideW: 1, PadTop: 1, PadLeft: 1, DilationH: 1, DilationW: 1, Groups: 1,
			}
			taps := newWinogradTaps(c.C, c.O, random(rng, 9*c.C*c.O))
			few := Images{Conv: c, X: random(rng, c.N*c.H*c.W*c.C), Dst: make([]float32, c.N*c.OH*c.OW*c.O)}
			few.Epilogue = Epilogue{Bias: random(rng, c.O), ReLU: true}
			many := few
			many.Dst = make([]float32, len(few.Dst))
			taps.filters(threads(2), activeTiler()).convolve(threads(2), newWinogradSizes(many))
			for _, workers := range []int{1, 3} {
				clear(few.Dst)
				taps.convolveFew(threads(workers), newWinogradSizes(few))
				require.Equal(t, many.Dst, few.Dst, "%d tiles, %d to %d channels, %d workers", tiles, c.C, c.O, workers)
			}
		}
	})
}

// TestWinogradOfOneImageNeedsLittleMemory: filters are not transformed before there is a call that reads them.
func TestWinogradOfOneImageNeedsLittleMemory(t *testing.T) {
	if !hasWinogradFew() {
		t.Skip("this instruction set transforms all filters beforehand")
	}
	rng := rand.New(rand.NewPCG(9, 9))
	c := Conv{N: 1, H: 7, W: 7, C: 512, O: 512, OH: 7, OW: 7, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadTop: 1, PadLeft: 1, DilationH: 1, DilationW: 1, Groups: 1}
	w, x, y := random(rng, 9*c.C*c.O), random(rng, c.H*c.W*c.C), make([]float32, c.OH*c.OW*c.O)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	PackConv(c, w).Forward(threads(1), c, y, x, Epilogue{})
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(2*4*len(w)), "an image of 7 x 7 reads the filters as they are")
}
