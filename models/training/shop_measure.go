package training

import (
	"context"
	"errors"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/linear"
)

// ShopFigures are of the products that are apart: of each photo whose product has another one, and beside which there
// are photos of other products, is that nearest among all, and among the five nearest.
type ShopFigures struct {
	Queries int `json:"queries"`
	Gallery int `json:"gallery"` // photos, the query's own left out
	// MeasuredOn is the fingerprint of the photos with their products; of triplets it is their own.
	MeasuredOn string `json:"measured_on,omitempty"`
	// Unsupervised and DeepRank are nil where nothing is asked.
	Unsupervised *RecallPair `json:"unsupervised,omitempty"`
	DeepRank     *RecallPair `json:"deeprank,omitempty"`
	// Triplets are those with a photo of a product that is apart; nil where there are none.
	Triplets *ShopTriplets `json:"triplets,omitempty"`
}

// ShopTriplets are the shares of triplets in which people agree with the embeddings.
type ShopTriplets struct {
	Triplets     int     `json:"triplets"`
	Unsupervised float64 `json:"unsupervised"`
	DeepRank     float64 `json:"deeprank"`
	// MeasuredOn is the fingerprint of the triplets and of their photos.
	MeasuredOn string `json:"measured_on,omitempty"`
}

// RecallPair is recall at 1 and at 5; the latter is nil where fewer than five photos of others would be before it.
type RecallPair struct {
	At1 float64  `json:"recall_at_1"`
	At5 *float64 `json:"recall_at_5,omitempty"`
}

// Measure measures both embeddings of a model on the products that are apart; where there is nothing to compare nothing
// is asked.
func (s *Shop) Measure(ctx context.Context, options Options, model *models.Model) (ShopFigures, error) {
	figures := ShopFigures{Gallery: max(len(s.apart.crops)-1, 0), MeasuredOn: datasets.PhotosFingerprint(s.apartPhotos)}
	switch {
	case !model.Embeds():
		return ShopFigures{}, errors.New("a model without embeddings cannot be measured by them")
	case len(s.apart.crops) < 2 && len(s.held) == 0:
		return ShopFigures{}, nil
	}
	unsupervised, err := s.embed(ctx, options, model, s.apart.crops)
	if err != nil {
		return figures, err
	}
	if len(s.apart.crops) > 0 {
		figures.Unsupervised, figures.Queries = s.apart.recall(unsupervised)
		figures.DeepRank, _ = s.apart.recall(ranked(unsupervised, model.Weights))
	}
	if len(s.held) == 0 {
		return figures, nil
	}
	var crops []Crop
	for _, three := range s.held {
		crops = append(crops, three[:]...)
	}
	if unsupervised, err = s.embed(ctx, options, model, crops); err != nil {
		return figures, err
	}
	figures.Triplets = &ShopTriplets{len(s.held), rightOf(unsupervised), rightOf(ranked(unsupervised, model.Weights)), datasets.PhotosFingerprint(s.heldPhotos)}
	return figures, nil
}

// embed returns the unsupervised embeddings of crops as they are.
func (s *Shop) embed(ctx context.Context, options Options, model *models.Model, crops []Crop) (linear.Matrix, error) {
	m := &maker{Options: options}
	var looks []look
	for i := range crops {
		looks = append(looks, look{crop: i})
	}
	cells, err := newEmbeddingCellSource(options.Backend, &Pool{Crops: crops}, model).of(ctx, looks, m.counter("measuring"))
	if err != nil {
		return linear.Matrix{}, err
	}
	return project(cells, model.Weights), nil
}

// recall of unit vectors, one a crop, and how many of them are queries; nil for none.
func (s *shopProducts) recall(vectors linear.Matrix) (*RecallPair, int) {
	var at1, at5 float64
	queries, least := 0, len(s.crops) // of the photos of others
	for i := range s.crops {
		own := s.products[s.crops[i].Product]
		others := len(s.crops) - len(own)
		if len(own) < 2 || others == 0 {
			continue
		}
		queries++
		least = min(least, others)
		best := float32(-2) // of its own product
		for _, j := range own {
			if j != i {
				best = max(best, vectors.Dot(i, j))
			}
		}
		nearer := 0 // photos of others
		for j := range s.crops {
			if s.crops[j].Product != s.crops[i].Product && vectors.Dot(i, j) >= best {
				nearer++
			}
		}
		if nearer < 1 {
			at1++
		}
		if nearer < 5 {
			at5++
		}
	}
	if queries == 0 {
		return nil, 0
	}
	r := &RecallPair{At1: at1 / float64(queries)}
	if least >= 5 {
		r.At5 = new(at5 / float64(queries))
	}
	return r, queries
}
