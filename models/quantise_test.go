package models

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/backends/simplego"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/gomlx/gomlx/pkg/ml/context"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/compute"
	"github.com/kleid-search/kleid/photo"
)

func features(t *testing.T, backend backends.Backend, b Backbone, net func() *Net, x *tensors.Tensor) []float32 {
	t.Helper()
	exec, err := NewExec(backend, func(x *Node) *Node { return b.Features(net(), x) })
	require.NoError(t, err)
	y, err := exec.Exec1(x)
	require.NoError(t, err)
	return tensors.MustCopyFlatData[float32](y)
}

func cosine(a, b []float32) float64 {
	var dot, aa, bb float64
	for i := range a {
		dot, aa, bb = dot+float64(a[i])*float64(b[i]), aa+float64(a[i])*float64(a[i]), bb+float64(b[i])*float64(b[i])
	}
	return dot / math.Sqrt(aa*bb)
}

func unfusedBackend(t *testing.T) backends.Backend {
	t.Helper()
	backend, err := compute.New("unfused")
	require.NoError(t, err)
	t.Cleanup(backend.Finalize)
	return backend
}

// TestQuantisedBackbones holds each backbone in int8 against itself in float32, and what the backend makes
// of the graph against the graph operation by operation, as other backends run it.
func TestQuantisedBackbones(t *testing.T) {
	for _, c := range []struct {
		name         string
		size, layers int
	}{{"kleid-s", 48, 14}, {"resnet18", 64, 20}, {"resnet50", 64, 53}, {"inception_v3", 107, 94}} {
		t.Run(c.name, func(t *testing.T) {
			b, err := BackboneByName(c.name)
			require.NoError(t, err)
			// A tensor stays with the backend that it was first given to.
			x := func() *tensors.Tensor { return randomPixels(7, 2, c.size, c.size, 3) }
			quantised, err := b.Quantise(testBackend(t), NewRandomNet(3), x())
			require.NoError(t, err)
			layers := 0
			for name, w := range quantised.weights {
				require.Equal(t, len(w.Shape) == 4, w.Int8 != nil, name)
				if w.Int8 != nil {
					layers++
				}
			}
			require.Equal(t, c.layers, layers)
			int8 := func() *Net { return quantised }
			got := features(t, testBackend(t), b, int8, x())
			want := features(t, testBackend(t), b, func() *Net { return NewRandomNet(3) }, x())
			require.Empty(t, quantised.Unused())
			require.Greater(t, cosine(want, got), 0.999)
			require.NotEqual(t, want, got)
			// A byte that differs by one step, where float32 rounds a sum another way, moves others behind it, so that
			// through many layers both graphs become two draws of the same rounding error (package compute holds
			// single layers against each other and against exact integers): as near to float32 as each other.
			unfused := features(t, unfusedBackend(t), b, int8, x())
			fusedError, unfusedError := 1-cosine(want, got), 1-cosine(want, unfused)
			require.InEpsilon(t, unfusedError, fusedError, 0.5)
			require.Less(t, 1-cosine(unfused, got), fusedError+unfusedError)
		})
	}
}

// TestQuantisedElsewhere runs the graph on GoMLX's own Go backend: it holds nothing but standard operations.
func TestQuantisedElsewhere(t *testing.T) {
	other, err := simplego.New("")
	require.NoError(t, err)
	defer other.Finalize()
	x := func() *tensors.Tensor { return randomPixels(7, 1, 32, 32, 3) }
	net, err := kleidS.Quantise(testBackend(t), NewRandomNet(3), x())
	require.NoError(t, err)
	same := func() *Net { return net }
	want := features(t, unfusedBackend(t), kleidS, same, x())
	require.Greater(t, cosine(want, features(t, other, kleidS, same, x())), 0.9999)
	require.Greater(t, cosine(want, features(t, testBackend(t), kleidS, same, x())), 0.9999)
}

