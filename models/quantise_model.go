package models

import (
	"errors"
	"fmt"
	"maps"
	"math"
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
	if m.Config.ONNX != nil {
		return nil, fmt.Errorf("the model's trunk is an ONNX network, whose convolutions cannot be turned into int8: it stays in float32")
	}
	backbone, err := m.Trunk()
	if err != nil {
		return nil, err
	}
	c := &ModelCalibration{Calibration: newCalibration(NewFrozenNet(m.Weights)), model: m}
	pixels := backbone.pixels()
	c.Crops, err = c.watch(backend, pixels, func(net *Net, x *Node) {
		m.cropPass(net, x)
		m.ownCells(net, x)
	})
	if err != nil {
		return nil, err
	}
	c.Photos, err = c.watch(backend, pixels, func(net *Net, x *Node) {
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
	if !weights.Quantised() {
		return nil, errors.New("every layer would stay float32: nothing is left to quantise")
	}
	config := c.model.Config
	config.Precision = precisionInt8
	config.Facets = slices.Clone(config.Facets)
	config.Notes = maps.Clone(config.Notes)
	if c.model.SHA256 != "" {
		if config.Notes == nil {
			config.Notes = map[string]string{}
		}
		config.Notes[NoteParent] = c.model.SHA256
	}
	return &Model{Config: config, Weights: weights}, nil
}

// pixels is how normalised pixels were bytes, nil where each channel is normalised in its own way. With a
// mean between two bytes it takes the shift: eight bits then lose nothing of a photo. Only padding, which
// is zero, is off by the shift, less than a step.
func (b Backbone) pixels() *eightBits {
	mean, deviation := b.Mean[0], b.Deviation[0]
	if b.Mean != [3]float32{mean, mean, mean} || b.Deviation != [3]float32{deviation, deviation, deviation} {
		return nil
	}
	step := 1 / (255 * float64(deviation))
	zero := math.Floor(255 * float64(mean))
	return &eightBits{step: float32(step), zero: float32(zero), shift: float32((255*float64(mean) - zero) * step)}
}
