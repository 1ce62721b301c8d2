package evaluation

import (
	"math"
	"math/rand/v2"
	"slices"
)

// bootstrapRounds is how often is drawn for an interval.
const bootstrapRounds = 1000

// bootstrap is the central interval that holds a share of what draws with replacement give
// (https://doi.org/10.1214/aos/1176344552, percentiles). The draws are the same each time.
func bootstrap(share float64, draw func(rng *rand.Rand) float64) [2]float64 {
	rng := rand.New(rand.NewPCG(1, 1))
	values := make([]float64, bootstrapRounds)
	for i := range values {
		values[i] = draw(rng)
	}
	slices.Sort(values)
	tail := int(math.Round((1 - share) / 2 * bootstrapRounds))
	return [2]float64{values[tail], values[bootstrapRounds-1-tail]}
}

// meanInterval is the interval of a mean, by drawing as many values.
func meanInterval(values []float64, share float64) [2]float64 {
	if len(values) == 0 {
		return [2]float64{}
	}
	return bootstrap(share, func(rng *rand.Rand) (mean float64) {
		for range values {
			mean += values[rng.IntN(len(values))] / float64(len(values))
		}
		return mean
	})
}
