package models

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// Tensor is a float32 array in row-major order.
type Tensor struct {
	Shape []int
	Data  []float32
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
	return &Tensor{Shape: slices.Clone(t.Shape), Data: slices.Clone(t.Data)}
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
		n += len(t.Data)
	}
	return n
}

// CheckFinite names the first tensor that holds a NaN or an infinity.
func (w Weights) CheckFinite() error {
	for _, name := range w.Names() {
		for i, v := range w[name].Data {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("weights: %q is not finite at %d", name, i)
			}
		}
	}
	return nil
}
