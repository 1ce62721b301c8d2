package linear

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	"github.com/kleid-search/kleid/models"
)

// Layer is y = weight·x + bias: weight is [outputs, columns], bias [outputs], or nil for zeros.
type Layer struct {
	Weight, Bias *models.Tensor
}

// Of returns the outputs for one row, summed in float64; the layer has a bias.
func (l Layer) Of(row []float32) []float32 {
	out := make([]float32, len(l.Bias.Data))
	for o := range out {
		sum := float64(l.Bias.Data[o])
		for i, v := range row {
			sum += float64(l.Weight.Data[o*len(row)+i]) * float64(v)
		}
		out[o] = float32(sum)
	}
	return out
}

// Apply returns the layer's outputs for each row, [rows of x, outputs], computed in float32.
func (l Layer) Apply(x Matrix) Matrix {
	w := l.Weight
	out := Matrix{x.Rows, w.Shape[0], make([]float32, x.Rows*w.Shape[0])}
	for i := range out.Rows {
		if l.Bias != nil {
			copy(out.Row(i), l.Bias.Data)
		}
	}
	blas32.Gemm(blas.NoTrans, blas.Trans, 1,
		blas32.General{Rows: x.Rows, Cols: x.Columns, Stride: x.Columns, Data: x.Data},
		blas32.General{Rows: w.Shape[0], Cols: w.Shape[1], Stride: w.Shape[1], Data: w.Data},
		1, blas32.General{Rows: out.Rows, Cols: out.Columns, Stride: out.Columns, Data: out.Data})
	return out
}