// TestQuantisedBits: an image's features are the same bits, whatever the batch and the number of threads.
func TestQuantisedBits(t *testing.T) {
	b, err := BackboneByName("resnet18")
	require.NoError(t, err)
	const size, count = 48, 5
	all := func() *tensors.Tensor { return randomPixels(7, count, size, size, 3) }
	net, err := b.Quantise(testBackend(t), NewRandomNet(3), all())
	require.NoError(t, err)
	same := func() *Net { return net }
	want := features(t, testBackend(t), b, same, all())
	three, err := compute.New("threads=3")
	require.NoError(t, err)
	defer three.Finalize()
	require.Equal(t, want, features(t, three, b, same, all()))
	pixels := tensors.MustCopyFlatData[float32](all())
	each := len(pixels) / count
	for i := range count {
		alone := tensors.FromFlatDataAndDimensions(pixels[i*each:(i+1)*each], 1, size, size, 3)
		require.Equal(t, want[i*b.Channels:(i+1)*b.Channels], features(t, testBackend(t), b, same, alone), "image %d", i)
	}
}

func TestQuantiseOptions(t *testing.T) {
	b, err := BackboneByName("resnet18")
	require.NoError(t, err)
	x := randomPixels(7, 2, 64, 64, 3)
	c := newCalibration(NewRandomNet(3))
	watch, err := c.Watch(testBackend(t), func(net *Net, x *Node) { b.Features(net, x) })
	require.NoError(t, err)
	require.NoError(t, watch(x))
	require.Len(t, c.Layers(), 20)

	weights, err := c.Weights(QuantiseOptions{Clipping: ClipNothing, Float: []string{"conv1", "layer2.0.downsample.0"}})
	require.NoError(t, err)
	require.Nil(t, weights["conv1.weight"].Int8)
	require.Contains(t, weights, "bn1.running_var")
	require.Nil(t, weights["layer2.0.downsample.0.weight"].Int8)
	require.NotContains(t, weights, "layer1.0.bn1.running_var", "it is folded")
	want := features(t, testBackend(t), b, func() *Net { return NewRandomNet(3) }, x)
	got := features(t, testBackend(t), b, func() *Net { return NewFrozenNet(weights) }, x)
	require.Greater(t, cosine(want, got), 0.999)

	all, err := c.Weights(QuantiseOptions{Clipping: ClipNothing, Float: c.Layers(), FloatResiduals: true})
	require.NoError(t, err)
	require.False(t, all.Quantised())
	require.Equal(t, want, features(t, testBackend(t), b, func() *Net { return NewFrozenNet(all) }, x), "all layers stay float32")

	require.Contains(t, weights, "layer2.0.residual.input")
	loose, err := c.Weights(QuantiseOptions{Clipping: ClipNothing, FloatResiduals: true})
	require.NoError(t, err)
	require.NotContains(t, loose, "layer2.0.residual.input", "no layer reads the downsampled shortcut")
	require.Contains(t, loose, "layer2.1.residual.input", "this shortcut is bytes for the layer that reads it")

	_, err = c.Weights(QuantiseOptions{Float: []string{"conv7"}})
	require.ErrorContains(t, err, `no layer "conv7"`)
}

// TestPixelsStayExact: bytes that were normalised are the same bytes again.
func TestPixelsStayExact(t *testing.T) {
	for _, name := range []string{"kleid-s", "inception_v3"} {
		b, err := BackboneByName(name)
		require.NoError(t, err)
		to := b.pixels()
		require.NotNil(t, to)
		m := &photo.Image{Width: 256, Height: 1, Pix: make([]uint8, 3*256)}
		for i := range m.Pix {
			m.Pix[i] = uint8(i / 3)
		}
		x := make([]float32, len(m.Pix))
		photo.Normalise(x, m, b.Mean, b.Deviation)
		exec := MustNewExec(testBackend(t), func(x *Node) *Node {
			return quantise(AddScalar(x, to.shift), to.step, to.zero)
		})
		got := exec.MustExec1(tensors.FromFlatDataAndDimensions(x, len(x)))
		require.Equal(t, m.Pix, tensors.MustCopyFlatData[uint8](got), name)
	}
	resnet, err := BackboneByName("resnet18")
	require.NoError(t, err)
	require.Nil(t, resnet.pixels())
}

