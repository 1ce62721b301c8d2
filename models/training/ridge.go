package training

import (
	"errors"
	"math"

	"github.com/gomlx/gomlx/backends"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"gonum.org/v1/gonum/mat"

	"github.com/kleid-search/kleid/models"
)

// ridgeFit is y = weight·x + bias: weight is [outputs, columns], bias [outputs].
type ridgeFit struct {
	weight, bias *models.Tensor
}

// of a row.
func (r ridgeFit) of(row []float32) []float32 {
	out := make([]float32, len(r.bias.Data))
	for o := range out {
		sum := float64(r.bias.Data[o])
		for i, v := range row {
			sum += float64(r.weight.Data[o*len(row)+i]) * float64(v)
		}
		out[o] = float32(sum)
	}
	return out
}

// ridge fits y to x with the least weighted squares and lambda times the squares of the weights for columns of x of mean
// 0 and deviation 1 (Hoerl and Kennard, 1970). x is [rows, columns], y [rows, outputs]. The answer is for x as it is.
func ridge(backend backends.Backend, x, y matrix, weights []float32, lambda float64) (ridgeFit, error) {
	mean, deviation := weightedMoments(x, weights)
	target, _ := weightedMoments(y, weights)
	var total float64
	for _, v := range weights {
		total += float64(v)
	}
	if !(total > 0) {
		return ridgeFit{}, errors.New("ridge: there is nothing to fit to")
	}
	standard := make([]float32, x.rows*x.columns)
	centred := make([]float32, y.rows*y.columns)
	for i := range x.rows {
		root := float32(math.Sqrt(float64(weights[i]) / total))
		for j, v := range x.row(i) {
			standard[i*x.columns+j] = root * (v - mean[j]) / deviation[j]
		}
		for j, v := range y.row(i) {
			centred[i*y.columns+j] = root * (v - target[j])
		}
	}
	exec, err := NewExec(backend, func(x, y *Node) (gram, moment *Node) {
		return DotGeneral(x, []int{0}, nil, x, []int{0}, nil), DotGeneral(x, []int{0}, nil, y, []int{0}, nil)
	})
	if err != nil {
		return ridgeFit{}, err
	}
	defer exec.Finalize()
	outputs, err := exec.Exec(tensors.FromFlatDataAndDimensions(standard, x.rows, x.columns), tensors.FromFlatDataAndDimensions(centred, y.rows, y.columns))
	if err != nil {
		return ridgeFit{}, err
	}
	gram, err := tensors.CopyFlatData[float32](outputs[0])
	if err != nil {
		return ridgeFit{}, err
	}
	moment, err := tensors.CopyFlatData[float32](outputs[1])
	if err != nil {
		return ridgeFit{}, err
	}
	solution, err := solve(gram, moment, x.columns, y.columns, lambda)
	if err != nil {
		return ridgeFit{}, err
	}
	w, b := models.NewTensor(y.columns, x.columns), models.NewTensor(y.columns)
	for o := range y.columns {
		offset := float64(target[o])
		for j := range x.columns {
			v := solution.At(j, o) / float64(deviation[j])
			w.Data[o*x.columns+j] = float32(v)
			offset -= v * float64(mean[j])
		}
		b.Data[o] = float32(offset)
	}
	return ridgeFit{w, b}, nil
}

// solve returns (gram + lambda)⁻¹ moment.
func solve(gram, moment []float32, columns, outputs int, lambda float64) (*mat.Dense, error) {
	a := mat.NewSymDense(columns, nil)
	for i := range columns {
		for j := i; j < columns; j++ {
			a.SetSym(i, j, float64(gram[i*columns+j]))
		}
		a.SetSym(i, i, a.At(i, i)+lambda)
	}
	right := mat.NewDense(columns, outputs, nil)
	for i := range columns {
		for o := range outputs {
			right.Set(i, o, float64(moment[i*outputs+o]))
		}
	}
	var cholesky mat.Cholesky
	if !cholesky.Factorize(a) {
		return nil, errors.New("ridge: the columns depend on each other: a larger lambda is needed")
	}
	var solution mat.Dense
	if err := cholesky.SolveTo(&solution, right); err != nil {
		return nil, err
	}
	return &solution, nil
}

// weightedMoments are each column's mean and deviation.
func weightedMoments(m matrix, weights []float32) (mean, deviation []float32) {
	sum, square := make([]float64, m.columns), make([]float64, m.columns)
	var total float64
	for i := range m.rows {
		w := float64(weights[i])
		total += w
		for j, v := range m.row(i) {
			sum[j] += w * float64(v)
			square[j] += w * float64(v) * float64(v)
		}
	}
	mean, deviation = make([]float32, m.columns), make([]float32, m.columns)
	for j := range sum {
		mu := sum[j] / max(total, 1e-12)
		mean[j] = float32(mu)
		deviation[j] = float32(math.Sqrt(max(square[j]/max(total, 1e-12)-mu*mu, 1e-8)))
	}
	return mean, deviation
}
