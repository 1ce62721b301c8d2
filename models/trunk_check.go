package models

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gomlx/exceptions"
	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/gomlx/gomlx/pkg/ml/context"
)

// CheckTrunk returns an error where weights of a bare trunk are not those of the configuration's network, or those of an
// ONNX network that is to be trained cannot be. What is trained may lack whole parts, but not all; what stays as it is
// has them all. Nothing is computed.
func (c Config) CheckTrunk(backend backends.Backend, weights Weights, trained bool) error {
	backbone, err := c.Trunk()
	if err != nil {
		return err
	}
	net, variables := NewFrozenNet(weights), context.New()
	if trained {
		net = NewTrainingNet(variables, weights, 0, true)
	}
	batch := 1
	if c.ONNX != nil {
		batch = max(c.ONNX.Batch, 1)
	}
	g := NewGraph(backend, "trunk")
	defer g.Finalize()
	var pass CropPass
	err = exceptions.TryCatch[error](func() {
		pass = c.CropPass(net, backbone, Parameter(g, "pixels", shapes.Make(dtypes.Float32, batch, c.CropHeight, c.CropWidth, 3)))
	})
	if err == nil {
		err = errors.Join(net.CheckInitial(), net.checkParts())
	}
	if err != nil {
		return fmt.Errorf("these are not the weights of %s: %w", backbone.Name, err)
	}
	if trained && c.ONNX != nil {
		err = exceptions.TryCatch[error](func() { variables.BuildTrainableVariablesGradientsGraph(ReduceAllMean(pass.Features)) })
		if err != nil {
			return fmt.Errorf("onnx: the network cannot be trained, only stay as it is: %w", err)
		}
	}
	return nil
}

// checkParts returns an error where a part of the network, such as "layer1", starts from the weights of another one's, so
// that there are too few or too many: a deeper or a shallower network's fit by their names and shapes. Parts that the
// network has not, such as a classifier, do not matter.
func (n *Net) checkParts() error {
	part := func(name string) string {
		first, _, _ := strings.Cut(name, ".")
		return first
	}
	common := map[string]bool{}
	for name := range n.used {
		if n.weights[name] != nil {
			common[part(name)] = true
		}
	}
	for _, name := range n.Unused() {
		if common[part(name)] {
			return fmt.Errorf("there is %q among the weights, which the network has not", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(n.used)) {
		if common[part(name)] && n.weights[name] == nil {
			return fmt.Errorf("the weights lack %q", name)
		}
	}
	return nil
}
