package models

import (
	. "github.com/gomlx/gomlx/pkg/core/graph"

	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/photo/colour"
)

// EdgesConfig steers the last step of location, which brings each side of a dress's box to where the dress ends. A trunk's
// features are many pixels wide, and so is what a linear layer on them says of a side; the pixels say it sharply, once it
// is known about where to look and which colours are the dress's. As in side-aware boundary localisation (SABL,
// https://arxiv.org/abs/1912.04260), the picture is summed up along each side, and a small network on that profile says
// at which of its bins the side is; here a bin is a row or a column of pixels.
type EdgesConfig struct {
	// Height and Width of the picture of a box and what is around it, in pixels.
	Height int `json:"height"`
	Width  int `json:"width"`
	// Margin is the share of the box's size that the picture shows on each side of it, at least.
	Margin float64 `json:"margin"`
}

// DefaultEdgesConfig is what training starts from.
func DefaultEdgesConfig() *EdgesConfig { return &EdgesConfig{Height: 144, Width: 96, Margin: 0.3} }

// versions are of the code that places depend on besides the configuration and the weights, for fingerprints.
func (c *RefineConfig) versions() []any {
	if c == nil || c.Edges == nil {
		return nil
	}
	return []any{colour.Version}
}

// region is the part of a photo around a box whose picture the profiles sum up.
func (c EdgesConfig) region(box photo.Box) photo.Box {
	return RefineConfig{Margin: c.Margin}.Patch(box, c.Width, c.Height)
}

// Layers of a side's network: so many filters, over so many bins each.
const edgeFilters, edgeKernel = 12, 9

// EdgesGraph maps profiles, [batch, 2, Width, edgeChannels] and [batch, 2, Height, edgeChannels] (EdgesConfig.Profiles), to
// where the sides are in the picture, left, top, right, bottom, in shares of its size: [batch, 4].
func (m *Model) EdgesGraph(across, down *Node) *Node {
	return EdgesHead(NewFrozenNet(m.Weights), across, down)
}

// EdgesHead is what EdgesGraph computes. Left and right have one network, since dresses have no handedness.
func EdgesHead(net *Net, across, down *Node) *Node {
	h := net.In("refine").In("edges")
	columns := sideOf(h.In("side"), across) // left, and right from the right
	top := sideOf(h.In("top"), Slice(down, AxisRange(), AxisElem(0)))
	bottom := sideOf(h.In("bottom"), Slice(down, AxisRange(), AxisElem(1))) // from below
	left, right := Slice(columns, AxisRange(), AxisElem(0)), Slice(columns, AxisRange(), AxisElem(1))
	return Concatenate([]*Node{left, top, OneMinus(right), OneMinus(bottom)}, 1)
}

// sideOf says where in each profile [batch, sides, bins, edgeChannels] the side is, in shares of its length: the mean of
// the bins' middles, each by how likely it is the one. [batch, sides].
func sideOf(net *Net, profiles *Node) *Node {
	d := profiles.Shape().Dimensions
	batch, sides, bins := d[0], d[1], d[2]
	x := ReLU(net.lineConv("0", profiles, edgeFilters, edgeKernel))
	x = ReLU(net.lineConv("1", x, edgeFilters, edgeKernel))
	x = Reshape(net.lineConv("2", x, 1, 1), batch, sides, bins)
	off := Reshape(Slice(profiles, AxisRange(), AxisRange(), AxisRange(), AxisElem(edgeOff)), batch, sides, bins)
	x = Sub(x, Mul(off, off)) // before anything is seen, a side that stays is likeliest
	middles := make([]float32, bins)
	for i := range middles {
		middles[i] = (float32(i) + 0.5) / float32(bins)
	}
	return ReduceSum(Mul(Softmax(x), Reshape(Const(x.Graph(), middles), 1, 1, bins)), -1)
}

// lineConv is a convolution with a bias along the third axis of x [batch, lines, bins, in] alone, padded with zeros:
// [batch, lines, bins, out].
func (n *Net) lineConv(name string, x *Node, out, kernel int) *Node {
	bias := n.parameter(x.Graph(), name+".bias", constant(0), out)
	y := n.conv(name, x, out, window{height: 1, width: kernel, stride: 1, padWidth: (kernel - 1) / 2})
	return Add(y, ExpandLeftToRank(bias, 4))
}

// EdgesLoss is how far predicted sides [batch, 4] are from true ones, in shares of the picture: what boxes lack of an IoU
// of 1, and half of what each side is off, in shares of the true box's size.
func EdgesLoss(predicted, truth *Node) *Node {
	low := func(x *Node) *Node { return Slice(x, AxisRange(), AxisRange(0, 2)) }
	high := func(x *Node) *Node { return Slice(x, AxisRange(), AxisRange(2, 4)) }
	size := func(low, high *Node) *Node { return ReLU(Sub(high, low)) } // [batch, 2]
	area := func(size *Node) *Node {
		return Mul(Slice(size, AxisRange(), AxisElem(0)), Slice(size, AxisRange(), AxisElem(1)))
	}
	own, wanted := size(low(predicted), high(predicted)), size(low(truth), high(truth))
	common := area(size(Max(low(predicted), low(truth)), Min(high(predicted), high(truth))))
	union := MaxScalar(Sub(Add(area(own), area(wanted)), common), 1e-6)
	off := Div(Abs(Sub(predicted, truth)), MaxScalar(Concatenate([]*Node{wanted, wanted}, 1), 1e-3))
	return Add(ReduceAllMean(OneMinus(Div(common, union))), MulScalar(ReduceAllMean(ReduceSum(off, -1)), 0.5))
}