// TestShiftedInput: the bias takes back what was added to the input.
func TestShiftedInput(t *testing.T) {
	build := func(net *Net, x *Node) *Node { return net.ConvNorm("conv", "bn", x, 8, 1, 1) }
	x := func() *tensors.Tensor { return randomPixels(3, 1, 5, 6, 4) }
	c := newCalibration(NewRandomNet(1))
	watch, err := c.watch(testBackend(t), &eightBits{step: 1.0 / 64, zero: 128, shift: 0.3}, func(net *Net, x *Node) { build(net, x) })
	require.NoError(t, err)
	require.NoError(t, watch(x()))
	weights, err := c.Weights(QuantiseOptions{Clipping: ClipNothing})
	require.NoError(t, err)
	require.Equal(t, []float32{1.0 / 64, 128, 0.3}, weights["conv.input"].Data)
	run := func(net *Net) []float32 {
		return tensors.MustCopyFlatData[float32](MustNewExec(testBackend(t), func(x *Node) *Node {
			return build(net, ClipScalar(x, -1.5, 1.5))
		}).MustExec1(x()))
	}
	require.InDeltaSlice(t, run(NewRandomNet(1)), run(NewFrozenNet(weights)), 0.05)
}

// TestBiasCorrection: rounded weights shift the mean of a channel, and the bias takes it back.
func TestBiasCorrection(t *testing.T) {
	const in, out = 64, 32
	pixels := make([]float32, 4*9*9*in)
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range pixels {
		pixels[i] = rng.Float32()
	}
	batch := tensors.FromFlatDataAndDimensions(pixels, 4, 9, 9, in)
	build := func(net *Net, x *Node) *Node { return net.ConvNorm("conv", "bn", x, out, 1, 1) }
	c := newCalibration(NewRandomNet(1))
	watch, err := c.Watch(testBackend(t), func(net *Net, x *Node) { build(net, x) })
	require.NoError(t, err)
	require.NoError(t, watch(batch))
	means := func(net *Net) []float32 {
		exec := MustNewExec(testBackend(t), func(x *Node) *Node { return ReduceMean(build(net, x), 0, 1, 2) })
		return tensors.MustCopyFlatData[float32](exec.MustExec1(batch))
	}
	want := means(NewRandomNet(1))
	shift := func(weights Weights) (sum float64) {
		for i, v := range means(NewFrozenNet(weights)) {
			sum += math.Abs(float64(v-want[i])) / out
		}
		return sum
	}
	corrected, err := c.Weights(QuantiseOptions{Clipping: ClipNothing})
	require.NoError(t, err)
	uncorrected := corrected.Clone()
	uncorrected["conv.bias"] = NewTensor(out) // that of the random network
	require.Greater(t, shift(uncorrected), 1e-3)
	require.Less(t, shift(corrected), shift(uncorrected)/20)
}

func TestHistogram(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	positive, normal := make([]float32, 60_000), make([]float32, 60_000)
	for i := range positive {
		normal[i] = float32(rng.NormFloat64())
		positive[i] = max(normal[i], 0)
	}
	positive[17], normal[17], normal[18] = 40, -30, 2 // far out

	filled := func(values []float32) *histogram {
		h := &histogram{}
		// In pieces, so that the range grows: the far ones come first, or last.
		require.NoError(t, h.add(values[30_000:], 3))
		require.NoError(t, h.add(values[:30_000], 3))
		return h
	}
	h := filled(positive)
	bits := h.eightBits(ClipNothing)
	require.InDelta(t, 40.0/255, bits.step, 1e-6)
	require.Zero(t, bits.zero)
	for clipping, most := range map[Clipping]float32{ClipPercentile: 5, ClipMSE: 39} {
		narrow := h.eightBits(clipping)
		require.Zero(t, narrow.zero)
		require.Greater(t, narrow.step, float32(3.0/255), clipping)
		require.Less(t, narrow.step, most/255, clipping)
	}
	var sums [3]float64
	for i, v := range positive {
		sums[i%3] += float64(v)
	}
	for i, mean := range h.means() {
		require.InDelta(t, sums[i]/20_000, mean, 1e-9)
	}

	h = filled(normal)
	bits = h.eightBits(ClipNothing)
	require.InDelta(t, (30+float64(slices.Max(normal)))/255, bits.step, 1e-6)
	require.Equal(t, float32(math.Round(30/float64(bits.step))), bits.zero)
	var all uint64
	for _, n := range h.counts {
		all += n
	}
	require.EqualValues(t, len(normal), all)

	require.Equal(t, eightBits{step: 1}, filled(make([]float32, 60_000)).eightBits(ClipMSE), "nothing but zeros")
	require.ErrorContains(t, (&histogram{}).add([]float32{1, float32(math.Inf(1))}, 1), "not finite")
	require.ErrorContains(t, (&histogram{}).add([]float32{1, float32(math.NaN())}, 1), "not finite")
}

