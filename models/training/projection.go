package training

import (
	"context"
	"errors"
	"fmt"

	"github.com/gomlx/gomlx/backends"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/linear"
)

const (
	// shrinkage tempers the whitening: components are divided by their deviation to this power, so that
	// rare directions, which are mostly noise, do not count as much as the frequent ones.
	shrinkage = 0.25
	// layout is how much it counts where in the crop a thing is, against that it is there at all: each cell's
	// difference from the crop's mean cell is multiplied by it.
	layout = 0.3
)

// fitProjection fits the unsupervised embedding of crops of count cells: a principal component analysis of the
// cells, with their layout tempered, keeping size components, partly whitened
// (https://hal.inria.fr/hal-00722622 shows why for retrieval). It returns weights of Config.UnsupervisedHead. It ends
// where ctx is cancelled, and tells of its progress if it takes seconds; tell may be nil.
func fitProjection(ctx context.Context, backend backends.Backend, cells linear.Matrix, count, size int, tell func(done, total int)) (models.Weights, error) {
	tempered := cells.Clone()
	temperLayout(tempered.Data, tempered.Rows, count)
	components, err := principalComponents(ctx, backend, tempered, size, shrinkage, tell)
	if err != nil {
		return nil, err
	}
	// Tempering is a symmetric linear map, and so the weights may do it as well as the cells.
	temperLayout(components.Weight.Data, size, count)
	return models.Weights{"unsupervised.weight": components.Weight, "unsupervised.bias": components.Bias}, nil
}

// temperLayout multiplies each cell's difference from the mean of its row's count cells by layout.
func temperLayout(data []float32, rows, count int) {
	channels := len(data) / (rows * count)
	for r := range rows {
		row := data[r*count*channels : (r+1)*count*channels]
		for c := range channels {
			mean := float32(0)
			for k := range count {
				mean += row[k*channels+c] / float32(count)
			}
			for k := range count {
				row[k*channels+c] = mean + layout*(row[k*channels+c]-mean)
			}
		}
	}
}

// checkFeatures returns an error where a crop has fewer features than an embedding has numbers.
func checkFeatures(features, size int) error {
	if features < size {
		return fmt.Errorf("the trunk makes %d features of a crop, fewer than the %d numbers of an embedding: take a trunk, or with --onnx-layer a layer, of more channels", features, size)
	}
	return nil
}

// principalComponents is linear.PrincipalComponents, of cells of as many photos and features as it takes.
func principalComponents(ctx context.Context, backend backends.Backend, cells linear.Matrix, size int, whitening float64, tell func(done, total int)) (linear.Layer, error) {
	if cells.Rows < size {
		return linear.Layer{}, errors.New("fewer photos than components: paint or read more")
	}
	if err := checkFeatures(cells.Columns, size); err != nil {
		return linear.Layer{}, err
	}
	return linear.PrincipalComponents(ctx, backend, cells, size, whitening, tell)
}

// textureShrinkage is how much of the whole covariance counts as within dresses: what windows of 2,000 photos say of it is
// uncertain.
const textureShrinkage = 0.1

// textureLooks is how many looks there are at each crop, mirrored and in other light, that its texture should survive.
const textureLooks = 8

// fitTexture fits the part of the unsupervised embedding that is of the texture, to the windows of textureLooks looks at each
// crop, [crops * textureLooks, models.TextureWindows * models.TextureFeatures]: the directions in which crops differ most for how
// much the windows of one do, which all show the same cloth. It returns weights of Config.UnsupervisedHead.
func fitTexture(windows linear.Matrix, size int) (models.Weights, error) {
	each := linear.Matrix{Rows: windows.Rows * models.TextureWindows, Columns: models.TextureFeatures, Data: windows.Data}
	layer, err := linear.Discriminants(each, models.TextureWindows*textureLooks, size, textureShrinkage)
	if err != nil {
		return nil, err
	}
	return models.Weights{"texture.weight": layer.Weight, "texture.bias": layer.Bias}, nil
}

// project computes unsupervised embeddings of cells, as models.Config.UnsupervisedHead does.
func project(cells linear.Matrix, weights models.Weights) linear.Matrix {
	texture := weights["texture.weight"]
	if texture == nil {
		return projected(cells, weights, "unsupervised")
	}
	end := cells.Columns - texture.Shape[1]
	shape := projected(cells.Part(0, end), weights, "unsupervised")
	cloth := projected(cells.Part(end, cells.Columns), weights, "texture")
	out := shape.Beside(cloth)
	out.Normalise()
	return out
}

func projected(cells linear.Matrix, weights models.Weights, head string) linear.Matrix {
	out := linear.Layer{Weight: weights[head+".weight"], Bias: weights[head+".bias"]}.Apply(cells)
	out.Normalise()
	return out
}
