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
)

// reference is a folder of "real" photos, painted: a street photo with a dress and one without for each fold.
func reference(t *testing.T) *datasets.Reference {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, data []byte) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, data, 0o600))
	}
	jpeg := func(p studio.Photo) []byte {
		data, err := p.JPEG()
		require.NoError(t, err)
		return data
	}
	street := "photo,x_min,y_min,x_max,y_max,fold\n"
	facets := "photo,x_min,y_min,x_max,y_max,is_dress,sleeve,fold\n"
	triplets := "query,a,b,closer,confidence,fold\n"
	products := studio.Products("test-real", 1, realFolds)
	for k := range realFolds {
		p := products[k].Paint(studio.Shot{Index: 1, Query: true})
		name := fmt.Sprintf("%d.jpg", k)
		write("ccp/photos/"+name, jpeg(p))
		write("ccp/photos/none-"+name, jpeg(studio.Background(9, studio.Shot{Index: uint64(k)})))
		box := fmt.Sprintf("%d,%d,%d,%d", p.Box.XMin, p.Box.YMin, p.Box.XMax, p.Box.YMax)
		street += fmt.Sprintf("%s,%s,%d\nnone-%s,,,,,%d\n", name, box, k, name, k)
		facets += fmt.Sprintf("ccp/photos/%s,%s,yes,%s,%d\n", name, box, p.Facets["sleeve"], k)
		triplets += fmt.Sprintf("ccp/photos/%d.jpg,ccp/photos/%d.jpg,ccp/photos/%d.jpg,a,2,%d\n", k, (k+1)%realFolds, (k+2)%realFolds, k)
	}
	for name, text := range map[string]string{
		"ccp/dress_boxes.csv": street, "facets/labels.csv": facets, "triplets/triplets.csv": triplets,
		"clothing/dress_boxes.csv": "photo,x_min,y_min,x_max,y_max,fold\n", "clothing/labels.csv": "image,label\n", "clothing/more.csv": "image,label\n",
	} {
		write(name, []byte(text))
	}
	r, err := datasets.OpenReference(dir)
	require.NoError(t, err)
	return r
}

// TestFolds makes a model from painted and "real" photos, and then its heads without each fold.
func TestFolds(t *testing.T) {
	options := tiny(t)
	options.Reference = reference(t)
	options.Trunk.RealPairs = 2
	model, err := Make(t.Context(), options)
	require.NoError(t, err)
	require.NotNil(t, model.Config.Refine, "location looks twice")

	options.From, options.Heads = model, []string{"background", "location", "refine", "facets", "deeprank"}
	folds, err := Folds(t.Context(), options)
	require.NoError(t, err)
	require.Len(t, folds, realFolds)
	seen, anchors := map[string]bool{}, map[string]bool{}
	for k, fold := range folds {
		require.NoError(t, fold.Weights.CheckFinite())
		require.Equal(t, model.Weights.Sub("trunk."), fold.Weights.Sub("trunk."), "the trunk stays as it is")
		require.Equal(t, model.Weights["unsupervised.weight"], fold.Weights["unsupervised.weight"])
		require.False(t, seen[fold.EmbeddingModel()], "fold %d learned from what another one did", k)
		seen[fold.EmbeddingModel()] = true
		require.NotEqual(t, model.Config.Merge.Calibration, fold.Config.Merge.Calibration, "confidences are each fold's own")
		require.NotEqual(t, model.Config.Refine.Calibration, fold.Config.Refine.Calibration, "confidences are each fold's own")
		at := fmt.Sprint(fold.Config.Refine.Anchors)
		require.False(t, anchors[at], "the anchors of fold %d know boxes that it has not learned from", k)
		anchors[at] = true
	}

	// What was trained is there for another run, which needs no backend but to fit confidences.
	stages, err := os.ReadDir(filepath.Join(strings.TrimPrefix(options.Work.String(), "file://"), "stages"))
	require.NoError(t, err)
	again, err := Folds(t.Context(), options)
	require.NoError(t, err)
	after, err := os.ReadDir(filepath.Join(strings.TrimPrefix(options.Work.String(), "file://"), "stages"))
	require.NoError(t, err)
	require.Len(t, after, len(stages))
	for k := range folds {
		require.Equal(t, folds[k].EmbeddingModel(), again[k].EmbeddingModel())
	}

	options.Reference = nil
	_, err = Folds(t.Context(), options)
	require.ErrorContains(t, err, "real photos")

	// Photos of a dataset of people's own have folds, too.
	options.Heads, options.Location = []string{"refine"}, readOwnBoxes(t, options, 4).ToLearn()
	own, err := Folds(t.Context(), options)
	require.NoError(t, err)
	require.Len(t, own, realFolds)
	require.NotEqual(t, own[FoldOf(options.Location.Learned[0])].EmbeddingModel(), folds[0].EmbeddingModel())
}

