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
	// Gain is what DeepRank has more, and GainInterval its 80% interval, by bootstrap over the triplets.
	Gain         float64    `json:"gain"`
	GainInterval [2]float64 `json:"gain_interval"`
	// MeasuredOn is the fingerprint of the triplets and of their photos.
	MeasuredOn string `json:"measured_on,omitempty"`
}

// TripletPart is triplets with what is measured on them, as Part is for examples.
type TripletPart struct {
	Embedder Embedder
	Triplets []datasets.Triplet
}

// Triplets measures both embeddings on triplets, on true boxes.
func Triplets(ctx context.Context, parts ...TripletPart) (TripletReport, error) {
	var gains []float64 // of each triplet: 1 where DeepRank alone is right, -1 where the other is
	var r TripletReport
	var judged []string
	for _, part := range parts {
		index := map[string]int{}
		var examples []datasets.Example
		for _, t := range part.Triplets {
			for _, example := range []datasets.Example{t.Query, t.Near, t.Far} {
				if _, ok := index[example.Name]; !ok {
					index[example.Name] = len(examples)
					examples = append(examples, example)
				}
			}
		}
		photos, err := embedPart(ctx, part.Embedder, examples, true)
		if err != nil {
			return TripletReport{}, err
		}
		for _, t := range part.Triplets {
			q, near, far := photos[index[t.Query.Name]], photos[index[t.Near.Name]], photos[index[t.Far.Name]]
			unsupervised := right(q, near, far, func(p embedding.Photo) []float32 { return p.Unsupervised })
			deepRank := right(q, near, far, func(p embedding.Photo) []float32 { return p.DeepRank })
			r.Unsupervised += unsupervised
			r.DeepRank += deepRank
			gains = append(gains, deepRank-unsupervised)
			id := func(e datasets.Example) string { return examples[index[e.Name]].PhotoID }
			judged = append(judged, id(t.Query)+" "+id(t.Near)+" "+id(t.Far))
		}
	}
	r.Triplets, r.MeasuredOn = len(gains), datasets.PhotosFingerprint(judged)
	n := float64(max(r.Triplets, 1))
	r.Unsupervised, r.DeepRank = r.Unsupervised/n, r.DeepRank/n
	r.Gain = r.DeepRank - r.Unsupervised
	r.GainInterval = meanInterval(gains, 0.8)
	return r, nil
}

// right is 1 where the embedding finds the near dress closer, else 0.
func right(query, near, far embedding.Photo, vector func(embedding.Photo) []float32) float64 {
	if dot(vector(query), vector(near)) > dot(vector(query), vector(far)) {
		return 1
	}
	return 0
}

func dot(a, b []float32) float64 {
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}
