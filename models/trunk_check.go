package models

import (
	"fmt"

	"github.com/gomlx/exceptions"
	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/gomlx/gomlx/pkg/ml/context"
)

// CheckTrunk returns an error where weights of a bare trunk are not those of the configuration's network. One that is to
// be trained may lack some of them, but not all; one that stays as it is has them all. Nothing is computed.
func (c Config) CheckTrunk(backend backends.Backend, weights Weights, trained bool) error {
	backbone, err := c.Trunk()
	if err != nil {
		return err
	}
	net := NewFrozenNet(weights)
	if trained {
		net = NewTrainingNet(context.New(), weights, 0, true)
	}
	err = exceptions.TryCatch[error](func() {
		g := NewGraph(backend, "trunk")
		defer g.Finalize()
		c.CropPass(net, backbone, Parameter(g, "pixels", shapes.Make(dtypes.Float32, 1, c.CropHeight, c.CropWidth, 3)))
	})
	if err == nil {
		err = net.CheckInitial()
	}
	if err != nil {
		return fmt.Errorf("these are not the weights of %s: %w", backbone.Name, err)
	}
	return nil
}
