package evaluation

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path"
	"slices"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/embedding"
)

// PatternReport says how often dresses of one pattern are each other's neighbours: the shares of a query's one and ten
// nearest in the gallery that have its pattern.
type PatternReport struct {
	Queries int `json:"queries"`
	Gallery int `json:"gallery"`
	// Unsupervised and DeepRank are of the two embeddings.
	Unsupervised PatternFigures `json:"unsupervised"`
	DeepRank     PatternFigures `json:"deeprank"`
	// MeasuredOn is the fingerprint of the photos with their patterns.
	MeasuredOn string `json:"measured_on,omitempty"`
}

// PatternFigures are the mean shares over all queries, and over those that are not plain.
type PatternFigures struct {
	P1           float64 `json:"p_at_1"`
	P10          float64 `json:"p_at_10"`
	PatternedP1  float64 `json:"patterned_p_at_1"`
	PatternedP10 float64 `json:"patterned_p_at_10"`
}

// isQuery parts photos into queries and a gallery for good: one in five, by a hash of the file's name, is a query.
func isQuery(name string) bool {
	hash := sha256.Sum256([]byte(path.Base(name)))
	return hash[0]%5 == 0
}

// Patterns measures pattern retrieval on whole photos, which are labelled by pattern.
func Patterns(ctx context.Context, e Embedder, examples []datasets.Example) (PatternReport, error) {
	photos, err := embedPart(ctx, e, examples, true)
	if err != nil {
		return PatternReport{}, err
	}
	var queries, gallery []int
	var truth []string
	for i, example := range examples {
		truth = append(truth, fmt.Sprint(example.Identity(), " ", example.Labels[patternFacet], isQuery(example.Name)))
		if isQuery(example.Name) {
			queries = append(queries, i)
		} else {
			gallery = append(gallery, i)
		}
	}
	figures := func(vector func(embedding.Photo) []float32) PatternFigures {
		var f PatternFigures
		var patterned float64
		for _, q := range queries {
			truth := examples[q].Labels[patternFacet]
			near := nearest(vector(photos[q]), gallery, photos, vector, 10)
			var one, ten float64
			for rank, g := range near {
				if examples[g].Labels[patternFacet] == truth {
					ten += 1 / float64(len(near))
					if rank == 0 {
						one = 1
					}
				}
			}
			f.P1, f.P10 = f.P1+one, f.P10+ten
			if truth != plain {
				f.PatternedP1, f.PatternedP10 = f.PatternedP1+one, f.PatternedP10+ten
				patterned++
			}
		}
		n := float64(max(len(queries), 1))
		f.P1, f.P10 = f.P1/n, f.P10/n
		f.PatternedP1, f.PatternedP10 = f.PatternedP1/max(patterned, 1), f.PatternedP10/max(patterned, 1)
		return f
	}
	return PatternReport{
		Queries: len(queries), Gallery: len(gallery),
		Unsupervised: figures(unsupervised), DeepRank: figures(deepRank), MeasuredOn: datasets.PhotosFingerprint(truth),
	}, nil
}

const (
	patternFacet = "pattern"
	plain        = "plain"
)

func unsupervised(p embedding.Photo) []float32 { return p.Unsupervised }

func deepRank(p embedding.Photo) []float32 { return p.DeepRank }

// nearest are the k photos of the gallery whose vectors are most alike to the query's.
func nearest(query []float32, gallery []int, photos []embedding.Photo, vector func(embedding.Photo) []float32, k int) []int {
	type neighbour struct {
		photo int
		score float64
	}
	var best []neighbour
	for _, g := range gallery {
		score := dot(query, vector(photos[g]))
		if len(best) == k && score <= best[k-1].score {
			continue
		}
		at := len(best)
		for at > 0 && best[at-1].score < score {
			at--
		}
		best = slices.Insert(best, at, neighbour{g, score})
		best = best[:min(len(best), k)]
	}
	var photosOf []int
	for _, b := range best {
		photosOf = append(photosOf, b.photo)
	}
	return photosOf
}
