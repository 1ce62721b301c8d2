package models

import (
	"fmt"

	. "github.com/gomlx/gomlx/pkg/core/graph"
)

// inceptionV3 is the network of Szegedy et al. (https://arxiv.org/abs/1512.00567) with torchvision's and
// timm's parameter names, up to global pooling. It was trained on pixels in -1..1 of photos of 299 px, with a
// second classifier in its middle (section 4), which is there in training alone: see CropPass.
//
// Its convolutions shrink the image at the borders: 299 px give 8 cells, not 10, and no cell lies around the
// photo's first pixels. So what Kleid locates with puts zeros around the photo, as many as it takes for the
// cells to lie where those of the other backbones do.
var inceptionV3 = inceptionBackbone("inception_v3", 2048, inception{pool: averagePool3x3})

// inceptionLeast is the height and width in pixels of the smallest photo, which gives one cell.
const inceptionLeast = 75

// inception says which of the networks.
type inception struct {
	pool        func(x *Node) *Node // 3x3, stride 1
	untilMixed8 bool                // without the last two blocks, which change no cell's place
}

func inceptionBackbone(name string, channels int, which inception) Backbone {
	return Backbone{
		Name: name, Mean: [3]float32{0.5, 0.5, 0.5}, Deviation: [3]float32{0.5, 0.5, 0.5}, Stride: 32, Channels: channels, Stages: 3,
		Build: func(net *Net, x *Node) *Node {
			// The middle of the first cell is at pixel 37 of what goes in, and should be at 16.
			const before = 37 - 16
			for axis := 1; axis <= 2; axis++ {
				size := x.Shape().Dimensions[axis]
				cells := (size + 31) / 32
				x = zeroPad(x, axis, before, inceptionLeast+32*(cells-1)-size-before)
			}
			return which.published(net, x)
		},
		Published: which.published,
	}
}

func (n inception) published(net *Net, x *Node) *Node {
	batch, height, width := x.Shape().Dimensions[0], x.Shape().Dimensions[1], x.Shape().Dimensions[2]
	if min(height, width) < inceptionLeast {
		panic(fmt.Errorf("inception_v3 needs images of %d px at least, these have %d x %d", inceptionLeast, width, height))
	}
	net = net.withEpsilon(inceptionEpsilon)
	x = inceptionLayer(net, "Conv2d_1a_3x3", x, 32, valid3x3(2))
	x = inceptionLayer(net, "Conv2d_2a_3x3", x, 32, valid3x3(1))
	x = inceptionLayer(net, "Conv2d_2b_3x3", x, 64, square(3, 1))
	x = maxPoolValid(x) // [batch, h/4, w/4, 64]
	x = inceptionLayer(net, "Conv2d_3b_1x1", x, 80, square(1, 1))
	x = inceptionLayer(net, "Conv2d_4a_3x3", x, 192, valid3x3(1))
	x = maxPoolValid(x)                // [batch, h/8, w/8, 192]
	x = n.a(net.In("Mixed_5b"), x, 32) // 256 channels
	x = n.a(net.In("Mixed_5c"), x, 64) // 288
	x = n.a(net.In("Mixed_5d"), x, 64) // 288
	x = net.Stage(1, x)
	x = inceptionB(net.In("Mixed_6a"), x) // [batch, h/16, w/16, 768]
	x = n.c(net.In("Mixed_6b"), x, 128)   // 768
	x = n.c(net.In("Mixed_6c"), x, 160)   // 768
	x = n.c(net.In("Mixed_6d"), x, 160)   // 768
	x = n.c(net.In("Mixed_6e"), x, 192)   // 768
	x = net.Stage(2, x)
	net.auxiliary(func(aux *Net) *Node { return inceptionAuxiliary(aux.withEpsilon(inceptionEpsilon), x) })
	x = inceptionD(net.In("Mixed_7a"), x) // [batch, h/32, w/32, 1280]
	channels := 1280
	if !n.untilMixed8 {
		x = n.e(net.In("Mixed_7b"), x) // 2048
		x = n.e(net.In("Mixed_7c"), x) // 2048
		channels = 2048
	}
	x.AssertDims(batch, (height-inceptionLeast)/32+1, (width-inceptionLeast)/32+1, channels)
	return net.Stage(3, x)
}

// inceptionEpsilon is that of its batch normalisation. torch's default is another.
const inceptionEpsilon = 1e-3

// inceptionAuxiliary gives the features of the classifier in the network's middle, [batch, 768], from what
// Mixed_6e gives. That of 299 px has 17 x 17 cells, and 5 x 5 after pooling, which the last convolution sees as a
// whole. In smaller photos it sees zeros around what there is.
func inceptionAuxiliary(net *Net, x *Node) *Node {
	dims := x.Shape().Dimensions
	x = MeanPool(x).WindowPerAxis(min(5, dims[1]), min(5, dims[2])).Strides(3).NoPadding().Done()
	x = inceptionLayer(net, "conv0", x, 128, square(1, 1))
	w := window{height: 5, width: 5, stride: 1}
	if x.Shape().Dimensions[1] < 5 {
		w.padHeight = 2
	}
	if x.Shape().Dimensions[2] < 5 {
		w.padWidth = 2
	}
	return GlobalAveragePool(inceptionLayer(net, "conv1", x, 768, w))
}

