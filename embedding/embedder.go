package embedding

import (
	"context"
	"fmt"
	"time"

	"github.com/gomlx/gomlx/backends"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// Embedder turns photos into vectors and facets. It is safe for concurrent use. On the cpu backend a
// photo's answer is the same bit for bit, whatever the batch it is in.
type Embedder struct {
	model   *models.Model
	locator *Locator
	encoder *Encoder
}

// New returns an embedder for a model on a backend.
func New(backend backends.Backend, model *models.Model) (*Embedder, error) {
	locator, err := NewLocator(backend, model)
	if err != nil {
		return nil, fmt.Errorf("embedding: %w", err)
	}
	encoder, err := NewEncoder(backend, model)
	if err != nil {
		return nil, fmt.Errorf("embedding: %w", err)
	}
	return &Embedder{model: model, locator: locator, encoder: encoder}, nil
}

// Metadata is what an index made with this embedder carries.
func (e *Embedder) Metadata() catalog.Metadata { return e.model.Metadata() }

// BatchSize is the number of photos that Embed handles best at once.
func (e *Embedder) BatchSize() int { return maxBatch }

// Embed locates, crops and embeds photos; the answers are in their order. Photos without a dress have
// StatusNoDress and nothing else.
func (e *Embedder) Embed(ctx context.Context, inputs []Input) ([]Photo, error) {
	photos := make([]Photo, len(inputs))
	for begin := 0; begin < len(inputs); begin += maxBatch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		end := min(begin+maxBatch, len(inputs))
		if err := e.embedBatch(inputs[begin:end], photos[begin:end]); err != nil {
			return nil, fmt.Errorf("embedding: %w", err)
		}
	}
	return photos, nil
}

func (e *Embedder) embedBatch(inputs []Input, photos []Photo) error {
	begun := time.Now()
	if err := e.locate(inputs, photos); err != nil {
		return err
	}
	located := time.Now()
	var crops []Crop
	var of []int
	for i := range photos {
		if photos[i].Status == catalog.StatusOK {
			crops, of = append(crops, Crop{inputs[i].Image, photos[i].Box}), append(of, i)
		}
	}
	if len(crops) > 0 {
		results, err := e.encoder.encode(crops)
		if err != nil {
			return err
		}
		for n, i := range of {
			photos[i].Unsupervised, photos[i].DeepRank, photos[i].Facets = results[n].unsupervised, results[n].deepRank, results[n].facets
		}
	}
	count := time.Duration(len(inputs))
	for i := range photos {
		photos[i].Timing = Timing{Locate: located.Sub(begun) / count, Embed: time.Since(located) / count}
	}
	return nil
}

// locate fills in status, box and candidates.
func (e *Embedder) locate(inputs []Input, photos []Photo) error {
	var images []*photo.Image
	var of []int
	for i, in := range inputs {
		if in.Box != nil {
			box := in.Box.Intersect(in.Image.Frame())
			if box.Empty() {
				return fmt.Errorf("the box %v lies outside the photo of %d x %d pixels", *in.Box, in.Image.Width, in.Image.Height)
			}
			photos[i].take([]Candidate{{Box: box, Confidence: 1}})
			continue
		}
		images, of = append(images, in.Image), append(of, i)
	}
	if len(images) == 0 {
		return nil
	}
	places, err := e.locator.Locate(images)
	if err != nil {
		return err
	}
	for n, i := range of {
		var candidates []Candidate
		for _, p := range places[n] {
			if p.Confidence >= e.model.Config.Merge.MinConfidence {
				candidates = append(candidates, Candidate{Box: p.Box, Confidence: float32(p.Confidence)})
			}
		}
		photos[i].take(candidates)
	}
	return nil
}

func (p *Photo) take(candidates []Candidate) {
	if len(candidates) == 0 {
		p.Status = catalog.StatusNoDress
		return
	}
	p.Status, p.Candidates = catalog.StatusOK, candidates
	p.Box, p.BoxConfidence = candidates[0].Box, candidates[0].Confidence
}
