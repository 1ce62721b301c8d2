package evaluation

import (
	"math/rand/v2"
	"slices"
)

// meanInterval is the central interval of a mean that holds so much of what drawing as many values with replacement
// gives (https://doi.org/10.1214/aos/1176344552, percentiles). The draws are the same each time.
func meanInterval(values []float64, share float64) [2]float64 {
	if len(values) == 0 {
		return [2]float64{}
	}
	rng := rand.New(rand.NewPCG(1, 1))
	means := make([]float64, bootstrapRounds)
	for i := range means {
		for range values {
			means[i] += values[rng.IntN(len(values))] / float64(len(values))
		}
	}
	slices.Sort(means)
	tail := int((1 - share) / 2 * bootstrapRounds)
	return [2]float64{means[tail], means[bootstrapRounds-1-tail]}
}
