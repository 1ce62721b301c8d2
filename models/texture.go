package models

import (
	"math"

	. "github.com/gomlx/gomlx/pkg/core/graph"
)

// Texture is what a dress's cloth looks like from close by: how much of a crop's light changes how quickly and in which
// direction, in the magnitudes of Gabor filters, their means and deviations (https://doi.org/10.1109/34.531803). A trunk
// that has learned to tell dresses apart by their shape forgets it; filters that nothing was learned for do not.
const (
	textureLevels       = 4 // each of half the resolution of the one before
	textureOrientations = 8
	textureRadius       = 4 // pixels of a filter beside its middle
	textureChannels     = 2 * textureOrientations
	textureStride       = 16 // which a trunk's must be a multiple of: of each level there is a place of a filter in a place

	// textureVersion changes with all of these, and so does what indexes say that they were made with.
	textureVersion = "texture-1"

	textureShare = 8 // one in so many of an embedding's numbers is of it

	// TextureFeatures is how many numbers tell of the texture in a window.
	TextureFeatures = textureLevels * textureChannels * 2
)

// textureSteps are the pixels of a level from a place of a filter to the next: the first level has the most pixels, and
// neighbours say the same.
var textureSteps = [textureLevels]int{4, 4, 2, 2}

// textureWavelengths are those of a level's filters, in pixels.
var textureWavelengths = [...]float64{3, 4.25}

// luma are the parts of red, green and blue in the light (Rec. ITU-R BT.601-7).
var luma = [3]float32{0.299, 0.587, 0.114}

// textureWindows are the middles of the windows, in heights and widths of the crop, and textureWindowHeight and
// textureWindowWidth the deviations of their normal curves. They are where a dress is.
var textureWindows = [...][2]float64{{0.28, 0.5}, {0.45, 0.38}, {0.45, 0.62}, {0.62, 0.38}, {0.62, 0.62}, {0.8, 0.5}}

const (
	textureWindowHeight = 0.1
	textureWindowWidth  = 0.16
)

// TextureWindows is how many windows of a crop there are.
const TextureWindows = len(textureWindows)

// ReadsTexture says whether the embeddings read the texture. Its places are those of the trunk's features.
func (c Config) ReadsTexture() bool {
	backbone, err := c.Trunk()
	return err == nil && c.Texture && c.EmbeddingSize >= textureShare && backbone.Stride%textureStride == 0
}

// EmbeddingParts are how many of the unsupervised embedding's numbers are of the cells and, behind them, of the texture.
func (c Config) EmbeddingParts() (cells, texture int) {
	if c.ReadsTexture() {
		texture = c.EmbeddingSize / textureShare
	}
	return c.EmbeddingSize - texture, texture
}

// TextureGraph maps crops [batch, CropHeight, CropWidth, 3], normalised, to the texture of each window,
// [batch, TextureWindows, TextureFeatures]. weights are Config.PlaceWeights of the crops; nil where the model has none.
func (m *Model) TextureGraph(pixels, weights *Node) *Node {
	return m.Config.textureOf(pixels, weights)
}

// CropTexture is the mean of the TextureGraph's windows, [batch, TextureFeatures], and nil where the model reads none.
func (c Config) CropTexture(pixels, weights *Node) *Node {
	if !c.ReadsTexture() {
		return nil
	}
	return ReduceMean(c.textureOf(pixels, weights), 1)
}

func (c Config) textureOf(pixels, weights *Node) *Node {
	backbone, err := c.Trunk()
	if err != nil {
		panic(err)
	}
	g := pixels.Graph()
	batch, rows, columns := pixels.Shape().Dimensions[0], pixels.Shape().Dimensions[1]/backbone.Stride, pixels.Shape().Dimensions[2]/backbone.Stride
	windows := Reshape(Const(g, textureWindowWeights(rows, columns)), 1, TextureWindows, rows*columns)
	windows = BroadcastToDims(windows, batch, TextureWindows, rows*columns)
	if weights != nil {
		windows = Mul(windows, Reshape(weights, batch, 1, rows*columns))
		windows = Div(windows, ReduceAndKeep(windows, ReduceSum, -1))
	}
	var means, squares []*Node
	for level, magnitudes := range textureMagnitudes(pixels, backbone.Deviation) {
		side := backbone.Stride / (textureSteps[level] << level) // of a place
		pooled := func(x *Node) *Node {
			return Reshape(MeanPool(x).Window(side).Strides(side).NoPadding().Done(), batch, rows*columns, textureChannels)
		}
		means, squares = append(means, pooled(magnitudes)), append(squares, pooled(Square(magnitudes)))
	}
	inWindows := func(x []*Node) *Node { return Einsum("bkp,bpc->bkc", windows, Concatenate(x, -1)) }
	mean := inWindows(means)
	deviation := Sqrt(MaxScalar(Sub(inWindows(squares), Square(mean)), 1e-8))
	return Log(AddScalar(Concatenate([]*Node{mean, deviation}, -1), 1e-3))
}

