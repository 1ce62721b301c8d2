package embedding

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/x448/float16"

	"github.com/kleid-search/kleid/models"
)

// Cells are the features of a dress that facets are read from, in IEEE 754 half precision: other heads may read them
// again without the photo. Facets are read from these very numbers at first as well, so that both answers are equal.
type Cells []float16.Float16

// newCells are the features of parts of a photo, behind each other.
func newCells(parts ...[]float32) Cells {
	size := 0
	for _, features := range parts {
		size += len(features)
	}
	cells := make(Cells, 0, size)
	for _, features := range parts {
		for _, v := range features {
			cells = append(cells, float16.Fromfloat32(v))
		}
	}
	return cells
}

// facetReader runs the facets' heads.
type facetReader struct {
	facets []models.FacetConfig
	exec   *graph.Exec
}

// newFacetReader prepares the heads; nil for a model without facets.
func newFacetReader(backend backends.Backend, model *models.Model) (*facetReader, error) {
	if len(model.Config.Facets) == 0 {
		return nil, nil
	}
	exec, err := graph.NewExec(backend, model.FacetsGraph)
	if err != nil {
		return nil, err
	}
	return &facetReader{model.Config.Facets, exec}, nil
}

// read predicts the facets of at most maxBatch dresses.
func (r *facetReader) read(dresses []Cells) ([][]Prediction, error) {
	size, each := sizeFor(len(dresses)), len(dresses[0])
	flat := make([]float32, size*each)
	for i, cells := range dresses {
		for j, v := range cells {
			flat[i*each+j] = v.Float32()
		}
	}
	output, err := r.exec.Exec1(tensors.FromFlatDataAndDimensions(flat, size, each))
	if err != nil {
		return nil, err
	}
	logits, err := take(output)
	if err != nil {
		return nil, err
	}
	labels := len(logits) / size
	predictions := make([][]Prediction, len(dresses))
	for i := range dresses {
		predictions[i] = predict(r.facets, logits[i*labels:(i+1)*labels])
	}
	return predictions, nil
}

// FacetCells names all that Cells depend on, and how colours are read: cells of an embedder with the same name are
// this one's too.
func (e *Embedder) FacetCells() string { return e.model.FacetCells() }

// ReadFacets predicts the facets of dresses from the cells of their photos, which an embedder with the same FacetCells
// has seen. Colours, which are read from pixels, are not among them.
func (e *Embedder) ReadFacets(ctx context.Context, dresses []Cells) ([][]Prediction, error) {
	var predictions [][]Prediction
	for len(dresses) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		part := dresses[:min(maxBatch, len(dresses))]
		dresses = dresses[len(part):]
		if e.encoder.facets == nil {
			predictions = append(predictions, make([][]Prediction, len(part))...)
			continue
		}
		read, err := e.encoder.facets.read(part)
		if err != nil {
			return nil, fmt.Errorf("embedding: facets: %w", err)
		}
		predictions = append(predictions, read...)
	}
	return predictions, nil
}

// predict turns the logits of all facets, behind each other, into calibrated predictions.
func predict(facets []models.FacetConfig, logits []float32) []Prediction {
	var predictions []Prediction
	for _, f := range facets {
		own := make([]float64, len(f.Labels))
		for i := range own {
			own[i] = float64(logits[i])
		}
		logits = logits[len(own):]
		p := Prediction{Name: f.Name, Probabilities: make([]float32, len(own))}
		for i, v := range models.Probabilities(own, f.Temperature) {
			p.Probabilities[i] = float32(v)
			if p.Label == "" || p.Probabilities[i] > p.Probability {
				p.Label, p.Probability = f.Labels[i], p.Probabilities[i]
			}
		}
		p.Confident = float64(p.Probability) >= f.Threshold
		predictions = append(predictions, p)
	}
	return predictions
}
