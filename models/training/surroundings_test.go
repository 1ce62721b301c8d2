package training

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/compute"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/photo/colour"
)

// distance is that of a from b, as a share of b's length.
func distance(a, b []float32) float64 {
	var square, length float64
	for i := range a {
		square += float64(a[i]-b[i]) * float64(a[i]-b[i])
		length += float64(b[i]) * float64(b[i])
	}
	return math.Sqrt(square / length)
}

// TestHeadsLearnFromWhatTheyAreGiven: what training sees of a dress and of its surroundings, in copies of photos that are
// kept small, is what an index sees in the photo, and its mirrored looks are what an index sees in the mirrored photo.
func TestHeadsLearnFromWhatTheyAreGiven(t *testing.T) {
	backend, err := compute.New("")
	require.NoError(t, err)
	model, err := models.Default()
	require.NoError(t, err)
	e, err := embedding.New(backend, model)
	require.NoError(t, err)
	pool := newPool(model.Config, datasets.Facets())
	product := studio.Products("test-surroundings", 1, 1)[0]
	var inputs []embedding.Input
	for shot := range 2 {
		painted := product.Paint(studio.Shot{Index: uint64(shot), Query: true})
		mirrored := photo.New(painted.Image.Width, painted.Image.Height)
		copy(mirrored.Pix, painted.Image.Pix)
		mirror(mirrored)
		turned := painted.Box
		turned.XMin, turned.XMax = mirrored.Width-painted.Box.XMax, mirrored.Width-painted.Box.XMin
		inputs = append(inputs, embedding.Input{Image: painted.Image, Box: &painted.Box}, embedding.Input{Image: mirrored, Box: &turned})
		pool.Crops = append(pool.Crops, pool.crop(painted.Image, painted.Box, painted.Facets))
	}
	served, err := e.Embed(t.Context(), inputs)
	require.NoError(t, err)
	source, embedded := newFacetCellSource(backend, pool, model), newEmbeddingCellSource(backend, pool, model)
	for i := range pool.Crops {
		cells, err := embedded.of(t.Context(), []look{{crop: i}, {crop: i, jitter: jitter{flip: 1}}}, func(int, int) {})
		require.NoError(t, err)
		vectors := project(cells, model.Weights)
		for turn := range 2 {
			require.Less(t, distance(vectors.Row(turn), served[2*i+turn].Unsupervised), 0.1, "embedding of photo %d, mirrored %d", i, turn)
		}
		learned, err := source.of(t.Context(), []look{{crop: i}, {crop: i, jitter: jitter{flip: 1}}}, func(int, int) {})
		require.NoError(t, err)
		crop := learned.Columns - source.around()
		require.Equal(t, learned.Columns, len(served[2*i].Cells))
		for turn := range 2 {
			cells := make([]float32, learned.Columns)
			for j, v := range served[2*i+turn].Cells {
				cells[j] = v.Float32()
			}
			require.Less(t, distance(learned.Row(turn)[:crop], cells[:crop]), 0.1, "photo %d, mirrored %d", i, turn)
			require.Less(t, distance(learned.Row(turn)[crop:], cells[crop:]), 0.1, "surroundings of photo %d, mirrored %d", i, turn)
			require.Greater(t, distance(learned.Row(1 - turn)[crop:], cells[crop:]), 0.15, "a photo is not its mirror image")
		}
	}
}

// TestSmallDressesHaveSurroundings, in whose copies of the photo they are less than a pixel.
func TestSmallDressesHaveSurroundings(t *testing.T) {
	config := models.DefaultConfig()
	seen := models.DefaultSurroundingsConfig()
	config.Surroundings = &seen
	pool := newPool(config, nil)
	image := photo.New(3000, 4000)
	for _, box := range []photo.Box{{XMin: 100, YMin: 100, XMax: 104, YMax: 104}, {XMin: 2996, YMin: 3996, XMax: 3000, YMax: 4000}} {
		c := pool.crop(image, box, nil)
		require.False(t, c.Box.Empty())
		require.False(t, c.WholeBox.Empty())
	}
}

