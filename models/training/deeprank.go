package training

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/gomlx/backends"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/gomlx/gomlx/pkg/ml/train/losses"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/linear"
	"github.com/kleid-search/kleid/models/training/loop"
)

// Mining says which other product of a batch a dress is compared with.
type Mining string

// The ways of mining.
const (
	// BatchHard takes the nearest (https://arxiv.org/abs/1703.07737).
	BatchHard Mining = "batch-hard"
	// SemiHard takes the nearest of those that are farther than the same product (https://arxiv.org/abs/1503.03832), or
	// the farthest, where there are none: photos that show another product by mistake, or one that looks the same, do
	// less harm, but not none.
	SemiHard Mining = "semi-hard"
)

// Minings are all of them, the default first.
func Minings() []Mining { return []Mining{BatchHard, SemiHard} }

// Check returns an error for a way that there is not; the zero Mining is BatchHard.
func (m Mining) Check() error {
	if m != "" && !slices.Contains(Minings(), m) {
		return fmt.Errorf("mining is %q, but must be one of %v", m, Minings())
	}
	return nil
}

// strategy is what GoMLX calls it.
func (m Mining) strategy() losses.TripletMiningStrategy {
	if m == SemiHard {
		return losses.TripletMiningStrategySemiHard
	}
	return losses.TripletMiningStrategyHard
}

// rankSamples are unsupervised embeddings of painted and of a shop's dresses, and of judged triplets.
type rankSamples struct {
	vectors  linear.Matrix
	products [][]int // looks of each of the pool's products
	triplets [][3]int
	weights  []float32 // of the triplets
	crops    []int     // of the pool, that the vectors are of
}

// cropTriplet names three crops of the pool: the second is more like the first than the third.
type cropTriplet struct {
	Crops      [3]int
	Confidence float64
}

// pairs are the two that are compared, each in the order of the pool.
func (t cropTriplet) pairs() [2][2]int {
	query, near, far := t.Crops[0], t.Crops[1], t.Crops[2]
	return [2][2]int{{min(query, near), max(query, near)}, {min(query, far), max(query, far)}}
}

// tripletLooks is how many looks at each judged triplet there are.
const tripletLooks = 4

// collectRanks takes the unsupervised embeddings of the crops of all products, one look each, or two where there is
// one crop alone, and of the photos of the triplets.
func collectRanks(ctx context.Context, cells *cellSource, triplets []cropTriplet, progress func(done, total int)) (rankSamples, error) {
	var s rankSamples
	var looks []look
	s.products = make([][]int, len(cells.pool.Products))
	for product, crops := range cells.pool.Products {
		for _, c := range crops {
			changed := paintedJitter
			if cells.pool.Crops[c].Real {
				changed = realJitter
			}
			for n := range max(1, 3-len(crops)) {
				s.products[product] = append(s.products[product], len(looks))
				looks = append(looks, look{crop: c, jitter: changed, seed: uint64(n)})
			}
		}
	}
	gentle := jitter{shift: 0.02, flip: 0.5, light: 0.05}
	first := map[int]int{} // of a crop's looks: a dress stands in many triplets
	for _, t := range triplets {
		for _, c := range t.Crops {
			if _, ok := first[c]; ok {
				continue
			}
			first[c] = len(looks)
			for n := range tripletLooks {
				looks = append(looks, look{crop: c, jitter: gentle, seed: uint64(n)})
			}
		}
		for n := range tripletLooks {
			var three [3]int
			for i, c := range t.Crops {
				three[i] = first[c] + n
			}
			s.triplets = append(s.triplets, three)
			s.weights = append(s.weights, float32(t.Confidence/3))
		}
	}
	m, err := cells.of(ctx, looks, progress)
	if err != nil {
		return s, err
	}
	s.vectors = project(m, cells.model.Weights)
	for _, l := range looks {
		s.crops = append(s.crops, l.crop)
	}
	return s, nil
}

// Margins of the hinge losses, in cosine.
const (
	productMargin = 0.25
	tripletMargin = 0.3
	// tripletShare weighs what people said against what is known of painted products.
	tripletShare = 1
)

// deepRankSteps is how many steps DeepRank takes. They are few: judged triplets are soon known by heart, and say less of
// others from then on; the more there are, the longer that takes.
//
// Of a shop, each product that is learned from is to be drawn some times: half of a batch's pairs of photos are a shop's.
func deepRankSteps(triplets, shop int) int {
	return max(300, triplets/2, (shopDraws*shop+deepRankBatch/4-1)/(deepRankBatch/4))
}

// deepRankBatch is how many photos a step takes in, two of each product; shopDraws is how often a shop's product is
// drawn on average. By chance one of 55 is never drawn then.
const (
	deepRankBatch = 128
	shopDraws     = 4
)

