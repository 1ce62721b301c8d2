// Package embedding turns photos into what is indexed and searched: it locates the dress, crops it
// and computes its vectors and facets, in batches, on any GoMLX backend. Catalogue and query photos
// go the very same way.
package embedding

import (
	"time"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/photo"
)

// Candidate is a place where a dress may be.
type Candidate struct {
	Box        photo.Box
	Confidence float32 // 0..1
}

// Prediction is what the model thinks of one facet of a dress.
type Prediction struct {
	Name          string
	Label         string    // the most likely one
	Probability   float32   // of Label, calibrated, 0..1
	Confident     bool      // Probability reaches the facet's threshold: good enough to filter by
	Probabilities []float32 // one for each label of the facet, in its order; sums to 1
}

// Input is a photo to embed.
type Input struct {
	Image *photo.Image // by photo.Open, or pixels from elsewhere
	// Box, if not nil, is where the dress is: location is skipped. A person chose it.
	Box *photo.Box
	// IsDress is whether a person says that there is a dress: its likeliest place is taken then, however unsure it is.
	IsDress bool
}

// Photo is what Kleid sees in one photo.
type Photo struct {
	Status        catalog.Status // StatusOK or StatusNoDress
	Box           photo.Box
	BoxConfidence float32
	Candidates    []Candidate // the best first, Box among them; empty for StatusNoDress
	Told          bool        // it has StatusOK for Input.IsDress alone
	Facets        []Prediction
	Colours       []catalog.Colour // the dominant ones, the largest share first
	Unsupervised  []float32        // unit length
	DeepRank      []float32        // unit length
	Cells         Cells            // what Facets were read from; nil for a model without facets
	Timing        Timing

	// surroundings are what Cells end with, where location has looked at the photo: see models.SurroundingsConfig.
	surroundings []float32
}

// Timing is the wall time of the batches a photo was in, by stage, divided by the photos in them.
type Timing struct {
	Locate, Embed time.Duration
	// Networks is the part of both that the networks took. The rest is scaling, normalising and merging.
	Networks time.Duration
}