// TestLeastError compares the estimate with what rounding really does.
func TestLeastError(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 11))
	values := make([]float32, 40_000)
	for i := range values {
		values[i] = float32(math.Exp(1.5 * rng.NormFloat64())) // a long tail
	}
	h := &histogram{}
	require.NoError(t, h.add(values, 1))
	squares := func(step float32) (sum float64) {
		for _, v := range values {
			q := max(0, min(math.RoundToEven(float64(v/step)), 255))
			e := q*float64(step) - float64(v)
			sum += e * e
		}
		return sum
	}
	step := h.eightBits(ClipMSE).step
	best := math.Inf(1)
	for percent := range 100 {
		best = min(best, squares(h.max*float32(percent+1)/100/255))
	}
	require.Less(t, squares(step), 1.02*best)
	whole := h.eightBits(ClipNothing).step
	require.Less(t, squares(step), 0.99*squares(whole))
}

// smallModel is a model with random weights and small inputs.
func smallModel(t *testing.T) *Model {
	t.Helper()
	config := untrained().Config
	config.CropHeight, config.CropWidth, config.Scales, config.EmbeddingSize = 96, 32, [][2]int{{64, 48}, {48, 32}}, 16
	m := &Model{Config: config}
	backbone, err := m.Trunk()
	require.NoError(t, err)
	ctx := context.New()
	context.MustNewExec(testBackend(t), ctx, func(ctx *context.Context, x *Node) []*Node {
		net := NewTrainingNet(ctx, nil, 1, false)
		features := backbone.Build(net.In("trunk"), x)
		cells := config.Cells(features)
		out := []*Node{BackgroundHead(net, features), LocationHead(net, features), DeepRankHead(net, config.UnsupervisedHead(net, cells, config.CropTexture(x, nil)))}
		for _, f := range config.Facets {
			out = append(out, FacetHead(net, f.Name, cells, len(f.Labels)))
		}
		return out
	}).MustExec(randomPixels(1, 1, config.CropHeight, config.CropWidth, 3))
	m.Weights, err = TrainedWeights(ctx)
	require.NoError(t, err)
	return m
}

// photoPixels are evenly spread over what pixels of photos are for kleid-s.
func photoPixels(seed uint64, dims ...int) *tensors.Tensor {
	x := randomPixels(seed, dims...)
	rng := rand.New(rand.NewPCG(seed, 1))
	tensors.MustMutableFlatData(x, func(flat []float32) {
		for i := range flat {
			flat[i] = (float32(rng.IntN(256)) - 127.5) / 63.75
		}
	})
	return x
}

