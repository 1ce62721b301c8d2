package models

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/gomlx/gomlx/pkg/ml/context"
	"github.com/stretchr/testify/require"
)

// TestSpatialTransformerAtEveryStage attaches one to each stage of each backbone: it starts as the identity.
func TestSpatialTransformerAtEveryStage(t *testing.T) {
	const size = 64
	x := randomPixels(3, 2, size, size, 3)
	for _, backbone := range backbones {
		require.Positive(t, backbone.Stages, backbone.Name)
		want := tensors.MustCopyFlatData[float32](MustNewExec(testBackend(t), func(x *Node) *Node {
			return backbone.Build(NewRandomNet(3), x)
		}).MustExec1(x))
		for _, stage := range backbone.TransformerStages() {
			config := Config{SpatialTransformer: DefaultSpatialTransformer(stage)}
			outputs := MustNewExec(testBackend(t), func(x *Node) []*Node {
				pass := config.CropPass(NewRandomNet(3), backbone, x)
				return []*Node{pass.Features, pass.Theta, pass.Penalty}
			}).MustExec(x)
			require.Equal(t, want, tensors.MustCopyFlatData[float32](outputs[0]), "%s, %s", backbone.Name, stage)
			require.Equal(t, append(append([]float32(nil), identityMap...), identityMap...), tensors.MustCopyFlatData[float32](outputs[1]))
			require.Zero(t, tensors.ToScalar[float32](outputs[2]))
		}
	}
	config := Config{SpatialTransformer: DefaultSpatialTransformer("stage9")}
	_, err := MustNewExec(testBackend(t), func(x *Node) *Node {
		return config.CropPass(NewRandomNet(3), kleidS, x).Features
	}).Exec(x)
	require.ErrorContains(t, err, `kleid-s has no stage "stage9"; there are input, stage1, stage2, stage3`)
}

func TestSpatialTransformerCheck(t *testing.T) {
	require.NoError(t, DefaultSpatialTransformer("stage1").Check(kleidS))
	for want, config := range map[string]SpatialTransformerConfig{
		"no stage":       {Stage: "stage4"},
		"zero or border": {Stage: "input", Padding: "mirror"},
		"not negative":   {Stage: "input", Weight: -1},
		"a number":       {Stage: "input", Weight: math.NaN()},
	} {
		require.ErrorContains(t, config.Check(kleidS), want)
	}
}

// withTransformer gives a model one that has learned to turn, shift and scale, by each crop's content.
func withTransformer(t *testing.T, m *Model, stage string) *Model {
	t.Helper()
	m = &Model{Config: m.Config, Weights: m.Weights.Clone()}
	m.Config.SpatialTransformer = DefaultSpatialTransformer(stage)
	backbone, err := m.Trunk()
	require.NoError(t, err)
	ctx := context.New()
	context.MustNewExec(testBackend(t), ctx, func(ctx *context.Context, x *Node) *Node {
		return m.Config.CropPass(NewTrainingNet(ctx, m.Weights, 1, false).In("trunk"), backbone, x).Features
	}).MustExec1(randomPixels(1, 1, m.Config.CropHeight, m.Config.CropWidth, 3))
	weights, err := TrainedWeights(ctx)
	require.NoError(t, err)
	m.Weights.Merge("", weights)
	rng := rand.New(rand.NewPCG(7, 8))
	last := m.Weights["trunk.spatial_transformer.fc2.weight"]
	for i := range last.Data {
		last.Data[i] = 0.05 * float32(rng.NormFloat64())
	}
	return m
}

// TestModelWithSpatialTransformer embeds frozen crops through one, in float32 and with convolutions in int8,
// and locates in whole photos without it.
func TestModelWithSpatialTransformer(t *testing.T) {
	plain := smallModel(t)
	crops := photoPixels(2, 4, plain.Config.CropHeight, plain.Config.CropWidth, 3)
	photos := photoPixels(9, 2, 64, 48, 3)
	cells := func(m *Model) []float32 {
		return tensors.MustCopyFlatData[float32](MustNewExec(testBackend(t), m.CellsGraph).MustExec1(crops))
	}
	locate := func(m *Model) []float32 {
		return tensors.MustCopyFlatData[float32](MustNewExec(testBackend(t), func(x *Node) *Node { logits, _ := m.LocateGraph(x); return logits }).MustExec1(photos))
	}
	_, err := MustNewExec(testBackend(t), plain.TransformsGraph).Exec(crops)
	require.ErrorContains(t, err, "no spatial transformer")
	for _, stage := range kleidS.TransformerStages() {
		m := withTransformer(t, plain, stage)
		require.NotEqual(t, plain.EmbeddingModel(), m.EmbeddingModel())
		moved := &Model{Config: m.Config, Weights: m.Weights}
		moved.Config.SpatialTransformer = DefaultSpatialTransformer("stage2")
		require.Equal(t, stage == "stage2", moved.EmbeddingModel() == m.EmbeddingModel())
		want := cells(m)
		require.Less(t, cosine(cells(plain), want), 0.9999, stage)
		require.Equal(t, locate(plain), locate(m))
		theta := tensors.MustCopyFlatData[float32](MustNewExec(testBackend(t), m.TransformsGraph).MustExec1(crops))
		require.Len(t, theta, 4*6)
		require.NotEqual(t, theta[:6], theta[6:12])

		var file bytes.Buffer
		require.NoError(t, m.Encode(&file, Float32))
		read, err := Decode(file.Bytes())
		require.NoError(t, err)
		require.Equal(t, m.EmbeddingModel(), read.EmbeddingModel())
		require.Equal(t, want, cells(read))

		c, err := m.Calibrate(testBackend(t))
		require.NoError(t, err)
		require.NoError(t, c.Crops(crops))
		for i, size := range m.Config.Scales {
			require.NoError(t, c.Photos(photoPixels(uint64(3+i), 4, size[0], size[1], 3)))
		}
		quantised, err := c.Model(QuantiseOptions{Clipping: DefaultClipping})
		require.NoError(t, err)
		require.Nil(t, quantised.Weights["trunk.spatial_transformer.conv1.weight"].Int8)
		require.NotNil(t, quantised.Weights["trunk.stage1.down.conv.weight"].Int8)
		require.Greater(t, cosine(want, cells(quantised)), 0.995, stage)
	}
}
