package compute_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/backends/notimplemented"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/gomlx/gomlx/pkg/core/tensors/images"
	"github.com/gomlx/gomlx/pkg/ml/context"
	"github.com/gomlx/gomlx/pkg/ml/layers"
	"github.com/gomlx/gomlx/pkg/ml/layers/activations"
	"github.com/gomlx/gomlx/pkg/ml/layers/batchnorm"
	"github.com/gomlx/gomlx/pkg/ml/layers/regularizers"
	"github.com/gomlx/gomlx/pkg/ml/train/losses"
	"github.com/gomlx/gomlx/pkg/ml/train/optimizers"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/compute"
)

// TestEveryOperationIsThereOrRefusedByName calls each method of GoMLX's builder without operands: what the
// backend claims complains about them, what it lacks says its name and that it lacks it.
func TestEveryOperationIsThereOrRefusedByName(t *testing.T) {
	claimed := make(map[string]bool)
	for op, ok := range compute.Capabilities().Operations {
		claimed[op.String()] = ok
	}
	var lacking []string
	kind := reflect.TypeFor[backends.Builder]()
	for i := range kind.NumMethod() {
		method := kind.Method(i)
		if method.Type.NumOut() != 2 || method.Type.Out(1) != reflect.TypeFor[error]() || method.Name == "OpShape" || method.Name == "Compile" {
			continue // no operation
		}
		builder := reflect.ValueOf(newBackend(t, "").Builder(method.Name))
		arguments := make([]reflect.Value, method.Type.NumIn())
		for i := range arguments {
			arguments[i] = reflect.Zero(method.Type.In(i))
		}
		call := builder.MethodByName(method.Name).Call
		if method.Type.IsVariadic() {
			call = builder.MethodByName(method.Name).CallSlice
		}
		err, _ := call(arguments)[1].Interface().(error)
		if claimed[method.Name] {
			require.False(t, errors.Is(err, notimplemented.NotImplementedError), "%s is claimed: %v", method.Name, err)
			continue
		}
		lacking = append(lacking, method.Name)
		require.ErrorIs(t, err, notimplemented.NotImplementedError, method.Name)
		require.ErrorContains(t, err, method.Name)
	}
	require.ElementsMatch(t, []string{"AllReduce", "Complex", "Conj", "FFT", "Imag", "Real"}, lacking)
}