// trainDeepRank trains the similarity embedding, from the identity, by hinge losses: on two photos of a product and
// one of another that is mined in the batch (painted siblings are in it), and on triplets that people judged. Half of
// a batch are a shop's products, where there are some.
func trainDeepRank(ctx context.Context, backend backends.Backend, pool *Pool, samples rankSamples, mining Mining, options headOptions, report func(loop.Progress)) (models.Weights, error) {
	if err := mining.Check(); err != nil {
		return nil, err
	}
	loss := func(net *models.Net, inputs []*Node) []*Node {
		z := models.DeepRankHead(net, inputs[0])
		hinge := losses.TripletLoss([]*Node{inputs[1]}, []*Node{z}, mining.strategy(), productMargin, losses.PairwiseDistanceMetricCosine)
		if len(samples.triplets) == 0 {
			return []*Node{hinge}
		}
		ranked := models.DeepRankHead(net, inputs[2]) // [3*triplets, size]
		n := ranked.Shape().Dimensions[0] / 3
		part := func(i int) *Node { return Slice(ranked, AxisRange(i*n, (i+1)*n)) }
		people := models.TripletHinge(part(0), part(1), part(2), inputs[3], tripletMargin)
		return []*Node{Add(hinge, MulScalar(people, tripletShare)), hinge, people}
	}
	trainer, err := models.NewTrainer(backend, loss, models.TrainerOptions{Seed: options.Seed, Update: options.Loop.Update})
	if err != nil {
		return nil, err
	}
	var painted, real []int
	for i, looks := range samples.products {
		switch {
		case len(looks) < 2:
		case pool.Crops[pool.Products[i][0]].Real:
			real = append(real, i)
		default:
			painted = append(painted, i)
		}
	}
	if len(painted)+len(real) < 2 {
		return nil, errFewProducts
	}
	options.Batch = min(options.Batch, 2*(len(painted)+len(real))) // a product stands in a batch once
	size := samples.vectors.Columns
	batches := func(pool *Pool, step int) []*tensors.Tensor {
		rng := rand.New(rand.NewPCG(options.Seed, uint64(step)))
		x, labels := drawRanks(rng, pool, samples, painted, real, options.Batch)
		batch := []*tensors.Tensor{
			tensors.FromFlatDataAndDimensions(x, options.Batch, size),
			tensors.FromFlatDataAndDimensions(labels, options.Batch),
		}
		if len(samples.triplets) == 0 {
			return batch
		}
		const n = 32
		t, w := make([]float32, 3*n*size), make([]float32, n)
		for b := range n {
			chosen := rng.IntN(len(samples.triplets))
			w[b] = samples.weights[chosen]
			for i, look := range samples.triplets[chosen] {
				pool.noteCrop(samples.crops[look])
				copy(t[(i*n+b)*size:], samples.vectors.Row(look))
			}
		}
		return append(batch, tensors.FromFlatDataAndDimensions(t, 3*n, size), tensors.FromFlatDataAndDimensions(w, n))
	}
	options.Loop.Describe = func(number int) []string { return drawnBy(pool, func(pool *Pool) { batches(pool, number) }) }
	return runHead(ctx, trainer, func(number int) []*tensors.Tensor { return batches(pool, number) }, options, report)
}

// errFewProducts is of a training that has nothing to compare.
var errFewProducts = errors.New("it takes two products at least: paint more (--products)")

// drawRanks draws two looks of each of n/2 products, siblings together, and says which product each look is of.
func drawRanks(rng *rand.Rand, pool *Pool, samples rankSamples, painted, real []int, n int) (x []float32, products []int32) {
	size := samples.vectors.Columns
	x, products = make([]float32, n*size), make([]int32, 0, n)
	seen := map[int]bool{}
	seenReal := 0
	for len(products) < n {
		from := painted
		// The share of now decides, not chance: a painted dress brings its sibling.
		if seenPainted := len(seen) - seenReal; seenReal < len(real) && (seenReal <= seenPainted || seenPainted == len(painted)) {
			from = real
		}
		product := from[rng.IntN(len(from))]
		for _, q := range []int{product, pool.Siblings[product]} {
			if q < 0 || seen[q] || len(products) >= n || len(samples.products[q]) < 2 {
				continue
			}
			seen[q] = true
			if pool.Crops[pool.Products[q][0]].Real {
				seenReal++
			}
			looks := samples.products[q]
			a := rng.IntN(len(looks))
			b := (a + 1 + rng.IntN(len(looks)-1)) % len(looks)
			for _, one := range []int{a, b} {
				pool.noteCrop(samples.crops[looks[one]])
				copy(x[len(products)*size:], samples.vectors.Row(looks[one]))
				products = append(products, int32(q))
			}
		}
	}
	return x, products
}
