package quality

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/evaluation"
	"github.com/kleid-search/kleid/photo"
)

// What can be wrong with the picture of a photo that is there.
var (
	ErrGone    = errors.New("the photo's file is gone")
	ErrChanged = errors.New("the photo's file is another one than at the start")
)

// readDataset reads a dataset and a table of predictions. all are judgements that are there.
func readDataset(ctx context.Context, options Options, all []datasets.Judgement) (*collection, error) {
	predicted, err := predictedFacets(options.Predictions) // first, since photos take their time
	if err != nil {
		return nil, err
	}
	var known []string
	for _, f := range datasets.Facets() {
		known = append(known, f.Name)
	}
	d, err := datasets.Open(ctx, options.Dataset, datasets.OpenOptions{Facets: options.Facets, Known: known, Imported: true, Unlabelled: true, Progress: options.Progress})
	if err != nil {
		return nil, err
	}
	if len(d.Examples) == 0 {
		return nil, fmt.Errorf("none of the %d photos can be read; the first: %s: %s", len(d.Bad), d.Bad[0].Photo, d.Bad[0].Reason)
	}
	c := &collection{name: d.Name, bad: d.Bad, at: map[string]int{}, dresses: make([]dress, len(d.Examples)), read: readFile}
	photos := map[string]int{}
	for _, e := range d.Examples {
		photos[e.PhotoID]++
	}
	for i, e := range d.Examples {
		c.dresses[i] = dress{photoID: e.PhotoID, box: e.Box, name: e.Name, product: e.Product, path: e.Path, alone: photos[e.PhotoID] == 1, noDress: e.NoDress}
		c.at[c.dresses[i].id()] = i
	}
	for _, f := range facetsOf(d, predicted, datasets.Standing(all), options.Facets) {
		given := newFacet(f, len(c.dresses), len(c.dresses))
		for i, e := range d.Examples {
			given.given[i] = given.numberOf(e.Labels[f.Name])
		}
		c.facets = append(c.facets, given)
	}
	return c, c.predict(options.Predictions)
}

// readFile reads the photo's file.
func readFile(_ context.Context, d *dress) ([]byte, error) {
	data, err := os.ReadFile(d.path)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrGone, d.name)
	}
	if photo.ID(data) != d.photoID {
		return nil, fmt.Errorf("%w: %s; start kleid quality again", ErrChanged, d.name)
	}
	return data, nil
}

// predict takes a model's predictions, of which there may be many of other photos.
func (c *collection) predict(file string) error {
	if file == "" {
		return nil
	}
	ofPhoto := map[string][]int{} // dresses
	for i := range c.dresses {
		ofPhoto[c.dresses[i].photoID] = append(ofPhoto[c.dresses[i].photoID], i)
	}
	for i := range c.facets {
		c.facets[i].probabilities = make([][]float32, len(c.dresses))
		c.facets[i].sets = make([]evaluation.Set, len(c.dresses))
	}
	some, met := false, false
	for row, err := range evaluation.ReadPredictions(file) {
		if err != nil {
			return err
		}
		dresses := ofPhoto[row.PhotoID]
		some, met = true, met || len(dresses) > 0
		if len(dresses) == 0 {
			continue
		}
		if c.model != "" && row.FacetModel != "" && row.FacetModel != c.model {
			return fmt.Errorf("predictions %s are of two models, %.8s and %.8s: name those of one", file, c.model, row.FacetModel)
		}
		c.model = cmp.Or(row.FacetModel, c.model)
		at, ok := c.predictedDress(dresses, row.Box)
		f := c.facet(row.Facet)
		if !ok || f == nil || row.Label == "" {
			continue
		}
		c.apart = c.apart || row.Set == evaluation.Apart
		n := f.numberOf(row.Label)
		if missing := int(n) - len(f.probabilities[at]); missing > 0 {
			f.probabilities[at] = append(f.probabilities[at], make([]float32, missing)...)
		}
		f.probabilities[at][n-1] = row.Probability
		f.sets[at] = row.Set
		if row.Predicted {
			f.predicted[at], f.probability[at] = n, row.Probability
		}
	}
	if some && !met {
		return fmt.Errorf("none of the photos of %s is in the dataset: they are compared by their bytes (photo_id)", file)
	}
	return nil
}

// predictedDress is the one, of a photo's, that a prediction is of: whose box overlaps the predicted one most, by half at
// least. Where one of both boxes is not known it is the only dress of its photo, and of several nobody knows which one.
func (c *collection) predictedDress(dresses []int, box *catalog.Box) (at int, ok bool) {
	only := len(dresses) == 1
	if box == nil || only && c.dresses[dresses[0]].box == nil {
		return dresses[0], only
	}
	predicted := photo.Box{XMin: int(box.XMin), YMin: int(box.YMin), XMax: int(box.XMax), YMax: int(box.YMax)}
	overlap := func(at int) float64 {
		if b := c.dresses[at].box; b != nil {
			return b.IoU(predicted)
		}
		return 0
	}
	at = slices.MaxFunc(dresses, func(a, b int) int { return cmp.Compare(overlap(a), overlap(b)) })
	return at, overlap(at) >= datasets.SameDress
}
