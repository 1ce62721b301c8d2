package models

import (
	"fmt"
	"math"
)

// Clipping chooses the range of numbers that eight bits stand for. What lies outside is clipped; what lies
// inside is rounded the finer, the narrower the range is.
type Clipping string

// The ways to choose it.
const (
	ClipNothing    Clipping = "minmax"     // all that was observed
	ClipPercentile Clipping = "percentile" // but the outermost 0.01% on each side
	ClipMSE        Clipping = "mse"        // where the squared error of rounding and clipping is least
)

// DefaultClipping is the one that kept most of the embedding of the photo that lost most (MODEL_CARD.md).
const DefaultClipping = ClipNothing

// Clippings are all ways.
func Clippings() []Clipping { return []Clipping{ClipNothing, ClipPercentile, ClipMSE} }

// histogram counts the numbers of an activation but zeros, which no range loses anything of, and averages
// each channel.
type histogram struct {
	limit    float64  // the bins span [-limit, limit]
	counts   []uint64 // of each bin
	min, max float32
	sums     []float64 // of each channel
	rows     int       // numbers in each channel
}

// histogramBins is even, so that zero is a bin's edge.
const histogramBins = 8192

// add counts values, whose channels are the fastest axis.
func (h *histogram) add(values []float32, channels int) error {
	if h.sums == nil {
		h.sums = make([]float64, channels)
	}
	for row := 0; row < len(values); row += channels {
		for i, v := range values[row : row+channels] {
			h.sums[i] += float64(v)
		}
	}
	h.rows += len(values) / channels
	for _, v := range values {
		if v-v != 0 {
			return fmt.Errorf("an activation is not finite: %v", v)
		}
		h.min, h.max = min(h.min, v), max(h.max, v)
	}
	h.widen(max(float64(h.max), -float64(h.min)))
	scale := histogramBins / 2 / h.limit
	for _, v := range values {
		if v != 0 {
			h.counts[min(int((float64(v)+h.limit)*scale), histogramBins-1)]++
		}
	}
	return nil
}

// widen makes room for numbers up to largest: while the span doubles, two bins become one.
func (h *histogram) widen(largest float64) {
	if h.counts == nil {
		h.counts, h.limit = make([]uint64, histogramBins), max(largest, 1e-6)
	}
	for ; h.limit < largest; h.limit *= 2 {
		wide := make([]uint64, histogramBins)
		for i, c := range h.counts {
			wide[histogramBins/4+i/2] += c
		}
		h.counts = wide
	}
}

// means of each channel.
func (h *histogram) means() []float64 {
	means := make([]float64, len(h.sums))
	for i, s := range h.sums {
		means[i] = s / float64(max(h.rows, 1))
	}
	return means
}

// eightBits is how an activation becomes bytes: (x + shift)/step + zero.
type eightBits struct{ step, zero, shift float32 }

func (b eightBits) tensor() *Tensor {
	return &Tensor{Shape: []int{3}, Data: []float32{b.step, b.zero, b.shift}}
}

// eightBits of what was observed. Zero is a step exactly, since padding is.
func (h *histogram) eightBits(clipping Clipping) eightBits {
	low, high := float64(h.min), float64(h.max)
	switch clipping {
	case ClipPercentile:
		low, high = h.percentiles(1e-4)
	case ClipMSE:
		low, high = h.leastError()
	}
	low, high = min(low, 0), max(high, 0)
	if high-low < 1e-12 {
		return eightBits{step: 1} // nothing but zeros
	}
	step := (high - low) / 255
	return eightBits{step: float32(step), zero: float32(math.Round(-low / step))}
}

// centre is the middle of a bin.
func (h *histogram) centre(bin int) float64 {
	return ((float64(bin)+0.5)/(histogramBins/2) - 1) * h.limit
}

// percentiles leaves out a share of the numbers on each side.
func (h *histogram) percentiles(share float64) (low, high float64) {
	var all uint64
	for _, c := range h.counts {
		all += c
	}
	if all == 0 {
		return 0, 0
	}
	outside := uint64(share * float64(all))
	from, to := 0, histogramBins-1
	for sum := h.counts[from]; sum <= outside; sum += h.counts[from] {
		from++
	}
	for sum := h.counts[to]; sum <= outside; sum += h.counts[to] {
		to--
	}
	return max(h.centre(from), float64(h.min)), min(h.centre(to), float64(h.max))
}

// leastError tries ranges from all that was observed down to a tenth of it.
func (h *histogram) leastError() (low, high float64) {
	least := math.Inf(1)
	for percent := 100; percent >= 10; percent-- {
		l, u := float64(h.min)*float64(percent)/100, float64(h.max)*float64(percent)/100
		step := (u - l) / 255
		rounding := step * step / 12
		var sum float64
		for bin, c := range h.counts {
			if c == 0 {
				continue
			}
			v := h.centre(bin)
			beyond := max(v-u, l-v, 0)
			sum += float64(c) * max(beyond*beyond, rounding)
		}
		if sum < least {
			least, low, high = sum, l, u
		}
	}
	return low, high
}
