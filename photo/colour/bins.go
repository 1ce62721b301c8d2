package colour

import (
	"math"
	"sync"
)

// unit is what a Lab number is counted in where bins are summed up: whole numbers add up to the same in any
// order, on any machine.
const unit = 16

// binEdge is the side of a bin of colours, in CIELAB.
const binEdge = 6

// palette is all colours of five bits a channel, and the bins of CIELAB that they fall into.
type palette struct {
	lab [1 << 15][3]int32 // in 1/unit
	bin [1 << 15]uint16
	n   int // of bins
}

// everyColour is computed once, in some milliseconds.
var everyColour = sync.OnceValue(func() *palette {
	p := new(palette)
	numbers := map[[3]int32]uint16{}
	middle := func(i int) uint8 { return uint8(i<<3 | i>>2) } // 0 is 0 and 31 is 255
	for i := range p.lab {
		c := fromSRGB(middle(i>>10), middle(i>>5&31), middle(i&31))
		for k, v := range []float64{c.L, c.A, c.B} {
			p.lab[i][k] = int32(math.Round(v * unit))
		}
		at := p.lab[i]
		for k := range at {
			at[k] = (at[k] + 128*unit) / (binEdge * unit)
		}
		number, ok := numbers[at]
		if !ok {
			number = uint16(len(numbers))
			numbers[at] = number
		}
		p.bin[i] = number
	}
	p.n = len(numbers)
	return p
})

// bin is the pixels of a crop that have about one colour.
type bin struct {
	sum   [3]int64     // of their colours, in 1/unit
	zones [zones]int32 // how many lie in each zone
	all   int64
	dress int64 // how many of them are dress, in 1/whole
}

// mean is the mean colour of the bin, in 1/unit.
func (b *bin) mean() [3]int64 {
	return [3]int64{b.sum[0] / b.all, b.sum[1] / b.all, b.sum[2] / b.all}
}
