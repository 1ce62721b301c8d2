package models

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/x448/float16"
)

// Tensor is an array in row-major order, of float32 numbers or, where they are quantised, of small
// integers.
type Tensor struct {
	Shape []int
	Data  []float32
	Int8  []int8 // instead of Data
}

// NewTensor returns zeros.
func NewTensor(shape ...int) *Tensor {
	size := 1
	for _, d := range shape {
		size *= d
	}
	return &Tensor{Shape: slices.Clone(shape), Data: make([]float32, size)}
}

// Clone returns a deep copy.
func (t *Tensor) Clone() *Tensor {
	return &Tensor{Shape: slices.Clone(t.Shape), Data: slices.Clone(t.Data), Int8: slices.Clone(t.Int8)}
}

// Weights are a network's parameters by name. Names and layouts are torchvision's: a convolution's
// `weight` is [out, in, height, width], a linear layer's is [out, in], and batch normalisation has
// `weight`, `bias`, `running_mean` and `running_var`.
type Weights map[string]*Tensor

// Names in alphabetical order.
func (w Weights) Names() []string { return slices.Sorted(maps.Keys(w)) }

// Clone returns a deep copy.
func (w Weights) Clone() Weights {
	c := make(Weights, len(w))
	for name, t := range w {
		c[name] = t.Clone()
	}
	return c
}

// Sub returns the weights below a prefix, such as "trunk.", with the prefix taken off. The tensors
// are shared.
func (w Weights) Sub(prefix string) Weights {
	s := Weights{}
	for name, t := range w {
		if len(name) > len(prefix) && name[:len(prefix)] == prefix {
			s[name[len(prefix):]] = t
		}
	}
	return s
}

// Merge adds the weights of other, each name behind a prefix, replacing what is there.
func (w Weights) Merge(prefix string, other Weights) {
	for name, t := range other {
		w[prefix+name] = t
	}
}

// Parameters counts the numbers in all tensors.
func (w Weights) Parameters() int {
	n := 0
	for _, t := range w {
		n += len(t.Data) + len(t.Int8)
	}
	return n
}

// Quantised is whether there are layers in int8.
func (w Weights) Quantised() bool {
	for _, t := range w {
		if t.Int8 != nil {
			return true
		}
	}
	return false
}

// FitFloat16 is whether the float tensors but vectors lose nothing as float16.
func (w Weights) FitFloat16() bool {
	for _, t := range w {
		if len(t.Shape) == 1 {
			continue
		}
		for _, v := range t.Data {
			if float16.Fromfloat32(v).Float32() != v {
				return false
			}
		}
	}
	return true
}

// CheckFinite names the first tensor that holds a NaN or an infinity.
func (w Weights) CheckFinite() error {
	for _, name := range w.Names() {
		for i, v := range w[name].Data {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("%q is not finite: number %d of it is %v; the file is damaged, or its training failed", name, i, v)
			}
		}
	}
	return nil
}