// imageLayers are GoMLX's layers for images [2, 8, 8, 6], and the operations that GoMLX's importer of ONNX
// models turns a vision network's nodes into.
var imageLayers = map[string]func(ctx *context.Context, x *Node) *Node{
	"convolution": func(ctx *context.Context, x *Node) *Node {
		return layers.Convolution(ctx, x).Channels(5).KernelSize(3).PadSame().Regularizer(regularizers.L1(1e-3)).Done()
	},
	"convolution with stride": func(ctx *context.Context, x *Node) *Node {
		return layers.Convolution(ctx, x).Channels(5).KernelSize(3).Strides(2).NoPadding().Done()
	},
	"dilated convolution": func(ctx *context.Context, x *Node) *Node {
		return layers.Convolution(ctx, x).Channels(5).KernelSize(3).Dilations(2).PadSame().Done()
	},
	"grouped convolution": func(ctx *context.Context, x *Node) *Node {
		return Convolve(x, ctx.VariableWithShape("filters", shapes.Make(dtypes.Float32, 3, 3, 2, 9)).ValueGraph(x.Graph())).ChannelGroupCount(3).PadSame().Done()
	},
	"depthwise convolution": func(ctx *context.Context, x *Node) *Node {
		return Convolve(x, ctx.VariableWithShape("filters", shapes.Make(dtypes.Float32, 3, 3, 1, 6)).ValueGraph(x.Graph())).ChannelGroupCount(6).PadSame().Done()
	},
	"convolution, channels first": func(ctx *context.Context, x *Node) *Node {
		return layers.Convolution(ctx, x).Channels(5).KernelSize(3).ChannelsAxis(images.ChannelsFirst).PadSame().Done()
	},
	"dense": func(ctx *context.Context, x *Node) *Node { return layers.Dense(ctx, x, true, 4, 3) },
	"batch normalisation": func(ctx *context.Context, x *Node) *Node {
		return batchnorm.New(ctx, x, -1).Done()
	},
	"batch normalisation, channels first": func(ctx *context.Context, x *Node) *Node {
		return batchnorm.New(ctx, x, 1).Done()
	},
	"batch normalisation by the backend": func(ctx *context.Context, x *Node) *Node {
		return batchnorm.New(ctx, x, -1).UseBackendInference(true).Done()
	},
	"layer normalisation": func(ctx *context.Context, x *Node) *Node { return layers.LayerNormalization(ctx, x, -1).Done() },
	"RMS normalisation":   func(ctx *context.Context, x *Node) *Node { return layers.RMSNorm(ctx, x).Done() },
	"dropout":             func(ctx *context.Context, x *Node) *Node { return layers.DropoutStatic(ctx, x, 0.3) },
	"drop block": func(ctx *context.Context, x *Node) *Node {
		return layers.DropBlock(ctx, x).WithDropoutProbability(0.3).WithBlockSize(2).Done()
	},
	"drop path": func(ctx *context.Context, x *Node) *Node {
		return layers.DropPath(ctx, x, Scalar(x.Graph(), x.DType(), 0.3))
	},
	"attention": func(ctx *context.Context, x *Node) *Node {
		x = Reshape(x, 2, 64, 6)
		return layers.MultiHeadAttention(ctx, x, x, x, 2, 3).Done()
	},
	"embedding": func(ctx *context.Context, x *Node) *Node {
		return layers.Embedding(ctx, ConvertDType(Round(ClipScalar(x, 0, 4)), dtypes.Int32), dtypes.Float32, 5, 3)
	},
	"piecewise linear": func(ctx *context.Context, x *Node) *Node {
		return layers.PieceWiseLinearCalibration(ctx, Reshape(x, 2*8*8*6, 1), Const(x.Graph(), []float32{-1, 0, 0.5, 2}), true)
	},
	"max pool":  func(_ *context.Context, x *Node) *Node { return MaxPool(x).Window(3).Strides(2).PadSame().Done() },
	"min pool":  func(_ *context.Context, x *Node) *Node { return MinPool(x).Window(2).Done() },
	"sum pool":  func(_ *context.Context, x *Node) *Node { return SumPool(x).Window(3).Strides(1).PadSame().Done() },
	"mean pool": func(_ *context.Context, x *Node) *Node { return MeanPool(x).Window(3).Strides(2).PadSame().Done() },
	"pool, channels first": func(_ *context.Context, x *Node) *Node {
		return MaxPool(x).ChannelsAxis(images.ChannelsFirst).Window(2).Done()
	},
	"concatenating pool": func(_ *context.Context, x *Node) *Node { return ConcatPool(x).Window(2).Done() },
	"resize, bilinear":   func(_ *context.Context, x *Node) *Node { return Interpolate(x, 2, 13, 5, 6).Bilinear().Done() },
	"global pool":        func(_ *context.Context, x *Node) *Node { return ReduceMean(x, 1, 2) },
	"global maximum":     func(_ *context.Context, x *Node) *Node { return ReduceMax(x, 1, 2) },
	"squeeze and excite": func(ctx *context.Context, x *Node) *Node {
		return Mul(x, Sigmoid(layers.Dense(ctx, ReduceAndKeep(x, ReduceMean, 1, 2), true, 6)))
	},
	"hard swish":           func(_ *context.Context, x *Node) *Node { return hardSwish(x) },
	"flatten and multiply": func(ctx *context.Context, x *Node) *Node { return layers.Dense(ctx, Reshape(x, 2, -1), true, 7) },
	"softmax":              func(_ *context.Context, x *Node) *Node { return Softmax(x, -1) },
	"log of softmax":       func(_ *context.Context, x *Node) *Node { return LogSoftmax(x, -1) },
	"transpose":            func(_ *context.Context, x *Node) *Node { return TransposeAllAxes(x, 0, 3, 1, 2) },
	"concatenate":          func(_ *context.Context, x *Node) *Node { return Concatenate([]*Node{x, Neg(x)}, -1) },
	"slice": func(_ *context.Context, x *Node) *Node {
		return Slice(x, AxisRange(), AxisRange(1, 7).Stride(2), AxisRange(2))
	},
	"gather": func(_ *context.Context, x *Node) *Node { return Gather(x, Const(x.Graph(), [][]int32{{1}, {0}, {1}})) },
	"where": func(_ *context.Context, x *Node) *Node {
		return Where(GreaterThan(x, Scalar(x.Graph(), x.DType(), 0.3)), x, MulScalar(x, 0.1))
	},
	"power": func(_ *context.Context, x *Node) *Node {
		return Pow(AddScalar(Abs(x), 0.1), Scalar(x.Graph(), x.DType(), 1.7))
	},
	"einsum":         func(_ *context.Context, x *Node) *Node { return Einsum("bhwc,bhwd->bcd", x, x) },
	"cumulative sum": func(_ *context.Context, x *Node) *Node { return CumSum(x, 1) },
	"tile":           func(_ *context.Context, x *Node) *Node { return BroadcastToDims(ExpandDims(x, 1), 2, 3, 8, 8, 6) },
}

