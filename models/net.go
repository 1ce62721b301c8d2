package models

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/gomlx/gomlx/pkg/ml/context"
)

// batchNormEpsilon and batchNormMomentum are torch's defaults, which torchvision's weights assume.
const (
	batchNormEpsilon  = 1e-5
	batchNormMomentum = 0.1
)

// Net gives the layers of a network their weights while its graph is built. A network is written
// once as a function of a Net; whether it is trained or frozen is the Net's business:
//
//   - In training the weights are variables of a GoMLX context (NewTrainingNet).
//   - Frozen, they are constants of the graph with batch normalisation folded into the convolution
//     before it (NewFrozenNet), so that a backend can pack them once. Layers whose weights are int8
//     compute in it (Calibration).
//
// As every GoMLX graph builder, layers panic on errors.
type Net struct {
	prefix   string
	used     map[string]bool  // the weights that layers asked for
	epsilon  float64          // of batch normalisation, where it is not torch's default
	weights  Weights          // frozen: where constants come from; training: initial values
	ctx      *context.Context // nil when frozen
	training bool             // batch statistics instead of running ones
	random   bool             // frozen with weights that are made up
	seed     uint64
	observed *observed // frozen, to calibrate a network in int8: what its layers read
	bfloat16 bool      // frozen: convolutions with batch normalisation compute in it
	folds    *foldedLayers

	hooks *cropHooks // of a trunk that crops pass; else nil
}

// NewFrozenNet builds inference graphs with the weights as constants.
func NewFrozenNet(weights Weights) *Net {
	return &Net{weights: weights, used: map[string]bool{}, folds: &foldedLayers{}}
}

// NewRandomNet builds inference graphs with random weights as constants, for benchmarks.
func NewRandomNet(seed uint64) *Net { return &Net{random: true, seed: seed} }

// NewTrainingNet builds graphs with the weights as variables of ctx, named as in Weights. A weight
// that initial does not have starts from He's initialisation, drawn from seed and its name.
func NewTrainingNet(ctx *context.Context, initial Weights, seed uint64, training bool) *Net {
	return &Net{weights: initial, used: map[string]bool{}, ctx: ctx.Checked(false), training: training, seed: seed}
}

// InBFloat16 returns a frozen net whose convolutions with batch normalisation read and give bfloat16. What
// reads a backbone's features converts them back.
func (n *Net) InBFloat16() *Net {
	narrow := *n
	narrow.bfloat16 = true
	return &narrow
}

// In returns the net for a part of the network: its weights are below name.
func (n *Net) In(format string, args ...any) *Net {
	sub := *n
	sub.prefix = n.prefix + fmt.Sprintf(format, args...) + "."
	return &sub
}

// Unused names the weights that the network's graphs, as far as they are built, have no use for, apart from those that
// are for training alone.
func (n *Net) Unused() []string {
	return slices.DeleteFunc(n.weights.Names(), func(name string) bool { return n.used[name] || strings.HasPrefix(name, auxiliaryPrefix) })
}

// CheckInitial fails where the network, as far as it is built, has none of the weights that it should start from.
func (n *Net) CheckInitial() error {
	if len(n.weights) > 0 && len(n.Unused()) == len(n.weights) {
		return fmt.Errorf("the network has none of the %d weights to start from, such as %q: they are another network's", len(n.weights), n.weights.Names()[0])
	}
	return nil
}

// Frozen says whether the weights are constants.
func (n *Net) Frozen() bool { return n.ctx == nil }

// initialiser fills a new weight. fanIn is the number of inputs of one output.
type initialiser func(t *Tensor, rng *rand.Rand)

func heNormal(fanIn int) initialiser {
	deviation := math.Sqrt(2 / float64(fanIn))
	return func(t *Tensor, rng *rand.Rand) {
		for i := range t.Data {
			t.Data[i] = float32(rng.NormFloat64() * deviation)
		}
	}
}

func constant(value float32) initialiser {
	return func(t *Tensor, _ *rand.Rand) {
		for i := range t.Data {
			t.Data[i] = value
		}
	}
}

