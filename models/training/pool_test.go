package training

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// TestPhotosAreOneScene: a photo that several tables know is one scene, of a kind of its own, and as many crops as know
// something of its dress.
func TestPhotosAreOneScene(t *testing.T) {
	r := reference(t)
	street, err := r.Street()
	require.NoError(t, err)
	facets, err := r.Facets()
	require.NoError(t, err)
	p := &Pool{}
	require.NoError(t, p.ReadReal(t.Context(), append(street, facets...), photo.DefaultLimits()))
	require.Len(t, p.Crops, len(street)+len(facets))
	kinds := map[sceneKind]int{}
	for i := range p.Scenes {
		kinds[p.Scenes[i].kind()]++
	}
	require.Equal(t, map[sceneKind]int{streetDress: realFolds, streetOther: realFolds}, kinds)
}

// TestOnlyScenes: heads that read whole photos draw the very scenes that they draw where crops are kept beside them, and
// nothing else is painted, read or held in memory.
func TestOnlyScenes(t *testing.T) {
	options := tiny(t)
	options.Reference = reference(t)
	read := func(onlyScenes bool) (p *Pool, painted int) {
		p = newPool(options.Trunk.Config, datasets.Facets())
		p.onlyScenes = onlyScenes
		examples, err := (&maker{Options: options}).examples()
		require.NoError(t, err)
		require.NoError(t, p.Paint(t.Context(), options.Paint, func(_, total int) { painted = total }))
		require.NoError(t, p.ReadReal(t.Context(), examples, photo.DefaultLimits()))
		return p, painted
	}
	all, of := read(false)
	few, painted := read(true)
	require.Equal(t, all.Scenes, few.Scenes)
	require.Equal(t, all.Siblings, few.Siblings)
	require.Empty(t, few.Crops)
	require.Equal(t, 12*4+8, of)
	require.Equal(t, 12*4/2+8, painted)
	batch := func(p *Pool) []float32 {
		rng, groups := rand.New(rand.NewPCG(1, 2)), p.sceneGroups(1, 0.5)
		backbone := models.Backbone{Stride: 16, Deviation: [3]float32{1, 1, 1}}
		return p.drawScenes(rng, func() int { return draw(rng, groups) }, 4, 64, 48, backbone).pixels
	}
	require.True(t, slices.Equal(batch(all), batch(few)))
}

func TestSceneKinds(t *testing.T) {
	box := photo.Box{XMax: 1, YMax: 1}
	for want, s := range map[sceneKind]Scene{
		homeDress: {Real: true, Box: box, Fold: 2}, streetDress: {Real: true, Street: true, Box: box}, homeOther: {Real: true, Fold: 2},
		streetOther: {Real: true, Street: true, Fold: -1}, paintedDress: {Box: box}, paintedEmpty: {},
	} {
		require.Equal(t, want, s.kind())
	}
}

// TestSceneGroups: kinds of real scenes count for the same, however many there are, and a fold is left out.
func TestSceneGroups(t *testing.T) {
	box := photo.Box{XMax: 1, YMax: 1}
	p := &Pool{Scenes: []Scene{
		{}, {Box: box}, {Real: true, Fold: 0}, {Real: true, Fold: 1}, {Real: true, Fold: 2}, {Real: true, Fold: 2, Box: box}, {Real: true, Street: true, Fold: 1, Box: box},
	}}
	require.Equal(t, []sampleGroup{{[]int{5}, 0.25}, {[]int{6}, 0.25}, {[]int{2, 3, 4}, 0.25}, {[]int{0, 1}, 0.25}}, p.sceneGroups(-1, 0.75))
	require.Equal(t, []sampleGroup{{[]int{5}, 0.375}, {[]int{2, 4}, 0.375}, {[]int{0, 1}, 0.25}}, p.sceneGroups(1, 0.75))
	require.Equal(t, []sampleGroup{{[]int{0, 1}, 1}}, (&Pool{Scenes: p.Scenes[:2]}).sceneGroups(-1, 0.75), "without real ones")
}

// TestCropsAreNotEnlarged: what is resampled twice is blurred.
func TestCropsAreNotEnlarged(t *testing.T) {
	p := &Pool{}
	image, box := photo.New(200, 300), photo.Box{XMin: 50, YMin: 60, XMax: 150, YMax: 260}
	c := p.crop(image, box, nil)
	require.Equal(t, []int{130, 260}, []int{c.Image.Width, c.Image.Height}, "the box and 0.15 of it on each side")
	require.Equal(t, photo.Box{XMin: 15, YMin: 30, XMax: 115, YMax: 230}, c.Box)
	large := photo.New(2000, 3000)
	c = p.crop(large, photo.Box{XMin: 500, YMin: 600, XMax: 1500, YMax: 2600}, nil)
	require.Equal(t, []int{152, 304}, []int{c.Image.Width, c.Image.Height})
	config := models.DefaultConfig()
	config.CropHeight = 480
	c = newPool(config, nil).crop(large, photo.Box{XMin: 500, YMin: 600, XMax: 1500, YMax: 2600}, nil)
	require.Equal(t, []int{176, 352}, []int{c.Image.Width, c.Image.Height}, "a model with higher crops is limited by their width")

	s := scene(image, box, true, 0)
	require.Equal(t, []int{200, 300}, []int{s.Image.Width, s.Image.Height})
	require.Equal(t, box, s.Box)
	s = scene(large, photo.Box{}, true, 0)
	require.Equal(t, []int{600, realSceneHeight}, []int{s.Image.Width, s.Image.Height})
	require.True(t, s.Box.Empty())
}

// TestFewerPaintedProducts: whoever asks for fewer dresses waits for fewer scenes without one, too.
func TestFewerPaintedProducts(t *testing.T) {
	all := DefaultPaintOptions()
	require.Equal(t, all, all.OfProducts(all.Products))
	few := all.OfProducts(500)
	require.Equal(t, []int{500, 250}, []int{few.Products, few.Backgrounds})
	require.Equal(t, 1, all.OfProducts(1).Backgrounds, "there is one to learn from")
}
