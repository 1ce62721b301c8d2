package models

import (
	"math"

	. "github.com/gomlx/gomlx/pkg/core/graph"
)

// The residual networks of He et al. (https://arxiv.org/abs/1512.03385) with torchvision's and timm's
// parameter names, up to global pooling. In ResNet-50 the stride is in the 3x3 convolution, as in
// torchvision ("v1.5").
var (
	resNet18 = resNet("resnet18", basicBlock, 1, 2, 2, 2, 2)
	resNet34 = resNet("resnet34", basicBlock, 1, 3, 4, 6, 3)
	resNet50 = resNet("resnet50", bottleneck, 4, 3, 4, 6, 3)
)

type residualBlock func(net *Net, x *Node, width, stride int) *Node

func resNet(name string, block residualBlock, expansion int, blocks ...int) Backbone {
	return Backbone{
		Name: name, Mean: imageNetMean, Deviation: imageNetDeviation, Stride: 32, Channels: 512 * expansion, Stages: len(blocks),
		Build: func(net *Net, x *Node) *Node {
			batch := x.Shape().Dimensions[0]
			x = ReLU(net.ConvNorm("conv1", "bn1", x, 64, 7, 2)) // [batch, h/2, w/2, 64]
			x = maxPool3x3(x)                                   // [batch, h/4, w/4, 64]
			width := 64
			for i, count := range blocks {
				for b := range count {
					stride := 1
					if i > 0 && b == 0 {
						stride = 2
					}
					x = block(net.In("layer%d", i+1).In("%d", b), x, width, stride)
				}
				x = net.Stage(i+1, x)
				width *= 2
			}
			x.AssertDims(batch, -1, -1, 512*expansion) // [batch, h/32, w/32, channels]
			return x
		},
	}
}

// basicBlock is two 3x3 convolutions and a shortcut.
func basicBlock(net *Net, x *Node, width, stride int) *Node {
	y := ReLU(net.ConvNorm("conv1", "bn1", x, width, 3, stride))
	y = net.ConvNorm("conv2", "bn2", y, width, 3, 1)
	return ReLU(net.Residual(y, shortcut(net, x, width, stride)))
}

// bottleneck is 1x1, 3x3, 1x1 with four times the width, and a shortcut.
func bottleneck(net *Net, x *Node, width, stride int) *Node {
	y := ReLU(net.ConvNorm("conv1", "bn1", x, width, 1, 1))
	y = ReLU(net.ConvNorm("conv2", "bn2", y, width, 3, stride))
	y = net.ConvNorm("conv3", "bn3", y, 4*width, 1, 1)
	return ReLU(net.Residual(y, shortcut(net, x, 4*width, stride)))
}

func shortcut(net *Net, x *Node, width, stride int) *Node {
	if stride == 1 && x.Shape().Dimensions[3] == width {
		return x
	}
	return net.ConvNorm("downsample.0", "downsample.1", x, width, 1, stride)
}

// maxPool3x3 is torchvision's pooling after the stem: window 3, stride 2, padding 1.
func maxPool3x3(x *Node) *Node {
	return MaxPool(x).Window(3).Strides(2).PaddingPerDim([][2]int{{1, 1}, {1, 1}}).Done()
}

// GlobalAveragePool turns features [batch, height, width, channels] into [batch, channels].
func GlobalAveragePool(x *Node) *Node {
	area := float64(x.Shape().Dimensions[1] * x.Shape().Dimensions[2])
	return MulScalar(ReduceSum(x, 1, 2), 1/math.Max(area, 1))
}