// TestWhatModelsSeeAround follows from what their facets read once some are trained; only these decide what training looks
// at.
func TestWhatModelsSeeAround(t *testing.T) {
	facet := func(name string) catalog.Facet { return catalog.Facet{Name: name, Labels: []string{"a"}} }
	own := &models.SurroundingsConfig{Below: 1, Rows: 1, Columns: 1}
	ours := models.DefaultSurroundingsConfig()
	reading := models.Config{Surroundings: own, Facets: []models.FacetConfig{{Facet: facet("length"), Surroundings: true}, {Facet: facet("sleeve")}}}
	loss := FacetLoss{Surroundings: map[string]string{"length": Also, "occasion": Alone}}
	for name, c := range map[string]struct {
		config        models.Config
		trained       string
		model, looked *models.SurroundingsConfig
	}{
		"a model that saw none":            {models.Config{}, "length", &ours, &ours},
		"the facet that read its own":      {reading, "length", &ours, &ours},
		"another that reads them":          {reading, "occasion", own, own},
		"another that does not":            {reading, "sleeve", own, nil},
		"nobody reads them":                {models.Config{}, "sleeve", nil, nil},
		"nobody reads what the model says": {models.Config{Surroundings: own}, "sleeve", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			trained := []catalog.Facet{facet(c.trained)}
			require.Equal(t, c.model, loss.surroundings(c.config, trained))
			require.Equal(t, c.looked, loss.looking(c.config, trained).Surroundings)
		})
	}
	options := Options{OwnTrunk: 1, FacetLoss: loss}
	require.Nil(t, options.facetLoss().looking(reading, []catalog.Facet{facet("length")}).Surroundings, "a trunk of the facets' own looks at the crop")
	require.Nil(t, options.facetLoss().surroundings(reading, []catalog.Facet{facet("length")}))
}

// TestBoxesThatHoldNoDress are bad photos with a reason.
func TestBoxesThatHoldNoDress(t *testing.T) {
	image := photo.New(60, 90)
	data, err := photo.EncodeJPEG(image, 90)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "dress.jpg")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	read := func(box photo.Box) (photo.Box, error) {
		_, box, err := readExample(datasets.Example{Path: path, Box: &box}, photo.DefaultLimits())
		return box, err
	}
	_, err = read(photo.Box{XMax: 1, YMax: 1})
	require.ErrorContains(t, err, "boxes are in pixels, not in shares of the photo")
	_, err = read(photo.Box{XMin: 60, YMin: 10, XMax: 80, YMax: 40})
	require.ErrorContains(t, err, "lies outside the photo of 60 x 90 pixels")
	box, err := read(photo.Box{XMin: -5, YMin: 10, XMax: 70, YMax: 40})
	require.NoError(t, err)
	require.Equal(t, photo.Box{YMin: 10, XMax: 60, YMax: 40}, box)
}

// TestPlacesWeighAsTheyAreServed: what training weighs places by is what an index weighs them by, also of dresses that reach
// to the border of their photo, beyond which crops are grey.
func TestPlacesWeighAsTheyAreServed(t *testing.T) {
	config := models.DefaultConfig()
	pool := newPool(config, datasets.Facets())
	source := &cellSource{pool: pool, model: &models.Model{Config: config}}
	painted := studio.Products("test-weights", 1, 1)[0].Paint(studio.Shot{Query: true})
	for i, box := range []photo.Box{painted.Box, painted.Image.Frame()} {
		pool.Crops = append(pool.Crops, pool.crop(painted.Image, box, painted.Facets))
		for _, flip := range []float64{0, 1} {
			m := photo.New(painted.Image.Width, painted.Image.Height)
			copy(m.Pix, painted.Image.Pix)
			own := box
			if flip == 1 {
				mirror(m)
				own.XMin, own.XMax = m.Width-box.XMax, m.Width-box.XMin
			}
			small, placement := photo.Letterbox(m, own.Grow(config.CropMargin), config.CropWidth, config.CropHeight)
			frame := placement.BoxFromPhoto(m.Frame()).Intersect(placement.Inside)
			want := config.PlaceWeights(colour.Divide(small, placement.BoxFromPhoto(own), frame).Likelihood(), 16)
			seen := source.cropOf(look{crop: i, jitter: jitter{flip: flip}}, config.CropHeight, config.CropWidth)
			got := config.PlaceWeights(seen.likelihoods(config.CropMargin), 16)
			var worst float32
			for k := range want {
				worst = max(worst, max(want[k]-got[k], got[k]-want[k]))
			}
			require.Less(t, worst, float32(0.06), "box %d, mirrored %v", i, flip)
		}
	}
}
