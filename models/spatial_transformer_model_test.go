package models

import (
	"bytes"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/gomlx/gomlx/pkg/ml/context"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/photo"
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
		for _, stage := range backbone.transformerStages() {
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

// TestSpatialTransformerLearnsAtTheInput: what backbones do with the photo first lets gradients through.
func TestSpatialTransformerLearnsAtTheInput(t *testing.T) {
	for _, backbone := range backbones {
		config, err := ConfigFor(backbone.Name)
		require.NoError(t, err)
		config.SpatialTransformer = DefaultSpatialTransformer(transformerInput)
		variables := context.New()
		g := NewGraph(testBackend(t), "trunk")
		pass := config.CropPass(NewTrainingNet(variables, nil, 3, true), backbone, Parameter(g, "pixels", shapes.Make(dtypes.Float32, 2, 64, 64, 3)))
		require.NotPanics(t, func() { variables.BuildTrainableVariablesGradientsGraph(ReduceAllMean(pass.Features)) }, backbone.Name)
		g.Finalize()
	}
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
		return tensors.MustCopyFlatData[float32](MustNewExec(testBackend(t), func(x *Node) *Node { return m.LocateGraph([]*Node{x})[0] }).MustExec1(photos))
	}
	_, err := MustNewExec(testBackend(t), plain.transformsGraph).Exec(crops)
	require.ErrorContains(t, err, "no spatial transformer")
	for _, stage := range kleidS.transformerStages() {
		m := withTransformer(t, plain, stage)
		require.NotEqual(t, plain.EmbeddingModel(), m.EmbeddingModel())
		moved := &Model{Config: m.Config, Weights: m.Weights}
		moved.Config.SpatialTransformer = DefaultSpatialTransformer("stage2")
		require.Equal(t, stage == "stage2", moved.EmbeddingModel() == m.EmbeddingModel())
		want := cells(m)
		require.Less(t, cosine(cells(plain), want), 0.9999, stage)
		require.Equal(t, locate(plain), locate(m))
		theta := tensors.MustCopyFlatData[float32](MustNewExec(testBackend(t), m.transformsGraph).MustExec1(crops))
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

// TestPictureTransforms draws what is sampled around each crop, the upper side in another colour.
func TestPictureTransforms(t *testing.T) {
	crop := func(width, height int) *photo.Image {
		return &photo.Image{Width: width, Height: height, Pix: make([]uint8, 3*width*height)}
	}
	theta := append(append([]float32(nil), identityMap...),
		0.5, 0, 0.25, 0, 0.5, -0.5, // from a quarter to the right of the middle, up
		float32(math.NaN()), 0, 0, 0, 1, 0)
	picture, err := drawTransforms([]*photo.Image{crop(40, 80), crop(40, 80), crop(40, 80)}, theta, 2)
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 2*60, 2*120), picture.Rect, "a quarter of the crop is around it")
	require.Equal(t, pictureTop, picture.RGBAAt(30, 20))
	require.Equal(t, pictureSides, picture.RGBAAt(10, 60))
	require.Equal(t, pictureSides, picture.RGBAAt(49, 60))
	require.Equal(t, pictureSides, picture.RGBAAt(30, 99))
	require.Equal(t, color.RGBA{A: 255}, picture.RGBAAt(30, 60))
	require.Equal(t, pictureGround, picture.RGBAAt(5, 5))
	// The second one's goes from x = -0.25 to 0.75 and from y = -1 to 0.
	require.Equal(t, pictureTop, picture.RGBAAt(60+10+20+5, 20))
	require.Equal(t, pictureSides, picture.RGBAAt(60+10+15, 40))
	require.Equal(t, pictureSides, picture.RGBAAt(60+10+35, 40))
	require.Equal(t, pictureSides, picture.RGBAAt(60+10+25, 60))

	_, err = drawTransforms([]*photo.Image{crop(4, 8)}, identityMap[:5], 2)
	require.ErrorContains(t, err, "do not fit together")
	_, err = drawTransforms([]*photo.Image{crop(4, 8), crop(8, 4)}, theta[:12], 2)
	require.ErrorContains(t, err, "crop 1 is 8 x 4, the first 4 x 8")

	m := withTransformer(t, smallModel(t), "stage2")
	picture, err = m.PictureTransforms(testBackend(t), []*photo.Image{crop(32, 96)}, 4)
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 48, 144), picture.Rect)
	_, err = m.PictureTransforms(testBackend(t), []*photo.Image{crop(40, 80)}, 4)
	require.ErrorContains(t, err, "the model reads 32 x 96")
}
