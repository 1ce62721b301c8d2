package training

import (
	"context"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	"github.com/kleid-search/kleid/models"
)

// macroF1Name is what facetsMacroF1 measures.
const macroF1Name = "macro F1"

// facetsMacroF1 measures facet heads on samples that they do not learn from: the mean over the facets of the mean F1
// of the labels that there are samples of. It is LoopOptions.Validate.
func facetsMacroF1(pool *Pool, samples FacetSamples) func(ctx context.Context, weights models.Weights) (float64, error) {
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

// facetAnswers returns the index of the likeliest label for each row of cells. weight is [labels, cells], bias [labels].
func facetAnswers(cells matrix, weight, bias *models.Tensor) []int {
	labels := weight.Shape[0]
	logits := blas32.General{Rows: cells.rows, Cols: labels, Stride: labels, Data: make([]float32, cells.rows*labels)}
	if cells.rows > 0 {
		blas32.Gemm(blas.NoTrans, blas.Trans, 1,
			blas32.General{Rows: cells.rows, Cols: cells.columns, Stride: cells.columns, Data: cells.data},
			blas32.General{Rows: labels, Cols: cells.columns, Stride: cells.columns, Data: weight.Data}, 0, logits)
	}
	answers := make([]int, cells.rows)
	for i := range answers {
		row := logits.Data[i*labels : (i+1)*labels]
		for l := range row {
			row[l] += bias.Data[l]
			if row[l] > row[answers[i]] {
				answers[i] = l
			}
		}
	}
	return answers
}
