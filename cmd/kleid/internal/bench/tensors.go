package bench

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/cmd/kleid/internal/output"
	"github.com/kleid-search/kleid/models"
)

// imageFile are the images of --input.
type imageFile struct {
	count, size int
	pixels      []float32 // [count, size, size, 3]
}

// readImages reads the tensor x [count, 3, size, size] of a safetensors file.
func readImages(path string) (*imageFile, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	file, _, err := models.DecodeSafetensors(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	x := file["x"]
	if x == nil {
		return nil, fmt.Errorf("%s: there is no tensor \"x\" of floating-point numbers; there are: %s", path, strings.Join(file.Names(), ", "))
	}
	if s := x.Shape; len(s) != 4 || s[0] < 1 || s[1] != 3 || s[2] < 1 || s[2] != s[3] {
		return nil, fmt.Errorf("%s: tensor \"x\" has shape %v, but must be [n, 3, size, size]", path, s)
	}
	images := &imageFile{count: x.Shape[0], size: x.Shape[2], pixels: make([]float32, len(x.Data))}
	area := images.size * images.size
	for i := range images.count {
		from, to := x.Data[3*area*i:], images.pixels[3*area*i:]
		for channel := range 3 {
			for p := range area {
				to[3*p+channel] = from[channel*area+p]
			}
		}
	}
	return images, nil
}

// batch returns so many images from the first on, [count, size, size, 3]. After the last comes the first
// again.
func (b *imageFile) batch(first, count int) *tensors.Tensor {
	one := 3 * b.size * b.size
	pixels := make([]float32, 0, count*one)
	for i := range count {
		at := (first + i) % b.count * one
		pixels = append(pixels, b.pixels[at:at+one]...)
	}
	return tensors.FromFlatDataAndDimensions(pixels, count, b.size, b.size, 3)
}

// features runs all images, batch by batch, and returns their features [count, channels].
func (b *imageFile) features(ctx context.Context, exec *graph.Exec, batch, channels int) (*models.Tensor, error) {
	y := models.NewTensor(b.count, channels)
	for first := 0; first < b.count; first += batch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out, err := exec.Exec1(b.batch(first, batch))
		if err != nil {
			return nil, err
		}
		features, err := tensors.CopyFlatData[float32](out)
		if err != nil {
			return nil, err
		}
		if err := out.FinalizeAll(); err != nil {
			return nil, err
		}
		copy(y.Data[first*channels:], features)
	}
	return y, nil
}

// writeFeatures writes the tensor y to a safetensors file.
func writeFeatures(file *output.File, y *models.Tensor) error {
	if err := models.EncodeSafetensors(file, models.Weights{"y": y}, nil, models.Float32); err != nil {
		return err
	}
	return file.Keep()
}
