package models

// WeighsPlaces says whether the embeddings read PlaceWeights. Behind a spatial transformer features have left the places
// that their pixels had.
func (c Config) WeighsPlaces() bool { return c.DressWeight > 0 && c.SpatialTransformer == nil }

// PlaceWeights are how much each place of a crop's features counts in the embeddings, [rows * columns] for a trunk of that
// stride: 1 + DressWeight * likelihood, divided by its mean over the crop, where likelihood is how likely the place's pixels
// are dress, in the mean. Beside a dress there are arms and a room. likelihoods are those of the crop's pixels as the network
// reads it, [CropHeight * CropWidth] (colour.Division.Likelihood).
func (c Config) PlaceWeights(likelihoods []float32, stride int) []float32 {
	rows, columns := c.CropHeight/stride, c.CropWidth/stride
	weights := make([]float32, rows*columns)
	var sum float32
	for i := range weights {
		var dress float32
		for y := i / columns * stride; y < (i/columns+1)*stride; y++ {
			for _, l := range likelihoods[y*c.CropWidth+i%columns*stride:][:stride] {
				dress += l
			}
		}
		weights[i] = 1 + float32(float32(c.DressWeight)*dress/float32(stride*stride)) // which forbids a fused multiply-add
		sum += weights[i]
	}
	for i := range weights {
		weights[i] *= float32(len(weights)) / sum
	}
	return weights
}
