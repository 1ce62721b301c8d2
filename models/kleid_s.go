package models

import (
	. "github.com/gomlx/gomlx/pkg/core/graph"
)

// kleidS is the default trunk, made for CPUs: dense 3x3 convolutions only, which a CPU runs near its
// peak, residual where the width stays (https://arxiv.org/abs/1512.03385, basic blocks), and a stride
// of 16, not 32, so that a crop of 240 x 128 keeps 15 x 8 cells of layout. 15.3 thousand
// multiply-adds a pixel: 0.94 GFLOP for that crop. The receptive field is 239 pixels.
var kleidS = Backbone{
	Name:      "kleid-s",
	Mean:      [3]float32{0.5, 0.5, 0.5},
	Deviation: [3]float32{0.25, 0.25, 0.25},
	Stride:    16,
	Channels:  192,
	Stages:    3,
	Build: func(net *Net, x *Node) *Node {
		batch := x.Shape().Dimensions[0]
		x = ReLU(net.ConvNorm("stem.conv", "stem.bn", x, 32, 3, 2)) // [batch, h/2, w/2, 32]
		stages := []struct{ width, blocks int }{
			{48, 1},  // [batch, h/4, w/4, 48]
			{96, 2},  // [batch, h/8, w/8, 96]
			{192, 2}, // [batch, h/16, w/16, 192]
		}
		for i, stage := range stages {
			s := net.In("stage%d", i+1)
			x = ReLU(s.ConvNorm("down.conv", "down.bn", x, stage.width, 3, 2))
			for b := range stage.blocks {
				x = basicBlock(s.In("%d", b), x, stage.width, 1)
			}
			x = net.Stage(i+1, x)
		}
		x.AssertDims(batch, -1, -1, 192)
		return x
	},
}