// TestLayersOfGoMLX runs each layer in inference, and forward and backward in training.
func TestLayersOfGoMLX(t *testing.T) {
	backend := newBackend(t, "threads=2")
	for kind, activation := range activations.TypeValues() {
		imageLayers["activation "+activations.TypeStrings()[kind]] = func(_ *context.Context, x *Node) *Node { return activations.Apply(activation, x) }
	}
	for name, layer := range imageLayers {
		t.Run(name, func(t *testing.T) {
			for _, training := range []bool{true, false} {
				x := random(rand.New(rand.NewPCG(8, 1)), dtypes.Float32, 2, 8, 8, 6)
				ctx := context.New()
				require.NoError(t, ctx.SetRNGStateFromSeed(1))
				exec, err := context.NewExec(backend, ctx, func(ctx *context.Context, x *Node) []*Node {
					ctx.SetTraining(x.Graph(), training)
					y := layer(ctx, x)
					out := []*Node{y}
					if training && name != "embedding" && name != "activation none" { // no gradient, or a trivial one
						// Of a function of the output that is not constant, even where its sum is.
						out = append(out, Gradient(ReduceAllSum(Square(AddScalar(y, 0.5))), x)...)
					}
					return out
				})
				require.NoError(t, err, name)
				outputs, err := exec.Exec(x)
				require.NoError(t, err, name)
				for i, out := range outputs {
					differ := false
					for _, v := range values(t, out) {
						require.False(t, math.IsNaN(v) || math.IsInf(v, 0), "%s, output %d", name, i)
						differ = differ || v != values(t, out)[0]
					}
					require.True(t, differ, "%s, output %d is one number", name, i)
				}
			}
		})
	}
}

