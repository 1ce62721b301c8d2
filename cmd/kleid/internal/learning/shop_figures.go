package learning

import (
	"github.com/kleid-search/kleid/models/training"
)

// ShopFigures are the registry.MetricsFile of a training on a shop's products.
type ShopFigures struct {
	Shop   training.ShopFigures `json:"shop"`
	Before *ShopFigures         `json:"before,omitempty"` // the model that was trained from, see registry.OfParent
}

// ToMeasureWith is what it takes to measure.
const ToMeasureWith = "that takes a product of two photos that is kept apart, and another one"
