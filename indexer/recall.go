package indexer

import (
	"context"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

// recallDepth is how many of the nearest rows an index is asked for.
const recallDepth = 10

// sameSimilarity is what two similarities may differ by and be the same: stores round otherwise than we do.
const sameSimilarity = 1e-4

// exact finds the truly nearest rows of probes by comparing them with every row that is added.
type exact struct {
	probes  []catalog.Row
	vectors map[vectors.Embedding]func(*catalog.Row) []float32
	// nearest are the highest similarities of each probe, falling.
	nearest map[vectors.Embedding][][]float32
}

func newExact(probes []catalog.Row) *exact {
	e := &exact{
		probes: probes,
		vectors: map[vectors.Embedding]func(*catalog.Row) []float32{
			vectors.Unsupervised: func(r *catalog.Row) []float32 { return r.EmbeddingUnsupervised },
			vectors.DeepRank:     func(r *catalog.Row) []float32 { return r.EmbeddingDeepRank },
		},
		nearest: map[vectors.Embedding][][]float32{},
	}
	for embedding := range e.vectors {
		e.nearest[embedding] = make([][]float32, len(probes))
	}
	return e
}

// add compares the probes with rows, all of which have both embeddings.
func (e *exact) add(rows []catalog.Row) {
	if len(rows) == 0 || len(e.probes) == 0 {
		return
	}
	for embedding, of := range e.vectors {
		r, p := gathered(rows, of), gathered(e.probes, of)
		s := blas32.General{Rows: p.Rows, Cols: r.Rows, Stride: r.Rows, Data: make([]float32, p.Rows*r.Rows)}
		blas32.Gemm(blas.NoTrans, blas.Trans, 1, p, r, 0, s)
		for i := range e.probes {
			best := e.nearest[embedding][i]
			for _, v := range s.Data[i*s.Stride : i*s.Stride+s.Cols] {
				if len(best) == recallDepth && v <= best[recallDepth-1] {
					continue
				}
				at, _ := slices.BinarySearchFunc(best, v, func(have, v float32) int {
					if have >= v {
						return -1
					}
					return 1
				})
				best = slices.Insert(best, at, v)
				best = best[:min(len(best), recallDepth)]
			}
			e.nearest[embedding][i] = best
		}
	}
}

// gathered are the vectors of rows, one in each row of a matrix.
func gathered(rows []catalog.Row, of func(*catalog.Row) []float32) blas32.General {
	size := len(of(&rows[0]))
	m := blas32.General{Rows: len(rows), Cols: size, Stride: size, Data: make([]float32, 0, len(rows)*size)}
	for i := range rows {
		m.Data = append(m.Data, of(&rows[i])...)
	}
	return m
}

// recall is the share of the truly nearest rows that the index finds, and of how many searches it is the mean. A row
// that is as near as the last of the truly nearest is one of them.
func (e *exact) recall(ctx context.Context, index vectors.Index) (recall float64, searches int, err error) {
	for embedding, of := range e.vectors {
		for i := range e.probes {
			best := e.nearest[embedding][i]
			if len(best) == 0 {
				continue
			}
			result, err := index.Search(ctx, vectors.Query{Embedding: embedding, Vector: of(&e.probes[i]), K: len(best)})
			if err != nil {
				return 0, 0, err
			}
			found := 0
			for _, m := range result.Matches {
				if m.Similarity >= best[len(best)-1]-sameSimilarity {
					found++
				}
			}
			recall += float64(found) / float64(len(best))
			searches++
		}
	}
	return recall / float64(max(searches, 1)), searches, nil
}
