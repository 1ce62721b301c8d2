package embedding

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	if _, err := model.Trunk(); err == nil && !model.Embeds() {
		return nil, errors.New("embedding: the model has a trunk, but no embeddings: train them with kleid train heads")
	}
	return NewDescriber(backend, model)
}

// NewDescriber is New for a model that may have no embeddings: photos have no vectors then. Without location either,
// it takes photos whose box is given.
func NewDescriber(backend backends.Backend, model *models.Model) (*Embedder, error) {
	locator, err := NewLocator(backend, model)
	if err != nil {
		return nil, fmt.Errorf("embedding: %w", err)
	}
	encoder, err := newEncoder(backend, model)
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
	photos, err := e.Locate(ctx, inputs)
	if err != nil {
		return nil, err
	}
	if err := e.Describe(ctx, inputs, photos); err != nil {
		return nil, err
	}
	return photos, nil
}

// Locate is the first half of Embed: it finds the dresses. The answers have no vectors and no facets yet.
func (e *Embedder) Locate(ctx context.Context, inputs []Input) ([]Photo, error) {
	photos := make([]Photo, len(inputs))
	for begin := 0; begin < len(inputs); begin += maxBatch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		end := min(begin+maxBatch, len(inputs))
		begun := time.Now()
		networks, err := e.locate(inputs[begin:end], photos[begin:end])
		if err != nil {
			return nil, fmt.Errorf("embedding: %w", err)
		}
		count := time.Duration(end - begin)
		for i := range photos[begin:end] {
			photos[begin+i].Timing = Timing{Locate: time.Since(begun) / count, Networks: networks / count}
		}
	}
	return photos, nil
}

// Describe is the second half of Embed: it adds vectors and facets to what Locate found, where there is a
// dress. Few photos have one in some catalogues; who gathers BatchSize of them over several calls of Locate
// keeps the network's batches full. On an error, some photos may be described already.
func (e *Embedder) Describe(ctx context.Context, inputs []Input, photos []Photo) error {
	var of []int
	for i := range photos {
		if photos[i].Status == catalog.StatusOK {
			of = append(of, i)
		}
	}
	for part := range slices.Chunk(of, maxBatch) {
		if err := ctx.Err(); err != nil {
			return err
		}
		begun := time.Now()
		around, err := e.lookAround(inputs, photos, part)
		if err != nil {
			return fmt.Errorf("embedding: %w", err)
		}
		dresses := make([]dress, len(part))
		for n, i := range part {
			dresses[n] = dress{Crop{inputs[i].Image, photos[i].Box}, photos[i].surroundings}
		}
		results, networks, err := e.encoder.encode(dresses)
		if err != nil {
			return fmt.Errorf("embedding: %w", err)
		}
		networks += around
		count := time.Duration(len(part))
		for n, i := range part {
			p := &photos[i]
			p.Unsupervised, p.DeepRank, p.Cells = results[n].unsupervised, results[n].deepRank, results[n].cells
			p.Facets, p.Colours = results[n].facets, results[n].colours
			p.surroundings = nil // Cells have them
			p.Timing.Embed = time.Since(begun) / count
			p.Timing.Networks += networks / count
		}
	}
	return nil
}

// locate fills in status, box and candidates of at most maxBatch photos, and returns the networks' time.
func (e *Embedder) locate(inputs []Input, photos []Photo) (time.Duration, error) {
	var images []*photo.Image
	var of []int
	for i, in := range inputs {
		if in.Box != nil {
			box := in.Box.Intersect(in.Image.Frame())
			if box.Empty() {
				return 0, fmt.Errorf("the box %v lies outside the photo of %d x %d pixels", *in.Box, in.Image.Frame().XMax, in.Image.Frame().YMax)
			}
			photos[i].take([]Candidate{{Box: box, Confidence: 1}})
			continue
		}
		images, of = append(images, in.Image), append(of, i)
	}
	if len(images) == 0 {
		return 0, nil
	}
	places, wholes, networks, err := e.locator.locate(images)
	if err != nil {
		return 0, err
	}
	for n, i := range of {
		var candidates []Candidate
		for _, p := range places[n] {
			if p.Confidence >= e.model.Config.Merge.MinConfidence {
				candidates = append(candidates, Candidate{Box: p.Box, Confidence: float32(p.Confidence)})
			}
		}
		if len(candidates) == 0 && inputs[i].IsDress {
			candidates, photos[i].Told = []Candidate{likeliest(places[n], images[n].Frame())}, true
		}
		photos[i].take(candidates)
		if wholes != nil && photos[i].Status == catalog.StatusOK {
			photos[i].surroundings = e.model.Config.Surroundings.Cells(wholes[n], photos[i].Box)
		}
	}
	return networks, nil
}

// likeliest is the best place of a photo, or all of it where location saw none.
func likeliest(places []models.Place, frame photo.Box) Candidate {
	if len(places) == 0 {
		return Candidate{Box: frame}
	}
	return Candidate{Box: places[0].Box, Confidence: float32(places[0].Confidence)}
}

// lookAround adds the surroundings to photos whose dress location did not look for, at most maxBatch, and returns the
// network's time.
func (e *Embedder) lookAround(inputs []Input, photos []Photo, of []int) (time.Duration, error) {
	if e.model.Config.Surroundings == nil {
		return 0, nil
	}
	var images []*photo.Image
	var missing []int
	for _, i := range of {
		if photos[i].surroundings == nil {
			images, missing = append(images, inputs[i].Image), append(missing, i)
		}
	}
	if len(images) == 0 {
		return 0, nil
	}
	wholes, took, err := e.locator.wholes(images)
	if err != nil {
		return 0, err
	}
	for n, i := range missing {
		photos[i].surroundings = e.model.Config.Surroundings.Cells(wholes[n], photos[i].Box)
	}
	return took, nil
}

func (p *Photo) take(candidates []Candidate) {
	if len(candidates) == 0 {
		p.Status = catalog.StatusNoDress
		return
	}
	p.Status, p.Candidates = catalog.StatusOK, candidates
	p.Box, p.BoxConfidence = candidates[0].Box, candidates[0].Confidence
}