// textureMagnitudes are the filters' answers on each level, [batch, height, width, textureChannels].
func textureMagnitudes(pixels *Node, deviation [3]float32) []*Node {
	g := pixels.Graph()
	var parts [3]float32
	for i, part := range luma {
		parts[i] = part * deviation[i]
	}
	light := ReduceAndKeep(Mul(pixels, Reshape(Const(g, parts[:]), 1, 1, 1, 3)), ReduceSum, -1)
	filters := Reshape(Const(g, gaborFilters()), 2*textureRadius+1, 2*textureRadius+1, 1, 2*textureChannels)
	var levels []*Node
	for level := range textureLevels {
		if level > 0 {
			light = MeanPool(light).Window(2).NoPadding().Done()
		}
		step := textureSteps[level]
		padding := [2]int{textureRadius, textureRadius - step + 1}
		waves := Convolve(light, filters).Strides(step).PaddingPerDim([][2]int{padding, padding}).Done()
		part := func(first int) *Node {
			return Square(Slice(waves, AxisRange(), AxisRange(), AxisRange(), AxisRange(first, first+textureChannels)))
		}
		levels = append(levels, Sqrt(AddScalar(Add(part(0), part(textureChannels)), 1e-8)))
	}
	return levels
}

// gaborFilters are waves under a normal curve, [rows, columns, filters]: first all cosines, then all sines. The cosines'
// means are taken off, so that even light has no answer.
func gaborFilters() []float32 {
	const side, filters = 2*textureRadius + 1, 2 * textureChannels
	values := make([]float32, side*side*filters)
	for w, wavelength := range textureWavelengths {
		deviation := wavelength / 2
		for o := range textureOrientations {
			angle := math.Pi * float64(o) / textureOrientations
			var curve, wave float64
			var cosines, sines, curves [side * side]float64
			for i := range cosines {
				y, x := float64(i/side-textureRadius), float64(i%side-textureRadius)
				// The conversions forbid fused multiply-adds.
				phase := 2 * math.Pi / wavelength * (float64(x*math.Cos(angle)) + float64(y*math.Sin(angle)))
				curves[i] = math.Exp(-(float64(x*x) + float64(y*y)) / (2 * deviation * deviation))
				cosines[i], sines[i] = curves[i]*math.Cos(phase), curves[i]*math.Sin(phase)
				curve, wave = curve+curves[i], wave+cosines[i]
			}
			for i := range cosines {
				filter := i*filters + w*textureOrientations + o
				values[filter] = float32((cosines[i] - float64(curves[i]*wave/curve)) / curve)
				values[filter+textureChannels] = float32(sines[i] / curve)
			}
		}
	}
	return values
}

// textureWindowWeights say how much each place counts in each window, [TextureWindows, rows * columns]; they are 1 in all.
func textureWindowWeights(rows, columns int) []float32 {
	var all []float32
	for _, middle := range textureWindows {
		window, sum := make([]float64, rows*columns), 0.0
		for i := range window {
			y := ((float64(i/columns)+0.5)/float64(rows) - middle[0]) / textureWindowHeight
			x := ((float64(i%columns)+0.5)/float64(columns) - middle[1]) / textureWindowWidth
			window[i] = math.Exp(-(float64(x*x) + float64(y*y)) / 2)
			sum += window[i]
		}
		for _, w := range window {
			all = append(all, float32(w/sum))
		}
	}
	return all
}
