package models

import (
	"math"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
)

// folded returns the kernel in GoMLX's layout, scaled, and the bias. The arithmetic is in float64, so
// that folding costs no accuracy.
func (n *Net) folded(name, norm string, out, in int, win window) (*Tensor, []float32) {
	w := toGraph(n.value(name+".weight", heNormal(in*win.height*win.width), out, in, win.height, win.width)).Clone()
	scale := n.value(norm+".weight", constant(1), out).Data
	offset := n.value(norm+".bias", constant(0), out).Data
	mean := n.value(norm+".running_mean", constant(0), out).Data
	variance := n.value(norm+".running_var", constant(1), out).Data
	bias := make([]float32, out)
	factor := make([]float64, out)
	for o := range out {
		factor[o] = float64(scale[o]) / math.Sqrt(float64(variance[o])+n.normEpsilon())
		bias[o] = float32(float64(offset[o]) - float64(float64(mean[o])*factor[o]))
	}
	for i := range w.Data {
		w.Data[i] = float32(float64(w.Data[i]) * factor[i%out])
	}
	return w, bias
}

// foldedLayers are those of the graph that is being built, so that a network that looks at photos in several sizes there
// folds its weights once.
type foldedLayers struct {
	graph *Graph
	known map[string]foldedLayer // by the name of the convolution
}

// foldedLayer is a convolution with batch normalisation folded in, as constants of a graph.
type foldedLayer struct{ kernel, bias *Node }

// of returns a layer, and makes it where the graph has none of that name yet. A nil *foldedLayers keeps none.
func (l *foldedLayers) of(g *Graph, name string, fold func() (*Tensor, []float32)) foldedLayer {
	if l != nil && l.graph == g {
		if layer, ok := l.known[name]; ok {
			return layer
		}
	}
	kernel, bias := fold()
	layer := foldedLayer{ConstTensor(g, tensors.FromFlatDataAndDimensions(kernel.Data, kernel.Shape...)), Const(g, bias)}
	if l == nil {
		return layer
	}
	if l.graph != g {
		l.graph, l.known = g, map[string]foldedLayer{}
	}
	l.known[name] = layer
	return layer
}
