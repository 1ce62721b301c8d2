package models

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/backends"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
)

// precisionInt8 is the Config.Precision of a quantised model.
const precisionInt8 = "int8"

// ModelCalibration turns a model's convolutions into int8. It is shown what the networks read: crops, and
// whole photos in the locator's sizes. The heads of crops are linear layers and stay float32.
type ModelCalibration struct {
	*Calibration
	// Crops and Photos watch the model in float32 on a batch: crops [n, CropHeight, CropWidth, 3] or whole photos
	// [n, height, width, 3], normalised.
	Crops, Photos func(x *tensors.Tensor) error

	model *Model
}

// Calibrate begins to quantise the model, which stays as it is.
func (m *Model) Calibrate(backend backends.Backend) (*ModelCalibration, error) {
	if m.Weights.Quantised() {
		return nil, fmt.Errorf("the model is int8 already: quantise the float one that it was made of")
	}
	c := &ModelCalibration{Calibration: NewCalibration(m.Weights), model: m}
	var err error
	c.Crops, err = c.Watch(backend, func(net *Net, x *Node) { m.trunk(net, x) })
	if err != nil {
		return nil, err
	}
	c.Photos, err = c.Watch(backend, func(net *Net, x *Node) {
		features := m.trunk(net, x)
		BackgroundHead(net, features)
		LocationHead(net, features)
	})
	return c, err
}

// Model returns the quantised model.
func (c *ModelCalibration) Model(o QuantiseOptions) (*Model, error) {
	weights, err := c.Weights(o)
	if err != nil {
		return nil, err
	}
	config := c.model.Config
	config.Precision = precisionInt8
	config.Facets = slices.Clone(config.Facets)
	return &Model{Config: config, Weights: weights}, nil
}
