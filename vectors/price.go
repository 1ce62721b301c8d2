package vectors

import (
	"fmt"
	"math"
)

// PriceRange restricts a search by price, in the numbers of the catalogue. The zero PriceRange lets every row pass,
// also those without a price; any other lets rows with a price pass that lies within it.
type PriceRange struct {
	Min *float64 `json:"min,omitempty" doc:"The lowest price, itself included"`
	Max *float64 `json:"max,omitempty" doc:"The highest price, itself included"`
	// Currency lets prices of one currency pass alone, written as in the catalogue. Without it numbers are compared
	// whatever their currency.
	Currency string `json:"currency,omitempty" doc:"The only currency, as the catalogue writes it"`
}

// Restricts says whether there are rows that do not pass.
func (r PriceRange) Restricts() bool { return r != PriceRange{} }

// Check returns a *QueryError for a range that no price can lie in.
func (r PriceRange) Check() error {
	for _, limit := range []*float64{r.Min, r.Max} {
		if limit != nil && (math.IsNaN(*limit) || math.IsInf(*limit, 0)) {
			return &QueryError{"a limit of the price is not a finite number: leave out the one that there is not"}
		}
	}
	if r.Min != nil && r.Max != nil && *r.Min > *r.Max {
		return &QueryError{fmt.Sprintf("the lowest price, %v, is above the highest, %v: swap them, or leave one out", *r.Min, *r.Max)}
	}
	return nil
}

// ErrNoPriceFilter is what a store says of an index that was made before prices could be filtered by.
var ErrNoPriceFilter = &QueryError{"this index was made before prices could be filtered by: run `kleid index` again"}
