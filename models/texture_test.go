package models

import (
	"math"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// textured paints a crop of the default size, normalised for kleid-s: light says how light each pixel is.
func textured(light func(y, x float64) float64) []float32 {
	c := DefaultConfig()
	pixels := make([]float32, 0, c.CropHeight*c.CropWidth*3)
	for y := range c.CropHeight {
		for x := range c.CropWidth {
			v := light(float64(y), float64(x))
			for i := range 3 {
				pixels = append(pixels, (float32(v)-kleidS.Mean[i])/kleidS.Deviation[i])
			}
		}
	}
	return pixels
}

// texturesOf are the textures of crops, [crops][TextureWindows * TextureFeatures].
func texturesOf(t *testing.T, weights []float32, crops ...[]float32) [][]float32 {
	t.Helper()
	m := &Model{Config: DefaultConfig()}
	exec := MustNewExec(testBackend(t), func(in []*Node) *Node {
		if len(in) == 1 {
			return m.TextureGraph(in[0], nil)
		}
		return m.TextureGraph(in[0], in[1])
	})
	inputs := []any{tensors.FromFlatDataAndDimensions(slices.Concat(crops...), len(crops), m.Config.CropHeight, m.Config.CropWidth, 3)}
	if weights != nil {
		rows, columns := m.Config.CropHeight/kleidS.Stride, m.Config.CropWidth/kleidS.Stride
		inputs = append(inputs, tensors.FromFlatDataAndDimensions(weights, len(crops), rows, columns))
	}
	out, err := exec.Exec1(inputs...)
	require.NoError(t, err)
	require.Equal(t, []int{len(crops), TextureWindows, TextureFeatures}, out.Shape().Dimensions)
	data, err := tensors.CopyFlatData[float32](out)
	require.NoError(t, err)
	return slices.Collect(slices.Chunk(data, TextureWindows*TextureFeatures))
}

// stripes of so many pixels, whose light changes in the direction of an angle.
func stripes(wavelength, angle float64) func(y, x float64) float64 {
	return func(y, x float64) float64 {
		return 0.5 + 0.2*math.Cos(2*math.Pi/wavelength*(x*math.Cos(angle)+y*math.Sin(angle)))
	}
}

// TestTextureOfStripes: the filter answers most whose waves the stripes are, by half of their size.
func TestTextureOfStripes(t *testing.T) {
	for level := range textureLevels {
		for w, wavelength := range textureWavelengths {
			for _, direction := range []int{0, 3, 6} {
				seen := texturesOf(t, nil, textured(stripes(wavelength*math.Exp2(float64(level)), math.Pi*float64(direction)/textureOrientations)))[0]
				for window := range TextureWindows {
					means := seen[window*TextureFeatures:][:TextureFeatures/2]
					best := 0
					for i, v := range means {
						if v > means[best] {
							best = i
						}
					}
					require.Equal(t, level*textureChannels+w*textureOrientations+direction, best, "level %d, wavelength %v, direction %d, window %d", level, wavelength, direction, window)
					require.InDelta(t, 0.1, math.Exp(float64(means[best])), 0.03)
				}
			}
		}
	}
}

// TestTextureOfLight: even cloth has none, dark or light, and how light cloth is changes nothing, but for the grey beyond the
// border. Stripes have 0.1.
func TestTextureOfLight(t *testing.T) {
	even := func(light float64) []float32 { return textured(func(_, _ float64) float64 { return light }) }
	lighter := func(y, x float64) float64 { return stripes(5, 1)(y, x) + 0.1 }
	seen := texturesOf(t, nil, even(0.4), even(0.6), textured(stripes(5, 1)), textured(lighter))
	const least = 1e-3 + 1e-4
	magnitude := func(feature float32) float64 { return math.Exp(float64(feature)) }
	for window := range TextureWindows {
		if textureWindows[window][0] > 0.7 {
			continue // the border, with grey beyond it, is in it
		}
		for i := range TextureFeatures {
			at := window*TextureFeatures + i
			require.InDelta(t, least, magnitude(seen[0][at]), 1e-2, "window %d, feature %d", window, i)
			require.InDelta(t, least, magnitude(seen[1][at]), 1e-2, "window %d, feature %d", window, i)
			require.InDelta(t, magnitude(seen[2][at]), magnitude(seen[3][at]), 1e-2, "window %d, feature %d", window, i)
		}
	}
}

// TestTextureIsOfItsCrop alone: the same to the bit beside others.
func TestTextureIsOfItsCrop(t *testing.T) {
	a, b := textured(stripes(6, 0.3)), textured(stripes(9, 2))
	together := texturesOf(t, nil, a, b)
	require.Equal(t, texturesOf(t, nil, a)[0], together[0])
	require.Equal(t, texturesOf(t, nil, b)[0], together[1])
}

// TestTextureOfTheDress: what lies in places that weigh nothing is not seen.
func TestTextureOfTheDress(t *testing.T) {
	c := DefaultConfig()
	rows, columns := c.CropHeight/kleidS.Stride, c.CropWidth/kleidS.Stride
	left := func(y, x float64) float64 {
		if x < float64(c.CropWidth)/2 {
			return stripes(6, 0)(y, x)
		}
		return stripes(6, math.Pi/2)(y, x)
	}
	weights := make([]float32, rows*columns)
	for i := range weights {
		if i%columns < columns/2-1 { // filters reach over the middle
			weights[i] = 2
		}
	}
	half, whole := texturesOf(t, weights, textured(left))[0], texturesOf(t, weights, textured(stripes(6, 0)))[0]
	require.InDeltaSlice(t, whole, half, 0.2)
	across := func(texture []float32) float32 { return texture[textureChannels+textureOrientations/2] } // on the second level
	require.Greater(t, across(texturesOf(t, nil, textured(left))[0]), across(whole)+2)
}

func TestReadsTexture(t *testing.T) {
	c := DefaultConfig()
	require.True(t, c.ReadsTexture())
	cells, texture := c.EmbeddingParts()
	require.Equal(t, []int{448, 64}, []int{cells, texture})
	for name, change := range map[string]func(c *Config){
		"not asked for":        func(c *Config) { c.Texture = false },
		"too few numbers":      func(c *Config) { c.EmbeddingSize = 7 },
		"places are too small": func(c *Config) { c.Backbone, c.ONNX = onnxBackbone, nil },
	} {
		changed := c
		change(&changed)
		require.False(t, changed.ReadsTexture(), name)
		cells, texture := changed.EmbeddingParts()
		require.Equal(t, []int{changed.EmbeddingSize, 0}, []int{cells, texture}, name)
	}
}