// inceptionLayer is a convolution, batch normalisation and ReLU.
func inceptionLayer(net *Net, name string, x *Node, out int, w window) *Node {
	return ReLU(net.In("%s", name).convNorm("conv", "bn", x, out, w))
}

// valid3x3 is a kernel that stays within the image.
func valid3x3(stride int) window { return window{height: 3, width: 3, stride: stride} }

// row and column are flat kernels with padding that keeps the image's size.
func row(kernel int) window {
	return window{height: 1, width: kernel, stride: 1, padWidth: (kernel - 1) / 2}
}

func column(kernel int) window {
	return window{height: kernel, width: 1, stride: 1, padHeight: (kernel - 1) / 2}
}

func maxPoolValid(x *Node) *Node { return MaxPool(x).Window(3).Strides(2).NoPadding().Done() }

// averagePool3x3 is torch's, which counts the zeros around the image too.
func averagePool3x3(x *Node) *Node {
	return MulScalar(SumPool(x).Window(3).Strides(1).PaddingPerDim([][2]int{{1, 1}, {1, 1}}).Done(), 1.0/9)
}

func (n inception) a(net *Net, x *Node, pooled int) *Node {
	one := inceptionLayer(net, "branch1x1", x, 64, square(1, 1))
	five := inceptionLayer(net, "branch5x5_1", x, 48, square(1, 1))
	five = inceptionLayer(net, "branch5x5_2", five, 64, square(5, 1))
	three := inceptionLayer(net, "branch3x3dbl_1", x, 64, square(1, 1))
	three = inceptionLayer(net, "branch3x3dbl_2", three, 96, square(3, 1))
	three = inceptionLayer(net, "branch3x3dbl_3", three, 96, square(3, 1))
	pool := inceptionLayer(net, "branch_pool", n.pool(x), pooled, square(1, 1))
	return Concatenate([]*Node{one, five, three, pool}, 3)
}

func inceptionB(net *Net, x *Node) *Node {
	three := inceptionLayer(net, "branch3x3", x, 384, valid3x3(2))
	twice := inceptionLayer(net, "branch3x3dbl_1", x, 64, square(1, 1))
	twice = inceptionLayer(net, "branch3x3dbl_2", twice, 96, square(3, 1))
	twice = inceptionLayer(net, "branch3x3dbl_3", twice, 96, valid3x3(2))
	return Concatenate([]*Node{three, twice, maxPoolValid(x)}, 3)
}

func (n inception) c(net *Net, x *Node, inner int) *Node {
	one := inceptionLayer(net, "branch1x1", x, 192, square(1, 1))
	seven := inceptionLayer(net, "branch7x7_1", x, inner, square(1, 1))
	seven = inceptionLayer(net, "branch7x7_2", seven, inner, row(7))
	seven = inceptionLayer(net, "branch7x7_3", seven, 192, column(7))
	twice := inceptionLayer(net, "branch7x7dbl_1", x, inner, square(1, 1))
	twice = inceptionLayer(net, "branch7x7dbl_2", twice, inner, column(7))
	twice = inceptionLayer(net, "branch7x7dbl_3", twice, inner, row(7))
	twice = inceptionLayer(net, "branch7x7dbl_4", twice, inner, column(7))
	twice = inceptionLayer(net, "branch7x7dbl_5", twice, 192, row(7))
	pool := inceptionLayer(net, "branch_pool", n.pool(x), 192, square(1, 1))
	return Concatenate([]*Node{one, seven, twice, pool}, 3)
}

func inceptionD(net *Net, x *Node) *Node {
	three := inceptionLayer(net, "branch3x3_1", x, 192, square(1, 1))
	three = inceptionLayer(net, "branch3x3_2", three, 320, valid3x3(2))
	seven := inceptionLayer(net, "branch7x7x3_1", x, 192, square(1, 1))
	seven = inceptionLayer(net, "branch7x7x3_2", seven, 192, row(7))
	seven = inceptionLayer(net, "branch7x7x3_3", seven, 192, column(7))
	seven = inceptionLayer(net, "branch7x7x3_4", seven, 192, valid3x3(2))
	return Concatenate([]*Node{three, seven, maxPoolValid(x)}, 3)
}

func (n inception) e(net *Net, x *Node) *Node {
	one := inceptionLayer(net, "branch1x1", x, 320, square(1, 1))
	three := inceptionLayer(net, "branch3x3_1", x, 384, square(1, 1))
	twice := inceptionLayer(net, "branch3x3dbl_1", x, 448, square(1, 1))
	twice = inceptionLayer(net, "branch3x3dbl_2", twice, 384, square(3, 1))
	pool := inceptionLayer(net, "branch_pool", n.pool(x), 192, square(1, 1))
	return Concatenate([]*Node{
		one,
		inceptionLayer(net, "branch3x3_2a", three, 384, row(3)), inceptionLayer(net, "branch3x3_2b", three, 384, column(3)),
		inceptionLayer(net, "branch3x3dbl_3a", twice, 384, row(3)), inceptionLayer(net, "branch3x3dbl_3b", twice, 384, column(3)),
		pool,
	}, 3)
}
