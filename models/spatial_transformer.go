package models

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
)

// A spatial transformer (https://arxiv.org/abs/1506.02025) looks at what passes a place of the trunk and
// decides which part of it goes on: a small network gives each image an affine map, by which the image is
// sampled anew. It starts as the identity, and learns from the loss of what comes after it alone.
//
// It is for crops: of whole photos Kleid reads where the dress is from the places of the features, which a
// transformer would move.

// SpatialTransformerConfig attaches a transformer to a trunk.
type SpatialTransformerConfig struct {
	// Stage is where: "input", or "stage1" and so on, behind that stage of the backbone.
	Stage string `json:"stage"`
	// Padding is what lies beyond the border: "zero" (which is also ""), the mean colour at the input, or
	// "border", the nearest pixel.
	Padding string `json:"padding,omitempty"`
	// Weight of the squared distance from the identity in the loss.
	Weight float64 `json:"weight"`
}

// transformerInput is the Stage in front of the backbone.
const transformerInput = "input"

// DefaultSpatialTransformer is one at the given stage with the default padding and regularisation.
func DefaultSpatialTransformer(stage string) *SpatialTransformerConfig {
	return &SpatialTransformerConfig{Stage: stage, Weight: 0.01}
}

// String is all of it, for those who tell options apart by how they are printed.
func (s *SpatialTransformerConfig) String() string {
	if s == nil {
		return "none"
	}
	return fmt.Sprintf("%s,%s,%v", s.Stage, s.Padding, s.Weight)
}

// Check says what cannot be with this backbone.
func (s *SpatialTransformerConfig) Check(backbone Backbone) error {
	stages := backbone.transformerStages()
	if !slices.Contains(stages, s.Stage) {
		return fmt.Errorf("spatial transformer: %s has no stage %q; there are %s", backbone.Name, s.Stage, strings.Join(stages, ", "))
	}
	if s.Padding != "" && s.Padding != "zero" && s.Padding != "border" {
		return fmt.Errorf("spatial transformer: padding is %q, but must be zero or border", s.Padding)
	}
	if !(s.Weight >= 0) || math.IsInf(s.Weight, 0) {
		return fmt.Errorf("spatial transformer: the regularisation's weight is %v, but must be a number and not negative", s.Weight)
	}
	return nil
}

// transformerStages names the places where a spatial transformer can be attached.
func (b Backbone) transformerStages() []string {
	stages := []string{transformerInput}
	for i := range b.Stages {
		stages = append(stages, fmt.Sprintf("stage%d", i+1))
	}
	return stages
}

// at samples x anew where a transformer is attached to this stage.
func (c *cropHooks) at(stage string, x *Node) *Node {
	if c != nil && c.passed != nil {
		c.passed[stage] = x
	}
	if c == nil || c.transformer == nil || c.transformer.Stage != stage {
		return x
	}
	dtype := x.DType()
	x = ConvertDType(x, dtypes.Float32)
	c.theta = localise(c.net.In("spatial_transformer"), x)
	return ConvertDType(sampleAffine(x, c.theta, c.transformer.Padding == "border"), dtype)
}

// localiseSize is the height and width to which the localisation network brings what it sees, so that its
// weights fit images of any size.
const localiseSize = 32

// localise is the localisation network: from x [batch, height, width, channels] to theta [batch, 2, 3]. Its
// last layer starts with weights of zero, so that theta starts as the identity. It has no batch
// normalisation, so that an image's map depends on no other image; in a network in int8 it stays float32.
func localise(net *Net, x *Node) *Node {
	g := x.Graph()
	batch := x.Shape().Dimensions[0]
	x = resampleArea(x, localiseSize, localiseSize)
	x = ReLU(net.ConvBias("conv1", x, 16, 5, 2)) // [batch, 16, 16, 16]
	x = ReLU(net.ConvBias("conv2", x, 32, 3, 2)) // [batch, 8, 8, 32]
	x = ReLU(net.ConvBias("conv3", x, 32, 3, 2)) // [batch, 4, 4, 32]
	x = ReLU(net.Linear("fc1", Reshape(x, batch, 4*4*32), 48))
	weight := net.parameter(g, "fc2.weight", constant(0), 6, 48)
	bias := net.parameter(g, "fc2.bias", func(t *Tensor, _ *rand.Rand) { copy(t.Data, identityMap) }, 6)
	return Reshape(Add(Dot(x, weight), ExpandLeftToRank(bias, 2)), batch, 2, 3)
}

// identityMap is theta of what changes nothing.
var identityMap = []float32{1, 0, 0, 0, 1, 0}

// distanceFromIdentity is the squared distance of theta [batch, 2, 3] from the identity, the mean over the
// batch.
func distanceFromIdentity(theta *Node) *Node {
	identity := Reshape(Const(theta.Graph(), identityMap), 1, 2, 3)
	return DivScalar(ReduceAllSum(Square(Sub(theta, identity))), float64(theta.Shape().Dimensions[0]))
}

