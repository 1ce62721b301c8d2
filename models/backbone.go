package models

import (
	"fmt"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/pkg/core/graph"
)

// Backbone is a convolutional trunk that the heads share.
type Backbone struct {
	Name string
	// Mean and Deviation normalise the pixels: (value/255 - Mean) / Deviation.
	Mean, Deviation [3]float32
	// Stride is how many pixels of the input one cell of the result covers.
	Stride int
	// Channels of the result.
	Channels int
	// Stages are those behind which something can be attached (Net.Stage), numbered from 1.
	Stages int
	// Build maps photos [batch, height, width, 3] to features
	// [batch, ⌈height/Stride⌉, ⌈width/Stride⌉, Channels].
	Build func(net *Net, x *Node) *Node
	// Published is the network as its authors built it, where Build differs in its borders; else nil.
	Published func(net *Net, x *Node) *Node
}

// RoundUp is the least multiple of stride that is size or more, which is a size that a backbone covers with whole cells.
func RoundUp(size, stride int) int { return (size + stride - 1) / stride * stride }

// Features maps photos [batch, height, width, 3] to features after global average pooling,
// [batch, Channels], as the published network does.
func (b Backbone) Features(net *Net, x *Node) *Node {
	build := b.Build
	if b.Published != nil {
		build = b.Published
	}
	return GlobalAveragePool(ConvertDType(build(net, x), x.DType()))
}

// imageNetMean and imageNetDeviation are torchvision's.
var (
	imageNetMean      = [3]float32{0.485, 0.456, 0.406}
	imageNetDeviation = [3]float32{0.229, 0.224, 0.225}
)

// backbones is the registry: a backbone is one file and one line here.
var backbones = []Backbone{
	kleidS,
	resNet18,
	resNet34,
	resNet50,
	inceptionV3,
	inceptionV3Mixed8,
}

// BackboneByName finds a backbone in the registry.
func BackboneByName(name string) (Backbone, error) {
	i := slices.IndexFunc(backbones, func(b Backbone) bool { return b.Name == name })
	if i < 0 {
		return Backbone{}, fmt.Errorf("no backbone is called %q; there are %s", name, strings.Join(BackboneNames(), ", "))
	}
	return backbones[i], nil
}

// BackboneNames lists the registry.
func BackboneNames() []string {
	var names []string
	for _, b := range backbones {
		names = append(names, b.Name)
	}
	return names
}
