package onnx

import (
	"fmt"
	"math"
)

// Tensor is a weight in row-major order.
type Tensor struct {
	Shape []int
	Data  []float32
}

// newTensor returns zeros.
func newTensor(shape []int) Tensor {
	size := 1
	for _, d := range shape {
		size *= d
	}
	return Tensor{Shape: shape, Data: make([]float32, size)}
}

// checkFinite says which number is a NaN or an infinity.
func (t Tensor) checkFinite() error {
	for i, v := range t.Data {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return fmt.Errorf("is not finite: number %d of it is %v; the file is damaged, or its training failed", i, v)
		}
	}
	return nil
}
