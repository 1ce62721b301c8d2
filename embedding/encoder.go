package embedding

import (
	"slices"
	"time"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"

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

// dress is a crop and what is around it, nil where that is not read.
type dress struct {
	Crop
	surroundings []float32
}

// Encoder turns crops into embeddings and facets.
type Encoder struct {
	model    *models.Model
	backbone models.Backbone
	exec     *graph.Exec
	facets   *facetReader // nil for a model without facets
	batches  batches
}

// newEncoder prepares the network; each size of batch is compiled when it is first met.
func newEncoder(backend backends.Backend, model *models.Model) (*Encoder, error) {
	backbone, err := model.Trunk()
	if err != nil {
		return nil, err
	}
	exec, err := graph.NewExec(backend, func(inputs []*graph.Node) []*graph.Node {
		unsupervised, deepRank, cells := model.EmbedGraph(inputs[0], weightsIn(inputs))
		return slices.DeleteFunc([]*graph.Node{cells, unsupervised, deepRank}, func(n *graph.Node) bool { return n == nil })
	})
	if err != nil {
		return nil, err
	}
	facets, err := newFacetReader(backend, model)
	if err != nil {
		return nil, err
	}
	return &Encoder{model: model, backbone: backbone, exec: exec, facets: facets}, nil
}

// weightsIn are the weights of places behind the pixels; nil where there are none.
func weightsIn(inputs []*graph.Node) *graph.Node {
	if len(inputs) == 1 {
		return nil
	}
	return inputs[1]
}

// encoded is what the network says of one crop.
type encoded struct {
	unsupervised, deepRank []float32
	cells                  Cells
	facets                 []Prediction
	colours                []catalog.Colour
}

// encode embeds at most maxBatch dresses, and returns how long the network took.
func (e *Encoder) encode(dresses []dress) ([]encoded, time.Duration, error) {
	config := e.model.Config
	pixels := e.batches.take(len(dresses), config.CropHeight, config.CropWidth)
	defer e.batches.put(pixels)
	readings := make([]colour.Reading, len(dresses))
	stride := e.backbone.Stride
	rows, columns := config.CropHeight/stride, config.CropWidth/stride
	var weights []float32 // of places; none for models that weigh none
	if e.model.Embeds() && config.WeighsPlaces() {
		weights = make([]float32, pixels.shape.size*rows*columns)
	}
	err := pixels.fill(len(dresses), func(i int, dst []float32) {
		small, placement := cropInput(dst, config, e.backbone, dresses[i].Crop)
		colours := coloursOf(dresses[i].Crop, small, placement)
		readings[i] = colours.Read()
		if weights != nil {
			copy(weights[i*rows*columns:], config.PlaceWeights(colours.Likelihood(), stride))
		}
	})
	if err != nil {
		return nil, 0, err
	}
	begun := time.Now()
	inputs := []batch{pixels}
	if weights != nil {
		inputs = append(inputs, batch{tensor: tensors.FromFlatDataAndDimensions(weights, pixels.shape.size, rows, columns)})
	}
	values, err := run(e.exec, inputs...)
	if err != nil {
		return nil, 0, err
	}
	results := make([]encoded, len(dresses))
	size := config.EmbeddingSize
	if e.facets != nil {
		cells := make([]Cells, len(dresses))
		each := len(values[0]) / pixels.shape.size
		for i := range cells {
			cells[i] = newCells(values[0][i*each:(i+1)*each], dresses[i].surroundings)
		}
		values = values[1:]
		facets, err := e.facets.read(cells)
		if err != nil {
			return nil, 0, err
		}
		for i := range results {
			results[i].cells, results[i].facets = cells[i], facets[i]
		}
	}
	took := time.Since(begun)
	for i := range dresses {
		if e.model.Embeds() {
			results[i].unsupervised = values[0][i*size : (i+1)*size : (i+1)*size]
			results[i].deepRank = values[1][i*size : (i+1)*size : (i+1)*size]
		}
		results[i].addColours(e.model, readings[i])
	}
	return results, took, nil
}
