package models

import (
	"fmt"
	"strings"

	. "github.com/gomlx/gomlx/pkg/core/graph"
)

// CropPass is what a trunk makes of crops. Whole photos go through Backbone.Build.
type CropPass struct {
	// Features are [batch, rows, columns, channels].
	Features *Node
	// Theta is what the spatial transformer decided, [batch, 2, 3] (see sampleAffine), and Penalty the scalar that
	// it adds to a loss. Both are nil without one.
	Theta, Penalty *Node
	// Auxiliary are features from the middle of the trunk, [batch, channels], for classifiers whose loss counts
	// AuxiliaryWeight times. They are there in training, of backbones that are trained with such.
	Auxiliary *Node
}

// AuxiliaryWeight is that of an auxiliary classifier's loss: the 0.4 of Inception v3's authors' own code and of
// torchvision's. (GoogLeNet's were 0.3: https://arxiv.org/abs/1409.4842, section 5.)
const AuxiliaryWeight = 0.4

// auxiliaryPrefix is of the weights that are for training alone, torchvision's.
const auxiliaryPrefix = "AuxLogits."

// AuxiliaryNet is the part of a trunk's net that holds its auxiliary classifiers.
func AuxiliaryNet(trunk *Net) *Net { return trunk.In("AuxLogits") }

// WithoutAuxiliary returns the weights that a model is made of, without those of its trunk that are for
// training alone.
func (w Weights) WithoutAuxiliary() Weights {
	rest := Weights{}
	for name, t := range w {
		if !strings.HasPrefix(name, "trunk."+auxiliaryPrefix) {
			rest[name] = t
		}
	}
	return rest
}

// cropHooks wait for their places in the trunk while a graph is built.
type cropHooks struct {
	net         *Net // of the trunk, without hooks
	transformer *SpatialTransformerConfig
	theta       *Node
	auxiliary   *Node
	passed      map[string]*Node // what stages gave, by name; nil where nobody asks
}

// CropPass takes crops [batch, height, width, 3] through the trunk, with what the configuration attaches to
// it. net is the trunk's.
func (c Config) CropPass(net *Net, backbone Backbone, x *Node) CropPass {
	hooks := &cropHooks{net: net, transformer: c.SpatialTransformer}
	if hooks.transformer != nil {
		if err := hooks.transformer.Check(backbone); err != nil {
			panic(err)
		}
	}
	hooked := *net
	hooked.hooks = hooks
	pass := CropPass{Features: backbone.Build(&hooked, hooks.at(transformerInput, x)), Theta: hooks.theta, Auxiliary: hooks.auxiliary}
	if hooks.transformer != nil {
		if pass.Theta == nil {
			panic(fmt.Errorf("spatial transformer: %s did not pass %q", backbone.Name, hooks.transformer.Stage))
		}
		pass.Penalty = MulScalar(distanceFromIdentity(pass.Theta), hooks.transformer.Weight)
	}
	return pass
}

// Stage marks the end of a backbone's stage, counted from 1: what is attached there goes on from x
// [batch, height, width, channels]. The result has the same shape.
func (n *Net) Stage(number int, x *Node) *Node { return n.hooks.at(fmt.Sprintf("stage%d", number), x) }

// auxiliary lets build make features [batch, channels] for auxiliary classifiers, where those are wanted.
func (n *Net) auxiliary(build func(net *Net) *Node) {
	if n.hooks != nil && n.training {
		n.hooks.auxiliary = build(AuxiliaryNet(n.hooks.net))
	}
}
