package embedding

import (
	"time"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/graph"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/photo/colour"
)

// Crop is the part of a photo to embed.
type Crop struct {
	Image *photo.Image
	Box   photo.Box
}

// Encoder turns crops into embeddings and facets.
type Encoder struct {
	model    *models.Model
	backbone models.Backbone
	exec     *graph.Exec
	batches  batches
}

// NewEncoder prepares the network; each size of batch is compiled when it is first met.
func NewEncoder(backend backends.Backend, model *models.Model) (*Encoder, error) {
	backbone, err := model.Trunk()
	if err != nil {
		return nil, err
	}
	exec, err := graph.NewExec(backend, func(pixels *graph.Node) []*graph.Node {
		unsupervised, deepRank, logits := model.EmbedGraph(pixels)
		if logits == nil {
			return []*graph.Node{unsupervised, deepRank}
		}
		return []*graph.Node{unsupervised, deepRank, logits}
	})
	if err != nil {
		return nil, err
	}
	return &Encoder{model: model, backbone: backbone, exec: exec}, nil
}

// encoded is what the network says of one crop.
type encoded struct {
	unsupervised, deepRank []float32
	facets                 []Prediction
	colours                []catalog.Colour
}

// encode embeds at most maxBatch crops, and returns how long the network took.
func (e *Encoder) encode(crops []Crop) ([]encoded, time.Duration, error) {
	config := e.model.Config
	batch := e.batches.take(len(crops), config.CropHeight, config.CropWidth)
	defer e.batches.put(batch)
	readings := make([]colour.Reading, len(crops))
	err := batch.fill(len(crops), func(i int, dst []float32) {
		small, placement := cropInput(dst, config, e.backbone, crops[i])
		readings[i] = coloursOf(crops[i], small, placement)
	})
	if err != nil {
		return nil, 0, err
	}
	begun := time.Now()
	values, err := run(e.exec, batch)
	if err != nil {
		return nil, 0, err
	}
	took := time.Since(begun)
	results := make([]encoded, len(crops))
	size := config.EmbeddingSize
	for i := range crops {
		results[i].unsupervised = values[0][i*size : (i+1)*size : (i+1)*size]
		results[i].deepRank = values[1][i*size : (i+1)*size : (i+1)*size]
		if len(values) > 2 {
			labels := len(values[2]) / batch.shape.size
			results[i].facets = predict(config.Facets, values[2][i*labels:(i+1)*labels])
		}
		results[i].addColours(e.model, readings[i])
	}
	return results, took, nil
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