// TestOptimisersAndLossesOfGoMLX takes a few steps with each pair: the loss falls and stays a number.
func TestOptimisersAndLossesOfGoMLX(t *testing.T) {
	backend := newBackend(t, "threads=2")
	const batch, classes = 6, 3
	sparse, one, real := make([]int32, batch), make([]float32, batch*classes), make([]float32, batch*classes)
	for i := range batch {
		sparse[i] = int32(i % classes)
		one[i*classes+i%classes] = 1
		for c := range classes {
			real[i*classes+c] = float32(i-c) / 4
		}
	}
	labels := map[losses.Type]*tensors.Tensor{losses.TypeSparseCrossLogits: tensors.FromFlatDataAndDimensions(sparse, batch, 1), losses.TypeTriplet: tensors.FromFlatDataAndDimensions(sparse, batch, 1)}
	for _, kind := range []losses.Type{losses.TypeMAE, losses.TypeMSE, losses.TypeHuber, losses.TypeAPL, losses.TypeEuclidean, losses.TypeEuclideanSquare} {
		labels[kind] = tensors.FromFlatDataAndDimensions(real, batch, classes)
	}
	for _, kind := range []losses.Type{losses.TypeBinCross, losses.TypeBinCrossLogits, losses.TypeCategoricalCross, losses.TypeCategoricalCrossLogits} {
		labels[kind] = tensors.FromFlatDataAndDimensions(one, batch, classes)
	}
	require.Len(t, labels, len(losses.TypeValues()), "all losses of GoMLX")
	x := random(rand.New(rand.NewPCG(9, 1)), dtypes.Float32, batch, 5)
	for _, optimiser := range []string{"sgd", "adam", "adamax", "adamw", "rmsprop"} {
		require.Contains(t, optimizers.KnownOptimizers, optimiser)
		for kind, label := range labels {
			ctx := context.New()
			require.NoError(t, ctx.SetRNGStateFromSeed(2))
			ctx.SetParam(losses.ParamLoss, kind.String())
			ctx.SetParam(optimizers.ParamOptimizer, optimiser)
			ctx.SetParam(optimizers.ParamLearningRate, 0.003)
			loss, err := losses.LossFromContext(ctx)
			require.NoError(t, err)
			step, err := context.NewExec(backend, ctx, func(ctx *context.Context, x, y *Node) *Node {
				ctx.SetTraining(x.Graph(), true)
				out := layers.Dense(ctx.In("first"), x, true, 8)
				out = layers.Dense(ctx.In("second"), activations.Swish(out), true, classes)
				switch kind {
				case losses.TypeBinCross:
					out = Sigmoid(out)
				case losses.TypeCategoricalCross:
					out = Softmax(out, -1)
				}
				l := ReduceAllMean(loss([]*Node{y}, []*Node{out}))
				if kind == losses.TypeCategoricalCross { // GoMLX has no gradient of its clamp
					return l
				}
				optimizers.FromContext(ctx).UpdateGraph(ctx, x.Graph(), l)
				return l
			})
			require.NoError(t, err)
			var all []float64
			for range 15 {
				l, err := step.Exec1(x, label)
				require.NoError(t, err, "%s with %s", kind, optimiser)
				all = append(all, float64(tensors.ToScalar[float32](l)))
			}
			if kind == losses.TypeCategoricalCross {
				require.Positive(t, all[0])
				continue
			}
			require.Less(t, slices.Min(all[1:]), all[0], "%s with %s: %v", kind, optimiser, all)
		}
	}
}

// TestDataTypesThatAreRefused checks that complex numbers are refused where they come in.
func TestDataTypesThatAreRefused(t *testing.T) {
	for _, dtype := range []dtypes.DType{dtypes.Complex64, dtypes.Complex128} {
		_, err := newBackend(t, "").Builder("complex").Parameter("x", shapes.Make(dtype, 2), nil)
		require.ErrorContains(t, err, dtype.String())
	}
}

// TestWindowsOfBooleans compares windows over booleans, which DropBlock has, with those over numbers.
func TestWindowsOfBooleans(t *testing.T) {
	x := random(rand.New(rand.NewPCG(11, 1)), dtypes.Float32, 2, 7, 6, 3)
	for _, op := range []backends.ReduceOpType{backends.ReduceOpMax, backends.ReduceOpMin} {
		got := run(t, newBackend(t, ""), func(in []*Node) []*Node {
			positive := GreaterThan(in[0], ScalarZero(in[0].Graph(), dtypes.Float32))
			window := func(x *Node) *Node {
				return BackendReduceWindow(x, op, []int{1, 2, 3, 1}, []int{1, 1, 2, 1}, nil, nil, [][2]int{{0, 0}, {1, 0}, {0, 1}, {0, 0}})
			}
			return []*Node{ConvertDType(window(positive), dtypes.Float32), window(ConvertDType(positive, dtypes.Float32))}
		}, x)
		require.Equal(t, values(t, got[1]), values(t, got[0]))
		require.Contains(t, values(t, got[0]), 0.)
		require.Contains(t, values(t, got[0]), 1.)
	}
}

// TestGatherByImages looks rows of a matrix up by indices of more axes than the matrix has.
func TestGatherByImages(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 1))
	table := random(rng, dtypes.Float32, 5, 3)
	indices := make([]int32, 2*3*4*2)
	for i := range indices {
		indices[i] = int32(rng.IntN(5))
	}
	got := run(t, newBackend(t, ""), func(in []*Node) []*Node { return []*Node{Gather(in[0], in[1])} },
		table, tensors.FromFlatDataAndDimensions(indices, 2, 3, 4, 2, 1))
	require.Equal(t, []int{2, 3, 4, 2, 3}, got[0].Shape().Dimensions)
	var want []float64
	for _, i := range indices {
		want = append(want, values(t, table)[3*i:3*i+3]...)
	}
	require.Equal(t, want, values(t, got[0]))
}
