package embedded

import (
	"context"
	"math"

	"github.com/kleid-search/kleid/compute/kernels"
)

// codes are vectors in a byte a number (scalar quantisation, each row with a scale of its own), a quarter of what there is
// to read, with how far each row is from its code. So they tell which rows need not be looked at, and no row is lost by
// them. The zero value is none.
type codes struct {
	size   int
	bytes  []uint8   // [rows, size]; zero is codeZero
	scales []float32 // [rows, 2]: what a step is worth, and the distance of the row from its code
}

// codeZero is 0 in the bytes, of which codeMost above and below are used.
const codeZero, codeMost = 128, 127

// encode writes a vector's code, of as many bytes, and returns a step's worth and the code's distance.
func encode(code []uint8, vector []float32) (scale, distance float32) {
	var most float32
	for _, v := range vector {
		most = max(most, v, -v)
	}
	scale = most / codeMost
	factor := float32(0)
	if scale > 0 {
		factor = 1 / scale
	}
	kernels.Quantise(code, vector, factor, codeZero)
	var squares float64
	for i, v := range vector {
		off := float64(v - float32(float32(int(code[i])-codeZero)*scale))
		squares += float64(off * off)
	}
	// Rounded up, by more than float32 errs in the differences, which are of half a step at most.
	return scale, float32(math.Sqrt(squares)*(1+1e-6) + 0x1p-23*math.Sqrt(float64(len(vector)))*float64(most))
}

// codedQuery is a unit vector as codes are compared with it.
type codedQuery struct {
	steps    []int16
	zero     int64   // what codeZero in all bytes would give
	scale    float64 // what a step is worth
	distance float64 // of the vector from its steps
	rounding float64 // of the cosines that codes are compared with
}

// newCodedQuery takes as fine steps as an int32 can sum up with any bytes.
func newCodedQuery(unit []float32) codedQuery {
	most := 0.0
	for _, v := range unit {
		most = max(most, math.Abs(float64(v)))
	}
	finest := min(float64(math.MaxInt16), math.Floor(math.MaxInt32/(255*float64(len(unit)))))
	q := codedQuery{steps: make([]int16, len(unit)), scale: max(most, 1e-30) / finest}
	var squares float64
	for i, v := range unit {
		step := math.RoundToEven(float64(v) / q.scale)
		off := float64(v) - step*q.scale
		squares += float64(off * off)
		q.steps[i] = int16(step)
		q.zero += codeZero * int64(step)
	}
	q.distance = math.Sqrt(squares)
	// dot's sums are of an eighth of the products, whose magnitudes together are at most 1; twice that for its last sums,
	// lengths that are 1 but for rounding, and the rounding of what is returned here.
	q.rounding = 2*float64(len(unit)/8+8)*0x1p-24 + 4e-5
	return q
}

// cosines returns about the cosine of each selected row with the query: see off.
func (c codes) cosines(ctx context.Context, q codedQuery, rows selection) ([]float32, error) {
	similarities := make([]float32, rows.len())
	err := inBlocks(ctx, len(similarities), func(start, end int) {
		var sums [blockRows]int32
		if rows.all {
			kernels.DotsUint8(sums[:end-start], c.bytes[start*c.size:end*c.size], q.steps)
		} else {
			kernels.DotsUint8At(sums[:end-start], c.bytes, rows.listed[start:end], q.steps)
		}
		for i, sum := range sums[:end-start] {
			scale := float64(c.scales[2*rows.at(start+i)])
			similarities[start+i] = float32(scale * q.scale * float64(int64(sum)-q.zero))
		}
	})
	return similarities, err
}

// off is how far the cosine that cosines returns for a row may be from matrix.cosine: by Cauchy and Schwarz, what the row and
// the query are from their codes, each times the length of the other.
func (c codes) off(q codedQuery, row uint32) float32 {
	distance := float64(c.scales[2*row+1])
	return float32(distance + (1+distance)*q.distance + q.rounding)
}
