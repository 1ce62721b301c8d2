package models

import (
	"bytes"
	"cmp"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// TestONNXThroughAFile: a model's file holds all of the network.
func TestONNXThroughAFile(t *testing.T) {
	for name, size := range map[string][2]int{
		"vit": {32, 32}, "convnext": {64, 48}, "operators": {32, 24}, "opset9": {32, 24}, "reductions": {28, 20},
	} {
		t.Run(name, func(t *testing.T) {
			network, weights := loadONNX(t, name)
			config, err := ConfigForONNX(network)
			require.NoError(t, err)
			m := &Model{Config: config, Weights: Weights{}}
			m.Weights.Merge("trunk.", weights)
			var b bytes.Buffer
			require.NoError(t, m.Encode(&b, Float32))
			m, err = Decode(b.Bytes())
			require.NoError(t, err)
			backbone, err := m.Trunk()
			require.NoError(t, err)
			net := NewFrozenNet(m.Weights)
			photos := randomPixels(1, cmp.Or(network.Batch, 2), size[0], size[1], 3)
			got := MustNewExec(testBackend(t), func(x *Node) *Node { return backbone.Build(net.In("trunk"), x) }).MustExec1(photos)
			want := MustNewExec(testBackend(t), func(x *Node) *Node {
				return network.Build(x, func(name string, shape []int, _ bool) *Node {
					return ConstTensor(x.Graph(), tensors.FromFlatDataAndDimensions(weights[name].Data, shape...))
				})
			}).MustExec1(photos)
			require.Equal(t, want.Shape(), got.Shape())
			require.Equal(t, tensors.MustCopyFlatData[float32](want), tensors.MustCopyFlatData[float32](got))
			require.Empty(t, net.Unused())
		})
	}
}

// TestONNXSizes gives a network of fixed size whatever fits into it, and refuses what does not.
func TestONNXSizes(t *testing.T) {
	network, weights := loadONNX(t, "vit")
	require.Equal(t, []int{0, 32, 32}, []int{network.Batch, network.Height, network.Width})
	backbone := backboneForONNX(network)
	build := func(x *tensors.Tensor) (*tensors.Tensor, error) {
		return MustNewExec(testBackend(t), func(x *Node) *Node { return backbone.Build(NewFrozenNet(weights), x) }).Exec1(x)
	}
	whole := tensors.MustCopyFlatData[float32](randomPixels(1, 1, 32, 32, 3))
	var part, padded []float32 // the upper left 24 x 16, and with zeros around
	for y := range 32 {
		for x := range 32 {
			pixel := whole[3*(y*32+x) : 3*(y*32+x+1)]
			if y < 24 && x < 16 {
				part, padded = append(part, pixel...), append(padded, pixel...)
			} else {
				padded = append(padded, 0, 0, 0)
			}
		}
	}
	got, err := build(tensors.FromFlatDataAndDimensions(part, 1, 24, 16, 3))
	require.NoError(t, err)
	require.Equal(t, []int{1, 3, 2, network.Channels}, got.Shape().Dimensions)
	want, err := build(tensors.FromFlatDataAndDimensions(padded, 1, 32, 32, 3))
	require.NoError(t, err)
	all, cut := tensors.MustCopyFlatData[float32](want), tensors.MustCopyFlatData[float32](got)
	require.Equal(t, all[4*network.Channels:6*network.Channels], cut[2*network.Channels:4*network.Channels], "the second row's first two cells")
	_, err = build(randomPixels(2, 1, 40, 32, 3))
	require.ErrorContains(t, err, "reads photos of 32 x 32, not of 40 x 32")

	// One that reads some photos at once gets so many after the other.
	photos := randomPixels(3, 3, 32, 32, 3)
	want, err = build(photos)
	require.NoError(t, err)
	for _, batch := range []int{1, 2, 4} {
		some := *network
		some.Batch = batch
		backbone = backboneForONNX(&some)
		got, err = build(photos)
		require.NoError(t, err)
		require.Equal(t, want.Shape(), got.Shape())
		values := tensors.MustCopyFlatData[float32](got)
		for i, v := range tensors.MustCopyFlatData[float32](want) {
			require.InDelta(t, v, values[i], 1e-3)
		}
	}
}

// TestONNXRowsAreNotLost: a network that gives more places than its stride says is refused, not cut.
func TestONNXRowsAreNotLost(t *testing.T) {
	network, weights := loadONNX(t, "convnext")
	require.Equal(t, 16, network.Stride)
	network.Stride = 32
	_, err := MustNewExec(testBackend(t), func(x *Node) *Node { return backboneForONNX(network).Build(NewFrozenNet(weights), x) }).Exec1(randomPixels(1, 1, 64, 64, 3))
	require.Error(t, err)
}

// TestONNXFixedWeights are not trained, also after a checkpoint.
func TestONNXFixedWeights(t *testing.T) {
	weights := Weights{"fixed": NewTensor(16), "trained": NewTensor(16)}
	for i := range 16 {
		weights["fixed"].Data[i], weights["trained"].Data[i] = 1, 1
	}
	start := func() *Trainer {
		trainer, err := NewTrainer(testBackend(t), func(net *Net, in []*Node) []*Node {
			row := func(name string, fixed bool) *Node {
				return ExpandLeftToRank(net.raw(in[0].Graph(), name, fixed, 16), 2)
			}
			return []*Node{ReduceAllMean(Square(Sub(Mul(in[0], row("trained", false)), row("fixed", true))))}
		}, TrainerOptions{Initial: weights, Seed: 1, WeightDecay: 0.1})
		require.NoError(t, err)
		return trainer
	}
	step := func(trainer *Trainer) {
		_, err := trainer.Step(1e-2, randomPixels(3, 2, 16))
		require.NoError(t, err)
		trained, err := trainer.Weights()
		require.NoError(t, err)
		require.Equal(t, weights["fixed"], trained["fixed"])
		require.NotEqual(t, weights["trained"], trained["trained"])
	}
	trainer := start()
	step(trainer)
	state, counters, err := trainer.State()
	require.NoError(t, err)
	again := start()
	require.NoError(t, again.Restore(state, counters))
	step(again)
}

// TestONNXCannotBeTrained: that a network has no gradient is known before photos are read.
func TestONNXCannotBeTrained(t *testing.T) {
	for name, want := range map[string]string{
		"convnext":  "",
		"operators": "onnx: the network cannot be trained, only stay as it is: ", // it pads
	} {
		network, weights := loadONNX(t, name)
		config, err := ConfigForONNX(network)
		require.NoError(t, err)
		require.NoError(t, config.CheckTrunk(testBackend(t), weights, false), name)
		err = config.CheckTrunk(testBackend(t), weights, true)
		if want == "" {
			require.NoError(t, err, name)
		} else {
			require.ErrorContains(t, err, want, name)
		}
	}
}

// TestONNXModel follows such a trunk through what a model does: fingerprints, int8, which it refuses, training.
func TestONNXModel(t *testing.T) {
	network, weights := loadONNX(t, "convnext")
	config, err := ConfigForONNX(network)
	require.NoError(t, err)
	m := &Model{Config: config, Weights: Weights{}}
	m.Weights.Merge("trunk.", weights)
	fingerprint := m.EmbeddingModel()
	for what, change := range map[string]func(m *Model){
		"a weight":  func(m *Model) { m.Weights["trunk."+slices.Min(weights.Names())].Data[0]++ },
		"the mean":  func(m *Model) { m.Config.ONNX.Mean[1] = 0.3 },
		"the graph": func(m *Model) { m.Config.ONNX.Graph = m.Config.ONNX.Graph[1:] },
		"the layer": func(m *Model) { m.Config.ONNX.Layer = "another" },
	} {
		own := *network
		changed := &Model{Config: config, Weights: m.Weights.Clone()}
		changed.Config.ONNX = &own
		change(changed)
		require.NotEqual(t, fingerprint, changed.EmbeddingModel(), what)
	}
	require.Equal(t, fingerprint, m.EmbeddingModel())
	_, err = m.Calibrate(testBackend(t))
	require.ErrorContains(t, err, "cannot be turned into int8")

	// Trained further, its own weights move, and what is trained computes what is frozen.
	backbone, err := m.Trunk()
	require.NoError(t, err)
	trainer, err := NewTrainer(testBackend(t), func(net *Net, in []*Node) []*Node {
		return []*Node{ReduceAllMean(Square(AddScalar(backbone.Build(net.In("trunk"), in[0]), -1)))}
	}, TrainerOptions{Initial: m.Weights, Seed: 1})
	require.NoError(t, err)
	x := randomPixels(3, 2, 64, 48, 3)
	frozen := func(w Weights) float64 {
		return float64(tensors.ToScalar[float32](MustNewExec(testBackend(t), func(x *Node) *Node {
			return ReduceAllMean(Square(AddScalar(backbone.Build(NewFrozenNet(w).In("trunk"), x), -1)))
		}).MustExec1(x)))
	}
	first, err := trainer.Step(0, x)
	require.NoError(t, err)
	require.InEpsilon(t, frozen(m.Weights), first[0], 1e-4)
	kept, err := trainer.Weights()
	require.NoError(t, err)
	require.Equal(t, m.Weights, kept, "in the file's layout")
	for range 3 {
		_, err = trainer.Step(1e-3, x)
		require.NoError(t, err)
	}
	trained, err := trainer.Weights()
	require.NoError(t, err)
	require.Less(t, frozen(trained), first[0])

	m.Config.ONNX = nil
	_, err = m.Trunk()
	require.ErrorContains(t, err, "no ONNX network")
}