// resampleArea brings x [batch, h, w, channels] to [batch, height, width, channels]: each new pixel is the
// mean of the area that it covers. Rows and columns go one after the other, each by a product with a constant.
func resampleArea(x *Node, height, width int) *Node {
	dims := x.Shape().Dimensions
	if dims[1] != height {
		x = DotGeneral(areaWeights(x.Graph(), height, dims[1]), []int{1}, nil, x, []int{1}, nil) // [height, batch, w, channels]
		x = TransposeAllAxes(x, 1, 0, 2, 3)
	}
	if dims[2] != width {
		x = DotGeneral(x, []int{2}, nil, areaWeights(x.Graph(), width, dims[2]), []int{1}, nil) // [batch, height, channels, width]
		x = TransposeAllAxes(x, 0, 1, 3, 2)
	}
	return x
}

// areaWeights is [out, in]: the share of each old pixel in each new one.
func areaWeights(g *Graph, out, in int) *Node {
	w := make([]float32, out*in)
	scale := float64(in) / float64(out)
	for o := range out {
		from, to := float64(o)*scale, float64(o+1)*scale
		for i := int(from); i < in && float64(i) < to; i++ {
			w[o*in+i] = float32(max(0, min(to, float64(i+1))-max(from, float64(i))) / scale)
		}
	}
	return ConstTensor(g, tensors.FromFlatDataAndDimensions(w, out, in))
}

// sampleAffine samples x [batch, height, width, channels] by theta [batch, 2, 3]. Coordinates run from -1 to 1
// over the image's edges, x first: the pixel at (u, v) of the result is
//
//	x at (theta[0]·u + theta[1]·v + theta[2], theta[3]·u + theta[4]·v + theta[5])
//
// between pixels bilinear, beyond the border zero or the nearest pixel: torch's affine_grid and grid_sample
// with align_corners=False. Theta of the identity gives x, exactly. It has gradients by x and by theta.
//
// The four neighbours are gathered. Products with each axis's weights, which need no gather, would do for maps
// without rotation and shear only; one product with the weights of all pixels would cost 600 million
// multiply-adds a channel for a crop of 192 x 128, where gathering costs 100 thousand look-ups.
func sampleAffine(x, theta *Node, border bool) *Node {
	g := x.Graph()
	dims := x.Shape().Dimensions
	batch, height, width, channels := dims[0], dims[1], dims[2], dims[3]

	// In pixels from the middle, since those of the identity are exact there.
	columns, rows := fromMiddle(g, width), fromMiddle(g, height)
	columns, rows = Reshape(columns, 1, 1, width), Reshape(rows, 1, height, 1)
	at := func(i int) *Node { return Slice(Reshape(theta, batch, 6, 1), AxisRange(), AxisElem(i), AxisRange()) }
	aspect := float64(width) / float64(height)
	place := func(alongX, alongY, shift *Node, size int) *Node { // [batch, height, width], in pixels from the first one's centre
		return AddScalar(Add(Add(Mul(alongX, columns), Mul(alongY, rows)), MulScalar(shift, float64(size)/2)), float64(size-1)/2)
	}
	sx := place(at(0), MulScalar(at(1), aspect), at(2), width)
	sy := place(MulScalar(at(3), 1/aspect), at(4), at(5), height)

	x0, fx := neighbours(sx, width, border)
	y0, fy := neighbours(sy, height, border)
	first := ConvertDType(MulScalar(Iota(g, x0.Shape(), 0), float64(height*width)), dtypes.Int32)
	var indices, weights []*Node
	for _, dy := range []float64{0, 1} {
		for _, dx := range []float64{0, 1} {
			wx, column := neighbour(x0, fx, dx, width)
			wy, row := neighbour(y0, fy, dy, height)
			index := Add(first, ConvertDType(Add(MulScalar(row, float64(width)), column), dtypes.Int32))
			indices = append(indices, Reshape(index, 1, batch*height*width))
			weights = append(weights, Reshape(Mul(wx, wy), 1, batch*height*width, 1))
		}
	}
	pixels := Gather(Reshape(x, batch*height*width, channels), ExpandDims(Concatenate(indices, 0), -1)) // [4, pixels, channels]
	y := ReduceSum(Mul(pixels, Concatenate(weights, 0)), 0)
	return Reshape(y, dims...)
}

// fromMiddle are the distances of n pixels from the middle of their row.
func fromMiddle(g *Graph, n int) *Node {
	d := make([]float32, n)
	for i := range d {
		d[i] = float32(i) - float32(n-1)/2
	}
	return Const(g, d)
}

// neighbours of places along an axis of n pixels: the pixel before each, which has no gradient, and how far
// the place is behind it. Without a border's pixels a place may be one before the first and the last one.
func neighbours(place *Node, n int, border bool) (before, fraction *Node) {
	least, most := -1.0, float64(n)
	if border {
		least, most = 0, float64(n-1)
	}
	place = MinScalar(MaxScalar(place, least), most)
	before = StopGradient(Floor(place))
	return before, Sub(place, before)
}

// neighbour is the one before a place (offset 0) or behind it (1): its weight, zero beyond the border, and
// where it is, moved to the border.
func neighbour(before, fraction *Node, offset float64, n int) (weight, at *Node) {
	at = before
	weight = OneMinus(fraction)
	if offset == 1 {
		at, weight = AddScalar(before, 1), fraction
	}
	inside := And(GreaterOrEqual(at, ScalarZero(at.Graph(), at.DType())), LessOrEqual(at, Scalar(at.Graph(), at.DType(), float64(n-1))))
	weight = Mul(weight, ConvertDType(inside, weight.DType()))
	return weight, MinScalar(MaxScalar(at, 0), float64(n-1))
}
