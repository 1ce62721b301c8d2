package embedding

import (
	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// The networks' inputs. Encoder and Locator, and what calibrates a model, read the same pixels.

// cropInput fills dst [CropHeight, CropWidth, 3] with a crop as the encoder's network reads it, and returns
// what it scaled for that, and where the crop lies there.
func cropInput(dst []float32, config models.Config, backbone models.Backbone, crop Crop) (*photo.Image, photo.Placement) {
	small, placement := photo.Letterbox(crop.Image, crop.Box.Grow(config.CropMargin), config.CropWidth, config.CropHeight)
	photo.Normalise(dst, small, backbone.Mean, backbone.Deviation)
	return small, placement
}

// photoInput fills dst [height, width, 3] with a photo, or the part of it in a frame, as the locator's networks read it in
// that size, and returns where it lies there.
func photoInput(dst []float32, backbone models.Backbone, image *photo.Image, frame photo.Box, height, width int) photo.Placement {
	small, placement := photo.Letterbox(image, frame, width, height)
	photo.Normalise(dst, small, backbone.Mean, backbone.Deviation)
	return placement
}

// patchInput fills dst [height, width, 3] with a part of a photo as the refiner's network reads it.
func patchInput(dst []float32, backbone models.Backbone, image *photo.Image, region photo.Box, height, width int) {
	small, _ := photo.Letterbox(image, region, width, height)
	photo.Normalise(dst, small, backbone.Mean, backbone.Deviation)
}

// CropInputs are what the encoder's network reads of crops: [crops, CropHeight, CropWidth, 3].
func CropInputs(model *models.Model, crops []Crop) (*tensors.Tensor, error) {
	backbone, err := model.Trunk()
	if err != nil {
		return nil, err
	}
	config := model.Config
	return inputs(len(crops), config.CropHeight, config.CropWidth, func(i int, dst []float32) {
		cropInput(dst, config, backbone, crops[i])
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
		all = append(all, inputs(len(images), size[0], size[1], func(i int, dst []float32) {
			photoInput(dst, backbone, images[i], images[i].Frame(), size[0], size[1])
		}))
	}
	return all, nil
}

// inputs fills a tensor for n pictures of one size.
func inputs(n, height, width int, fill func(i int, dst []float32)) *tensors.Tensor {
	each := height * width * 3
	pixels := make([]float32, n*each)
	inParallel(n, func(i int) { fill(i, pixels[i*each:(i+1)*each]) })
	return tensors.FromFlatDataAndDimensions(pixels, n, height, width, 3)
}