func TestQuantisedModel(t *testing.T) {
	m := smallModel(t)
	fingerprint := m.EmbeddingModel()
	c, err := m.Calibrate(testBackend(t))
	require.NoError(t, err)
	crops := photoPixels(2, 8, m.Config.CropHeight, m.Config.CropWidth, 3)
	require.NoError(t, c.Crops(crops))
	for i, size := range m.Config.Scales {
		require.NoError(t, c.Photos(photoPixels(uint64(3+i), 4, size[0], size[1], 3)))
	}
	require.Contains(t, c.Layers(), "background.conv")
	require.Contains(t, c.Layers(), "location.conv")
	quantised, err := c.Model(QuantiseOptions{Clipping: DefaultClipping})
	require.NoError(t, err)
	require.Equal(t, fingerprint, m.EmbeddingModel(), "the float model stays as it is")
	require.Equal(t, "f32", m.Precision())
	require.False(t, m.Weights.Quantised())
	require.Equal(t, "int8", quantised.Precision())
	require.NotEqual(t, fingerprint, quantised.EmbeddingModel())
	_, err = c.Model(QuantiseOptions{Clipping: DefaultClipping, Float: c.Layers()})
	require.ErrorContains(t, err, "nothing is left to quantise")
	require.Equal(t, m.FacetModel(), quantised.FacetModel(), "the facets' heads are the same")

	var file bytes.Buffer
	require.NoError(t, quantised.Encode(&file, Float16))
	read, err := Decode(file.Bytes())
	require.NoError(t, err)
	require.Equal(t, "int8", read.Precision())
	for name, w := range quantised.Weights {
		if w.Int8 != nil || len(w.Shape) == 1 {
			require.Equal(t, w, read.Weights[name], name)
		}
	}
	var whole bytes.Buffer
	require.NoError(t, quantised.Encode(&whole, Float32))
	same, err := Decode(whole.Bytes())
	require.NoError(t, err)
	require.Equal(t, quantised.EmbeddingModel(), same.EmbeddingModel())

	embed := func(m *Model) [][]float32 {
		exec := MustNewExec(testBackend(t), func(x *Node) []*Node {
			unsupervised, deepRank, cells := m.EmbedGraph(x, evenWeights(m, x))
			return []*Node{unsupervised, deepRank, m.FacetsGraph(cells)}
		})
		var out [][]float32
		for _, o := range exec.MustExec(crops) {
			out = append(out, tensors.MustCopyFlatData[float32](o))
		}
		return out
	}
	want, got := embed(m), embed(same)
	for i := range want {
		require.Greater(t, cosine(want[i], got[i]), 0.998, "output %d", i)
	}
	locate := func(m *Model) []float32 {
		exec := MustNewExec(testBackend(t), m.LocateGraph)
		out := exec.MustExec(photoPixels(9, 2, 64, 48, 3))
		return append(tensors.MustCopyFlatData[float32](out[0]), tensors.MustCopyFlatData[float32](out[1])...)
	}
	require.Greater(t, cosine(locate(m), locate(same)), 0.998)

	_, err = same.Calibrate(testBackend(t))
	require.ErrorContains(t, err, "int8 already")
	same.Config.Precision = ""
	file.Reset()
	require.NoError(t, same.Encode(&file, Float32))
	_, err = Decode(file.Bytes())
	require.ErrorContains(t, err, `precision "f32", which the weights do not have`)
	for part, wrong := range map[string][]float32{"step": {0, 3, 0}, "NaN": {float32(math.NaN()), 3, 0}, "zero point": {1, 2.5, 0}, "byte": {1, 300, 0}} {
		damaged := &Model{Config: quantised.Config, Weights: quantised.Weights.Clone()}
		damaged.Weights["trunk.stage1.0.conv1.input"].Data = wrong
		_, err = MustNewExec(testBackend(t), func(x *Node) *Node { return damaged.CellsGraph(x) }).Exec(crops)
		require.ErrorContains(t, err, `weight "trunk.stage1.0.conv1.input" has a step of`, part)
	}
	m.Config.Precision = "int4"
	file.Reset()
	require.NoError(t, m.Encode(&file, Float32))
	_, err = Decode(file.Bytes())
	require.ErrorContains(t, err, `precision "int4"`)

	exec := context.MustNewExec(testBackend(t), context.New(), func(ctx *context.Context, x *Node) *Node {
		return quantised.trunk(NewTrainingNet(ctx, quantised.Weights, 1, false), x)
	})
	_, err = exec.Exec(crops)
	require.ErrorContains(t, err, "quantised weights are for inference alone")
}
