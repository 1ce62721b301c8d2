package training

import (
	"context"
	"errors"
	"math/rand/v2"

	"github.com/gomlx/gomlx/backends"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/models"
)

// RankSamples are unsupervised embeddings of painted dresses and of real triplets.
type RankSamples struct {
	vectors  matrix
	products [][]int // looks of each painted product
	triplets [][3]int
	weights  []float32 // of the triplets
}

// CropTriplet names three crops of the pool: the second is more like the first than the third.
type CropTriplet struct {
	Crops      [3]int
	Confidence float64
}

// tripletLooks is how many looks at each judged triplet there are.
const tripletLooks = 4

// collectRanks takes the unsupervised embeddings of all painted crops, one look each, and of the photos
// of the triplets.
func collectRanks(ctx context.Context, cells *cellSource, triplets []CropTriplet, progress func(done, total int)) (RankSamples, error) {
	var s RankSamples
	var looks []look
	s.products = make([][]int, len(cells.pool.Products))
	for product, crops := range cells.pool.Products {
		for _, c := range crops {
			s.products[product] = append(s.products[product], len(looks))
			looks = append(looks, look{crop: c, jitter: paintedJitter})
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
func deepRankSteps(triplets int) int { return max(300, triplets/2) }

// TrainDeepRank trains the similarity embedding, from the identity, by hinge losses: on painted
// dresses with the hardest other product in the batch (batch-hard mining,
// https://arxiv.org/abs/1703.07737; siblings are in it), and on triplets that people judged.
func TrainDeepRank(ctx context.Context, backend backends.Backend, pool *Pool, samples RankSamples, options HeadOptions, report func(Progress)) (models.Weights, error) {
	loss := func(net *models.Net, inputs []*Node) []*Node {
		hinge := batchHard(models.DeepRankHead(net, inputs[0]), inputs[1], productMargin)
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
	var products []int
	for i, looks := range samples.products {
		if len(looks) > 1 {
			products = append(products, i)
		}
	}
	if len(products) < 2 {
		return nil, errors.New("deeprank: it takes two products with two photos each at least: paint more")
	}
	options.Batch = min(options.Batch, 2*len(products)) // a product stands in a batch once
	size := samples.vectors.columns
	batches := func(step int) []*tensors.Tensor {
		rng := rand.New(rand.NewPCG(options.Seed, uint64(step)))
		x, same := drawRanks(rng, pool, samples, products, options.Batch)
		batch := []*tensors.Tensor{
			tensors.FromFlatDataAndDimensions(x, options.Batch, size),
			tensors.FromFlatDataAndDimensions(same, options.Batch, options.Batch),
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
				copy(t[(i*n+b)*size:], samples.vectors.row(look))
			}
		}
		return append(batch, tensors.FromFlatDataAndDimensions(t, 3*n, size), tensors.FromFlatDataAndDimensions(w, n))
	}
	return runHead(ctx, trainer, batches, options, report)
}

// drawRanks draws two looks of each of n/2 products, siblings together.
func drawRanks(rng *rand.Rand, pool *Pool, samples RankSamples, products []int, n int) (x, same []float32) {
	size := samples.vectors.columns
	x, same = make([]float32, n*size), make([]float32, n*n)
	seen := map[int]bool{}
	at := 0
	for at < n {
		product := products[rng.IntN(len(products))]
		for _, q := range []int{product, pool.Siblings[product]} {
			if q < 0 || seen[q] || at >= n || len(samples.products[q]) < 2 {
				continue
			}
			seen[q] = true
			looks := samples.products[q]
			a := rng.IntN(len(looks))
			b := (a + 1 + rng.IntN(len(looks)-1)) % len(looks)
			copy(x[at*size:], samples.vectors.row(looks[a]))
			copy(x[(at+1)*size:], samples.vectors.row(looks[b]))
			same[at*n+at+1], same[(at+1)*n+at] = 1, 1
			at += 2
		}
	}
	return x, same
}

// batchHard is the mean of max(0, margin - s(same product) + s(nearest other product)) over the rows
// of z [n, size]; same [n, n] is 1 between the two looks of a product.
func batchHard(z, same *Node, margin float64) *Node {
	n := z.Shape().Dimensions[0]
	g := z.Graph()
	s := DotGeneral(z, []int{1}, nil, z, []int{1}, nil)
	near := ReduceSum(Mul(s, same), -1)
	own := Add(same, ConvertDType(Diagonal(g, n), z.DType()))
	far := ReduceMax(Sub(s, MulScalar(own, 4)), -1)
	return ReduceAllMean(models.ReLU(AddScalar(Sub(far, near), margin)))
}
