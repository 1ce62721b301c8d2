package training

import (
	"context"
	"math"

	"github.com/gomlx/gomlx/backends"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/linear"
)

// What is measured.
const (
	macroF1Name  = "macro F1"
	recallName   = "R@1"
	tripletsName = "triplets"
)

// recallProducts is how many held-out dresses a trunk is measured with: few, so that it takes no time.
const recallProducts = 48

// trunkRecall measures a trunk on painted dresses that it does not learn from: the share of customers' photos whose
// nearest catalogue photo, by the cosine of the cells, shows the same dress. It is loop.Options.Validate.
func trunkRecall(backend backends.Backend, held *Pool, config models.Config) func(ctx context.Context, weights models.Weights) (float64, error) {
	var looks []look
	var products []int
	var queries []bool
	for product, crops := range held.Products[:min(recallProducts, len(held.Products))] {
		for _, c := range crops {
			looks, products, queries = append(looks, look{crop: c}), append(products, product), append(queries, held.Crops[c].Query)
		}
	}
	return func(ctx context.Context, weights models.Weights) (float64, error) {
		model := &models.Model{Config: config, Weights: weights}
		cells, err := newCellSource(backend, held, model).of(ctx, looks, func(int, int) {})
		if err != nil {
			return 0, err
		}
		return recall(cells, products, queries), nil
	}
}

// recall is the share of the queries among the rows whose nearest other row, by cosine, is of the same product.
func recall(rows linear.Matrix, products []int, queries []bool) float64 {
	unit := rows.Clone()
	unit.Normalise()
	right, asked := 0, 0
	for i, query := range queries {
		if !query {
			continue
		}
		asked++
		nearest, best := -1, float32(math.Inf(-1))
		for j := range unit.Rows {
			if queries[j] {
				continue
			}
			if cosine := unit.Dot(i, j); cosine > best {
				nearest, best = j, cosine
			}
		}
		if nearest >= 0 && products[nearest] == products[i] {
			right++
		}
	}
	return float64(right) / float64(max(asked, 1))
}

// facetsMacroF1 measures facet heads on samples that they do not learn from: the mean over the facets of the mean F1
// of the labels that there are samples of. It is loop.Options.Validate.
func facetsMacroF1(pool *Pool, samples facetSamples) func(ctx context.Context, weights models.Weights) (float64, error) {
	return func(ctx context.Context, weights models.Weights) (float64, error) {
		var sum float64
		var facets int
		for f, facet := range pool.Facets {
			answers := facetAnswers(samples.cells, weights["facets."+facet.Name+".weight"], weights["facets."+facet.Name+".bias"])
			right, said, are := make([]int, len(facet.Labels)), make([]int, len(facet.Labels)), make([]int, len(facet.Labels))
			for i, labels := range samples.labels {
				truth := int(labels[f])
				if truth < 0 {
					continue
				}
				are[truth]++
				said[answers[i]]++
				if answers[i] == truth {
					right[truth]++
				}
			}
			var f1 float64
			var labels int
			for l := range facet.Labels {
				if are[l] > 0 {
					f1 += 2 * float64(right[l]) / float64(said[l]+are[l])
					labels++
				}
			}
			if labels > 0 {
				sum += f1 / float64(labels)
				facets++
			}
		}
		return sum / float64(max(facets, 1)), ctx.Err()
	}
}

// rightTriplets measures DeepRank on judged triplets that it does not learn from: the share in which the photo that
// people found more like the query is nearer to it. The rows are unsupervised embeddings, three for each triplet. It is
// loop.Options.Validate.
func rightTriplets(unsupervised linear.Matrix) func(ctx context.Context, weights models.Weights) (float64, error) {
	return func(ctx context.Context, weights models.Weights) (float64, error) {
		return rightOf(ranked(unsupervised, weights)), ctx.Err()
	}
}

// rightOf is the share of triplets of rows of which the second is nearer to the first than the third.
func rightOf(rows linear.Matrix) float64 {
	right := 0
	for i := 0; i < rows.Rows; i += 3 {
		if rows.Dot(i, i+1) > rows.Dot(i, i+2) {
			right++
		}
	}
	return 3 * float64(right) / float64(max(rows.Rows, 1))
}

// facetAnswers returns the index of the likeliest label for each row of cells. weight is [labels, cells], bias [labels].
func facetAnswers(cells linear.Matrix, weight, bias *models.Tensor) []int {
	if cells.Rows == 0 {
		return nil
	}
	logits := linear.Layer{Weight: weight, Bias: bias}.Apply(cells)
	answers := make([]int, cells.Rows)
	for i := range answers {
		for l, v := range logits.Row(i) {
			if v > logits.Row(i)[answers[i]] {
				answers[i] = l
			}
		}
	}
	return answers
}