// TestTripletsKeepTheirPlaces: looks are changed by a crop's place in the pool, which must not depend on the fold that a
// run that goes on begins with.
func TestTripletsKeepTheirPlaces(t *testing.T) {
	options := tiny(t)
	options.Reference = reference(t)
	names := func(excluded, wantHeld int) (names []string) {
		m, err := newMaker(t.Context(), options)
		require.NoError(t, err)
		m.pool = &Pool{}
		learned, held := m.triplets(excluded)
		require.Len(t, held, wantHeld)
		require.Len(t, learned, realFolds-wantHeld)
		for _, c := range m.pool.Crops {
			names = append(names, c.Name)
		}
		return names
	}
	require.Equal(t, names(-1, 0), names(0, 1))
}

// TestPairsAreApart: how much alike two dresses are is not learned from, and measured with, whichever is the query.
func TestPairsAreApart(t *testing.T) {
	of := func(crops ...int) cropTriplet { return cropTriplet{Crops: [3]int(crops)} }
	held := []cropTriplet{of(0, 1, 2), of(5, 1, 6)}
	learned := []cropTriplet{of(1, 2, 3), of(1, 0, 3), of(1, 3, 0), of(2, 4, 0), of(3, 4, 5), of(5, 0, 6), of(0, 3, 4)}
	require.Equal(t, []cropTriplet{of(1, 2, 3), of(3, 4, 5), of(0, 3, 4)}, apartFrom(held, learned))
	require.Equal(t, []cropTriplet{of(0, 1, 2)}, apartFrom(nil, []cropTriplet{of(0, 1, 2)}))
}

func TestCalibrationsAreOthers(t *testing.T) {
	var folds []*models.Model
	for k := range 3 {
		folds = append(folds, &models.Model{Config: models.Config{Facets: []models.FacetConfig{{Temperature: float64(k)}}}})
	}
	rotateCalibrations(folds)
	for k, want := range []float64{1, 2, 0} {
		require.Equal(t, want, folds[k].Config.Facets[0].Temperature)
	}
}

// TestFoldsStartAnew: heads of a model that may have learned from a fold do not find their way into those without it.
func TestFoldsStartAnew(t *testing.T) {
	w := models.Weights{}
	for _, name := range []string{"trunk.stem.conv.weight", "background.out.weight", "location.out.weight", "refine.weight", "facets.sleeve.weight"} {
		w[name] = models.NewTensor(1)
	}
	m := &maker{Options: Options{Heads: []string{"background", "refine", "facets"}}}
	require.Equal(t, []string{"facets.sleeve.weight", "location.out.weight", "trunk.stem.conv.weight"}, m.withoutTrained(w).Names())
	require.Len(t, w, 5)
}

// TestStagesKnowTheirLabels: what was learned from labels that were corrected since is not taken for done.
func TestStagesKnowTheirLabels(t *testing.T) {
	options := tiny(t)
	options.Reference, options.Heads = reference(t), []string{"facets"}
	runs := 0
	stage := func() {
		m, err := newMaker(t.Context(), options)
		require.NoError(t, err)
		model := &models.Model{Config: options.Trunk.Config, Weights: models.Weights{"trunk.stem.conv.weight": models.NewTensor(1)}}
		require.NoError(t, m.stage(t.Context(), overrideHead, model, func() error { runs++; return nil }))
	}
	stage()
	stage()
	require.Equal(t, 1, runs)
	require.NoError(t, os.WriteFile(filepath.Join(options.Reference.Dir, "facets", "votes.csv"), []byte("photo,voter,sleeve\nccp/photos/0.jpg,1,cap\n"), 0o600))
	stage()
	require.Equal(t, 2, runs)
}
