package compute

import (
	"testing"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	gomlx "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/stretchr/testify/require"
)

// planned is a backend that shows what its last graph became.
type planned struct {
	*Backend
	steps []string
}

type plannedBuilder struct {
	*Builder
	p *planned
}

func (p *planned) Builder(name string) backends.Builder {
	return &plannedBuilder{p.Backend.Builder(name).(*Builder), p}
}

func (b *plannedBuilder) Compile(outputs []backends.Op, shardings []*backends.ShardingSpec) (backends.Executable, error) {
	e, err := b.Builder.Compile(outputs, shardings)
	if err == nil {
		b.p.steps = nil
		for _, s := range e.(*Executable).plan.Load().steps {
			b.p.steps = append(b.p.steps, opName(s.node.op)+" "+s.node.out().dtype().String())
		}
	}
	return e, err
}

// TestInt8Plan holds that a residual network in int8 is nothing but integer convolutions over bytes, with
// one step before and one after them.
func TestInt8Plan(t *testing.T) {
	quantise := func(x *gomlx.Node, factor, zero float32) *gomlx.Node {
		g := x.Graph()
		x = gomlx.AddScalar(gomlx.Round(gomlx.MulScalar(x, factor)), zero)
		return gomlx.ConvertDType(gomlx.Clamp(gomlx.Scalar(g, dtypes.Float32, 0), x, gomlx.Scalar(g, dtypes.Float32, 255)), dtypes.Uint8)
	}
	dequantise := func(q *gomlx.Node, scale, zero float32) *gomlx.Node {
		return gomlx.MulScalar(gomlx.SubScalar(gomlx.ConvertDType(q, dtypes.Float32), zero), scale)
	}
	rounded := func(x *gomlx.Node) *gomlx.Node { return dequantise(quantise(x, 50, 3), 0.02, 3) }
	conv := func(x *gomlx.Node, out, kernel, stride int) *gomlx.Node {
		g := x.Graph()
		w := make([][][][]int8, kernel)
		for i := range w {
			w[i] = make([][][]int8, kernel)
			for j := range w[i] {
				w[i][j] = make([][]int8, x.Shape().Dimensions[3])
				for k := range w[i][j] {
					w[i][j][k] = make([]int8, out)
				}
			}
		}
		scale := gomlx.Const(g, make([]float32, out))
		filters := gomlx.Mul(gomlx.ConvertDType(gomlx.Const(g, w), dtypes.Float32), gomlx.ExpandLeftToRank(scale, 4))
		pad := kernel / 2
		y := gomlx.Convolve(x, filters).Strides(stride).PaddingPerDim([][2]int{{pad, pad}, {pad, pad}}).Done()
		return gomlx.Add(y, gomlx.ExpandLeftToRank(scale, 4))
	}
	relu := func(x *gomlx.Node) *gomlx.Node { return gomlx.Max(x, gomlx.ScalarZero(x.Graph(), dtypes.Float32)) }
	p := &planned{Backend: NewWithOptions(Options{Threads: 1})}
	g := gomlx.NewGraph(p, "network")
	defer g.Finalize()
	x := rounded(gomlx.Parameter(g, "x", shapes.Make(dtypes.Float32, 1, 32, 32, 3)))
	x = relu(conv(x, 16, 7, 2))
	x = rounded(gomlx.MaxPool(x).Window(3).Strides(2).PaddingPerDim([][2]int{{1, 1}, {1, 1}}).Done())
	y := conv(rounded(relu(conv(x, 16, 3, 1))), 16, 3, 1)
	x = rounded(relu(gomlx.Add(y, x)))
	y = conv(rounded(relu(conv(x, 24, 3, 2))), 24, 3, 1)
	x = relu(gomlx.Add(y, rounded(conv(x, 24, 1, 2))))
	g.Compile(x)
	require.Equal(t, []string{
		"Quantise Uint8", "ConvInt8 Uint8", "ReduceWindow Uint8",
		"ConvInt8 Uint8", "ConvInt8 Uint8",
		"ConvInt8 Uint8", "ConvInt8 Uint8", "ConvInt8 Float32",
	}, p.steps)
}
