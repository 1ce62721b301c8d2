package training

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// example is a photo of a dataset, with a box where it says so.
func example(id, product string, split datasets.Split, box bool) datasets.Example {
	e := datasets.Example{PhotoID: id, Product: product, ProductGiven: true, Split: split, Fold: -1}
	if box {
		e.Box = &photo.Box{XMin: 1, YMin: 1, XMax: 9, YMax: 9}
	}
	return e
}

func photoIDs(examples []datasets.Example) string { return strings.Join(ExampleIDs(examples), " ") }

// TestLocationPhotosAreSorted: each photo is there once, what one dataset measures with no other one teaches, and products
// stay together.
func TestLocationPhotosAreSorted(t *testing.T) {
	none := example("none", "p", datasets.Train, false)
	none.NoDress, none.Box, none.Labels = true, &photo.Box{XMax: 3, YMax: 3}, map[string]string{"sleeve": "long"}
	given := example("given", "q", datasets.Train, true)
	given.Fold = 3
	joined := example("joined", "r", datasets.Train, true)
	joined.Aliases = []string{"q"}
	a := &datasets.Dataset{Examples: []datasets.Example{
		example("one", "p", datasets.Train, true), example("unknown", "p", datasets.Train, false), none, given, joined,
		example("apart", "x", datasets.Test, true), example("two", "p", datasets.Train, true), example("two", "p", datasets.Train, true),
		example("also apart", "y", datasets.Train, true), example("of z", "z", datasets.Train, true),
	}, Bad: []datasets.Bad{{Photo: "gone.jpg"}}}
	b := &datasets.Dataset{Examples: []datasets.Example{
		example("one", "p", datasets.Train, true), example("also apart", "y", datasets.Test, false), example("another of z", "z", datasets.Test, true),
	}}
	p := &LocationPhotos{}
	p.sort([]*datasets.Dataset{a, b})
	require.Equal(t, "one none given joined", photoIDs(p.Learned))
	require.Equal(t, "apart also apart another of z", photoIDs(p.Measured))
	require.Equal(t, "of z", photoIDs(p.Shared), "its product is measured with")
	require.Equal(t, 1, p.Several)
	require.Equal(t, 1+1, p.Unknown)
	require.Len(t, p.Bad, 1)
	require.Equal(t, 10+1+3, p.Total)
	require.Nil(t, p.Learned[1].Box)
	require.Empty(t, p.Learned[1].Labels, "which are no facets of the model's")
	require.Equal(t, p.Learned[0].Fold, p.Learned[1].Fold, "of one product")
	require.Equal(t, []int{3, 3}, []int{p.Learned[2].Fold, p.Learned[3].Fold}, "of products that share a photo")

	other := &LocationPhotos{}
	a.Examples[0].Box = &photo.Box{XMin: 2, YMin: 1, XMax: 9, YMax: 9}
	other.sort([]*datasets.Dataset{a, b})
	require.NotEqual(t, p.fingerprint(), other.fingerprint(), "another box is learned from in another stage")
}

// ownBoxes are painted photos in files, one without a dress, as a dataset: the first is apart, the last two are bad.
func ownBoxes(t *testing.T, n int) *datasets.Dataset {
	t.Helper()
	dir, d := t.TempDir(), &datasets.Dataset{}
	add := func(e datasets.Example, data []byte) {
		e.Source = e.PhotoID + ".jpg"
		e.Path = filepath.Join(dir, e.Source)
		if data != nil {
			e.PhotoID = photo.ID(data)
			require.NoError(t, os.WriteFile(e.Path, data, 0o600))
		}
		d.Examples = append(d.Examples, e)
	}
	jpeg := func(p studio.Photo) []byte {
		data, err := p.JPEG()
		require.NoError(t, err)
		return data
	}
	var last []byte
	for i, product := range studio.Products("test-boxes", 1, n) {
		p := product.Paint(studio.Shot{Index: 1, Query: true})
		e := example(fmt.Sprint(i), product.ID, datasets.Train, true)
		if *e.Box = p.Box; i == 0 {
			e.Split = datasets.Test
		}
		last = jpeg(p)
		add(e, last)
	}
	none := example("none", "none", datasets.Train, false)
	none.NoDress = true
	add(none, jpeg(studio.Background(9, studio.Shot{Index: 77})))
	add(example("gone", "gone", datasets.Train, true), nil)
	outside := example("outside", "outside", datasets.Train, true)
	outside.Box = &photo.Box{XMin: 9000, YMin: 9000, XMax: 9100, YMax: 9100}
	add(outside, append(last, 0)) // other bytes, and the same photo
	return d
}

