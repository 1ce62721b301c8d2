package embedding

import (
	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// CropInputs are what the encoder's network reads of crops: [crops, CropHeight, CropWidth, 3].
func CropInputs(model *models.Model, crops []Crop) (*tensors.Tensor, error) {
	backbone, err := model.Trunk()
	if err != nil {
		return nil, err
	}
	config := model.Config
	return inputs(backbone, len(crops), config.CropHeight, config.CropWidth, func(i int) *photo.Image {
		small, _ := photo.Letterbox(crops[i].Image, crops[i].Box.Grow(config.CropMargin), config.CropWidth, config.CropHeight)
		return small
	}), nil
}

// PhotoInputs are what the locator's networks read of whole photos, for each of the model's sizes:
// [photos, height, width, 3].
func PhotoInputs(model *models.Model, images []*photo.Image) ([]*tensors.Tensor, error) {
	backbone, err := model.Trunk()
	if err != nil {
		return nil, err
	}
	var all []*tensors.Tensor
	for _, size := range model.Config.Scales {
		all = append(all, inputs(backbone, len(images), size[0], size[1], func(i int) *photo.Image {
			small, _ := photo.Letterbox(images[i], images[i].Frame(), size[1], size[0])
			return small
		}))
	}
	return all, nil
}

// inputs normalises n pictures of one size.
func inputs(backbone models.Backbone, n, height, width int, picture func(i int) *photo.Image) *tensors.Tensor {
	each := height * width * 3
	pixels := make([]float32, n*each)
	inParallel(n, func(i int) {
		photo.Normalise(pixels[i*each:(i+1)*each], picture(i), backbone.Mean, backbone.Deviation)
	})
	return tensors.FromFlatDataAndDimensions(pixels, n, height, width, 3)
}
