package evaluation

import (
	"context"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/embedding"
)

// TripletReport says how often an embedding agrees with people on which of two dresses is more alike.
type TripletReport struct {
	Triplets     int     `json:"triplets"`
	Unsupervised float64 `json:"unsupervised"`
	DeepRank     float64 `json:"deeprank"`
}

// Triplets measures both embeddings on triplets, on true boxes.
func Triplets(ctx context.Context, e Embedder, triplets []datasets.Triplet) (TripletReport, error) {
	index := map[string]int{}
	var examples []datasets.Example
	for _, t := range triplets {
		for _, example := range []datasets.Example{t.Query, t.Near, t.Far} {
			if _, ok := index[example.Name]; !ok {
				index[example.Name] = len(examples)
				examples = append(examples, example)
			}
		}
	}
	photos, err := embed(ctx, e, examples, true)
	if err != nil {
		return TripletReport{}, err
	}
	r := TripletReport{Triplets: len(triplets)}
	for _, t := range triplets {
		q, near, far := photos[index[t.Query.Name]], photos[index[t.Near.Name]], photos[index[t.Far.Name]]
		if closer(q, near, far, func(p embedding.Photo) []float32 { return p.Unsupervised }) {
			r.Unsupervised++
		}
		if closer(q, near, far, func(p embedding.Photo) []float32 { return p.DeepRank }) {
			r.DeepRank++
		}
	}
	n := float64(max(r.Triplets, 1))
	r.Unsupervised, r.DeepRank = r.Unsupervised/n, r.DeepRank/n
	return r, nil
}

func closer(query, near, far embedding.Photo, vector func(embedding.Photo) []float32) bool {
	return dot(vector(query), vector(near)) > dot(vector(query), vector(far))
}

func dot(a, b []float32) float64 {
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}