// identity starts a square linear layer as the identity.
func identity(t *Tensor, _ *rand.Rand) {
	n := t.Shape[1]
	for i := range min(t.Shape[0], n) {
		t.Data[i*n+i] = 1
	}
}

// value returns the weight in torch's layout, made anew when there is none.
func (n *Net) value(name string, init initialiser, shape ...int) *Tensor {
	full := n.prefix + name
	t := n.weights[full]
	if n.used != nil {
		n.used[full] = true
	}
	if t == nil {
		if n.Frozen() && !n.random {
			panic(fmt.Errorf("the weights lack %q %v", full, shape))
		}
		h := fnv.New64a()
		h.Write([]byte(full))
		t = NewTensor(shape...)
		init(t, rand.New(rand.NewPCG(n.seed, h.Sum64())))
		if n.observed != nil {
			n.observed.made[full] = t
		}
	}
	if t.Int8 != nil {
		panic(fmt.Errorf("weight %q is int8, and the network needs float32 there: quantised weights are for inference alone", full))
	}
	if !equalShape(t.Shape, shape) {
		panic(fmt.Errorf("weight %q has shape %v, the network needs %v", full, t.Shape, shape))
	}
	return t
}

func equalShape(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// variable returns a trainable weight as a node, in the layout that GoMLX wants (see toGraph).
func (n *Net) variable(name string, init initialiser, shape ...int) *context.Variable {
	n.used[n.prefix+name] = true
	v := n.ctx.GetVariableByScopeAndName(context.RootScope, n.prefix+name)
	if v != nil {
		return v
	}
	t := toGraph(n.value(name, init, shape...))
	return n.ctx.InAbsPath(context.RootScope).VariableWithValue(n.prefix+name, tensors.FromFlatDataAndDimensions(t.Data, t.Shape...))
}

// parameter returns a weight as a node, constant or variable, in GoMLX's layout.
func (n *Net) parameter(g *Graph, name string, init initialiser, shape ...int) *Node {
	if n.Frozen() {
		t := toGraph(n.value(name, init, shape...))
		return ConstTensor(g, tensors.FromFlatDataAndDimensions(t.Data, t.Shape...))
	}
	return n.variable(name, init, shape...).ValueGraph(g)
}

// toGraph turns torch's layout into the one the graphs use: convolution kernels from
// [out, in, height, width] to [height, width, in, out], linear layers from [out, in] to [in, out].
func toGraph(t *Tensor) *Tensor {
	switch len(t.Shape) {
	case 2:
		out, in := t.Shape[0], t.Shape[1]
		r := NewTensor(in, out)
		for o := range out {
			for i := range in {
				r.Data[i*out+o] = t.Data[o*in+i]
			}
		}
		return r
	case 4:
		out, in, area := t.Shape[0], t.Shape[1], t.Shape[2]*t.Shape[3]
		r := NewTensor(t.Shape[2], t.Shape[3], in, out)
		for o := range out {
			for i := range in {
				for a := range area {
					r.Data[(a*in+i)*out+o] = t.Data[(o*in+i)*area+a]
				}
			}
		}
		return r
	}
	return t
}

// fromGraph undoes toGraph.
func fromGraph(t *Tensor) *Tensor {
	switch len(t.Shape) {
	case 2:
		in, out := t.Shape[0], t.Shape[1]
		r := NewTensor(out, in)
		for o := range out {
			for i := range in {
				r.Data[o*in+i] = t.Data[i*out+o]
			}
		}
		return r
	case 4:
		area, in, out := t.Shape[0]*t.Shape[1], t.Shape[2], t.Shape[3]
		r := NewTensor(out, in, t.Shape[0], t.Shape[1])
		for o := range out {
			for i := range in {
				for a := range area {
					r.Data[(o*in+i)*area+a] = t.Data[(a*in+i)*out+o]
				}
			}
		}
		return r
	}
	return t
}

// withEpsilon returns the net with another epsilon for batch normalisation.
func (n *Net) withEpsilon(epsilon float64) *Net {
	sub := *n
	sub.epsilon = epsilon
	return &sub
}

func (n *Net) normEpsilon() float64 {
	if n.epsilon == 0 {
		return batchNormEpsilon
	}
	return n.epsilon
}

// Conv is a square convolution with stride and torch's padding (kernel-1)/2 on each side, without
// bias. x is [batch, height, width, in], the result [batch, ⌈height/stride⌉, ⌈width/stride⌉, out].
func (n *Net) Conv(name string, x *Node, out, kernel, stride int) *Node {
	return n.conv(name, x, out, square(kernel, stride))
}

func (n *Net) conv(name string, x *Node, out int, w window) *Node {
	in := x.Shape().Dimensions[3]
	kernel := n.parameter(x.Graph(), name+".weight", heNormal(in*w.height*w.width), out, in, w.height, w.width)
	return w.convolve(x, kernel)
}

// ConvBias is Conv with a bias for each output channel.
func (n *Net) ConvBias(name string, x *Node, out, kernel, stride int) *Node {
	bias := n.parameter(x.Graph(), name+".bias", constant(0), out)
	return Add(n.Conv(name, x, out, kernel, stride), ExpandLeftToRank(bias, 4))
}

// ConvNorm is a convolution followed by batch normalisation; frozen, it is one convolution with a
// bias. The normalisation's weights are at norm.
func (n *Net) ConvNorm(name, norm string, x *Node, out, kernel, stride int) *Node {
	return n.convNorm(name, norm, x, out, square(kernel, stride))
}

func (n *Net) convNorm(name, norm string, x *Node, out int, w window) *Node {
	if n.Frozen() && n.quantised(name) {
		return n.convInt8(name, x, out, w)
	}
	n.observeLayer(name, norm, x)
	if n.Frozen() {
		layer := n.folds.of(x.Graph(), n.prefix+name, func() (*Tensor, []float32) {
			return n.folded(name, norm, out, x.Shape().Dimensions[3], w)
		})
		if n.bfloat16 {
			x = ConvertDType(x, dtypes.BFloat16)
		}
		y := w.convolve(x, ConvertDType(layer.kernel, x.DType()))
		return Add(y, ExpandLeftToRank(ConvertDType(layer.bias, x.DType()), 4))
	}
	return n.BatchNorm(norm, n.conv(name, x, out, w))
}

// BatchNorm normalises the last axis (https://arxiv.org/abs/1502.03167): by the batch's statistics in
// training, which also move the running ones, else by the running ones. Where it was folded away (normFolded), it is
// a scale and a bias alone.
func (n *Net) BatchNorm(name string, x *Node) *Node {
	g := x.Graph()
	axis := x.Rank() - 1
	channels := x.Shape().Dimensions[axis]
	sub := n.In("%s", name)
	scale := sub.parameter(g, "weight", constant(1), channels)
	offset := sub.parameter(g, "bias", constant(0), channels)
	if n.Frozen() {
		mean := sub.parameter(g, "running_mean", constant(0), channels)
		variance := sub.parameter(g, "running_var", constant(1), channels)
		return InternalBatchNormForInference(x, scale, offset, mean, variance, float32(n.normEpsilon()), axis)
	}
	mean := sub.variable("running_mean", constant(0), channels).SetTrainable(false)
	variance := sub.variable("running_var", constant(1), channels).SetTrainable(false)
	if !n.training {
		return InternalBatchNormForInference(x, scale, offset, mean.ValueGraph(g), variance.ValueGraph(g), float32(n.normEpsilon()), axis)
	}
	if sub.normFolded() {
		return Add(Mul(x, ExpandLeftToRank(scale, x.Rank())), ExpandLeftToRank(offset, x.Rank()))
	}
	y, batchMean, batchVariance := InternalBatchNormForTraining(x, scale, offset, float32(n.normEpsilon()), axis)
	count := x.Shape().Size() / channels
	unbiased := MulScalar(batchVariance, float64(count)/float64(max(count-1, 1)))
	move := func(v *context.Variable, batch *Node) {
		v.SetValueGraph(Add(MulScalar(v.ValueGraph(g), 1-batchNormMomentum), MulScalar(StopGradient(batch), batchNormMomentum)))
	}
	move(mean, batchMean)
	move(variance, unbiased)
	return y
}

// normFolded says whether the batch normalisation whose net this is starts from weights in which it has been folded into
// the convolution before it, as fromNamesOf2015 leaves them: there it is the identity and a bias. By a batch's own
// statistics such a network would see nothing any more of what it has learned, so in training it stays what it is.
func (n *Net) normFolded() bool {
	mean, variance := n.weights[n.prefix+"running_mean"], n.weights[n.prefix+"running_var"]
	if mean == nil || variance == nil {
		return false // a new one
	}
	for i, v := range variance.Data {
		// In float16 it is the identity but for 2e-5; one that nothing has moved yet has a variance of 1.
		if v == 1 || math.Abs(float64(v)+n.normEpsilon()-1) > 1e-4 || mean.Data[i] != 0 {
			return false
		}
	}
	return true
}

// Linear maps [batch, in] to [batch, out], with a bias.
func (n *Net) Linear(name string, x *Node, out int) *Node {
	g := x.Graph()
	in := x.Shape().Dimensions[1]
	w := n.parameter(g, name+".weight", func(t *Tensor, rng *rand.Rand) {
		deviation := math.Sqrt(1 / float64(in))
		for i := range t.Data {
			t.Data[i] = float32(rng.NormFloat64() * deviation)
		}
	}, out, in)
	bias := n.parameter(g, name+".bias", constant(0), out)
	return Add(n.product(x, w), ExpandLeftToRank(bias, 2))
}

// Project is a Linear layer without a bias that starts as the identity when it is square.
func (n *Net) Project(name string, x *Node, out int) *Node {
	w := n.parameter(x.Graph(), name+".weight", identity, out, x.Shape().Dimensions[1])
	return n.product(x, w)
}

// product is x [batch, in] times w [in, out]. In training it is a 1x1 convolution, whose gradients are convolutions
// again: GoMLX writes those of a product as sums over [batch, in, out], which takes ten times as long where a trunk has
// thousands of features.
func (n *Net) product(x, w *Node) *Node {
	if n.Frozen() {
		return Dot(x, w)
	}
	batch, in, out := x.Shape().Dimensions[0], w.Shape().Dimensions[0], w.Shape().Dimensions[1]
	y := Convolve(Reshape(x, batch, 1, 1, in), Reshape(w, 1, 1, in, out)).NoPadding().Done()
	return Reshape(y, batch, out)
}

// ReLU is max(x, 0).
func ReLU(x *Node) *Node { return Max(x, ScalarZero(x.Graph(), x.DType())) }

// Normalised scales the rows of x [batch, size] to unit length.
func Normalised(x *Node) *Node {
	square := ReduceSum(Mul(x, x), -1)
	return Div(x, ExpandDims(Sqrt(AddScalar(square, 1e-12)), -1))
}

// TrainedWeights reads the variables of a context back into torch's layout. Variables of the
// optimiser are left out.
func TrainedWeights(ctx *context.Context) (Weights, error) { return weightsIn(ctx, context.RootScope) }

func weightsIn(ctx *context.Context, scope string) (Weights, error) {
	weights := Weights{}
	for v := range ctx.IterVariables() {
		if v.Scope() != scope || v.DType() != dtypes.Float32 {
			continue
		}
		value, err := v.Value()
		if err != nil {
			return nil, fmt.Errorf("weight %q: %w", v.Name(), err)
		}
		data, err := tensors.CopyFlatData[float32](value)
		if err != nil {
			return nil, fmt.Errorf("weight %q: %w", v.Name(), err)
		}
		weights[v.Name()] = fromGraph(&Tensor{Shape: value.Shape().Dimensions, Data: data})
	}
	return weights, nil
}