// readOwnBoxes are ownBoxes, read.
func readOwnBoxes(t *testing.T, options Options, n int) *LocationPhotos {
	t.Helper()
	p, err := ReadLocationPhotos(t.Context(), options, []*datasets.Dataset{ownBoxes(t, n)})
	require.NoError(t, err)
	return p
}

// TestLocationPhotosAreLookedInto before they are learned from.
func TestLocationPhotosAreLookedInto(t *testing.T) {
	p := readOwnBoxes(t, tiny(t), 4)
	require.Len(t, p.Learned, 3+1)
	require.Len(t, p.Measured, 1)
	require.Equal(t, 4+1+2, p.Total)
	require.Len(t, p.Bad, 2)
	require.Equal(t, "gone.jpg", p.Bad[0].Photo)
	require.Equal(t, "outside.jpg", p.Bad[1].Photo)
	require.Contains(t, p.Bad[1].Reason, "the box {9000 9000 9100 9100} lies outside the photo of")
}

// TestLocationLearnsFromOwnBoxes: photos with boxes are scenes at home, beside the reference's and without it; what is
// apart is not learned from, wherever it lies.
func TestLocationLearnsFromOwnBoxes(t *testing.T) {
	scenes := func(options Options) (*maker, map[sceneKind]int) {
		options.Heads, options.From = []string{"location"}, &models.Model{Config: options.Trunk.Config, Weights: models.Weights{}}
		m, err := newMaker(t.Context(), options)
		require.NoError(t, err)
		require.NoError(t, m.photos(t.Context()))
		kinds := map[sceneKind]int{}
		for i := range m.pool.Scenes {
			if s := &m.pool.Scenes[i]; s.Real {
				kinds[s.kind()]++
				require.GreaterOrEqual(t, s.Fold, 0, "that of its product")
			}
		}
		return m, kinds
	}
	options := tiny(t)
	options.Location = readOwnBoxes(t, options, 4)
	m, kinds := scenes(options)
	require.Equal(t, map[sceneKind]int{homeDress: 3, homeOther: 1}, kinds)
	require.True(t, m.photographed(), "so that confidences are fitted on folds")
	require.Empty(t, append(m.pool.Crops, m.held.Crops...), "which no head of location reads")
	require.Contains(t, m.facts(), fact("scenes", "36"))
	require.Contains(t, m.facts(), fact("products", "12"))

	options.Reference = reference(t)
	both := map[sceneKind]int{homeDress: 3, homeOther: 1, streetDress: realFolds, streetOther: realFolds}
	_, kinds = scenes(options)
	require.Equal(t, both, kinds)
	data, err := os.ReadFile(options.Location.Measured[0].Path) // in the reference, too
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(options.Reference.Dir, "ccp", "photos", "0.jpg"), data, 0o600))
	both[streetDress]--
	_, kinds = scenes(options)
	require.Equal(t, both, kinds)
}

// TestLearnedLocation: a model knows what location has learned from until all of location is trained anew.
func TestLearnedLocation(t *testing.T) {
	before := map[string]models.PhotoSample{"sleeve": models.PhotoSample("").With([]string{"aaaaaaaa"}), models.LearnedLocation: models.PhotoSample("").With([]string{"bbbbbbbb"})}
	m := &maker{Options: Options{Heads: []string{"refine"}}}
	require.Equal(t, before, m.learned(before))
	m.Location = &LocationPhotos{Learned: []datasets.Example{{PhotoID: "cccccccc"}}}
	require.Equal(t, models.PhotoSample("bbbbbbbbcccccccc"), m.learned(before)[models.LearnedLocation])
	m.Heads = []string{"background", "location", "refine"}
	require.Equal(t, models.PhotoSample("cccccccc"), m.learned(before)[models.LearnedLocation])
	m.Heads = []string{"facets"}
	require.Equal(t, map[string]models.PhotoSample{models.LearnedLocation: "bbbbbbbb"}, m.learned(before))
	m.Heads = AllHeads
	m.Location = nil
	require.Nil(t, m.learned(before))
}
