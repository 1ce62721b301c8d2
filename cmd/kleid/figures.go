package main

import (
	"strings"

	"github.com/kleid-search/kleid/models/registry"
)

// The files of figures in --work. metricsFile has what kleid models push --metrics reads: of photos that were not learned
// from alone. figuresFile tells the whole story of kleid train facets.
const (
	figuresFile = "facets.json"
	metricsFile = "metrics.json"
)

// learnedFromKey is where evaluations have the shares of their photos that the model has learned from.
const learnedFromKey = "learned_from"

// beforeKey is where files of figures have those of the model that was trained from, see registry.OfParent.
var beforeKey = strings.TrimSuffix(registry.OfParent, ".")
