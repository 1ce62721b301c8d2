package evaluation

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/photo"
)

// scripted answers what the test says of each photo. It knows photos by their width.
type scripted struct {
	answers map[int]embedding.Photo
	boxes   map[int]*photo.Box // what it was asked, by photo
	batches []int
	err     error
}

func (s *scripted) BatchSize() int { return 2 }

func (s *scripted) Embed(_ context.Context, inputs []embedding.Input) ([]embedding.Photo, error) {
	if s.err != nil {
		return nil, s.err
	}
	s.batches = append(s.batches, len(inputs))
	var out []embedding.Photo
	for _, in := range inputs {
		if s.boxes == nil {
			s.boxes = map[int]*photo.Box{}
		}
		s.boxes[in.Image.Width] = in.Box
		out = append(out, s.answers[in.Image.Width])
	}
	return out, nil
}

// example is a photo of a width, as a file.
func example(t *testing.T, width int) datasets.Example {
	t.Helper()
	data, err := photo.EncodeJPEG(photo.New(width, 10), 80)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "photo.jpg")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return datasets.Example{Path: path, Name: fmt.Sprint(width), Fold: -1}
}

func box(xMin, yMin, xMax, yMax int) *photo.Box {
	return &photo.Box{XMin: xMin, YMin: yMin, XMax: xMax, YMax: yMax}
}

func TestLocation(t *testing.T) {
	known := func(width int, b *photo.Box, noDress bool) datasets.Example {
		e := example(t, width)
		e.Box, e.NoDress = b, noDress
		return e
	}
	found := func(b *photo.Box) embedding.Photo { return embedding.Photo{Status: catalog.StatusOK, Box: *b} }
	none := embedding.Photo{Status: catalog.StatusNoDress}
	e := &scripted{answers: map[int]embedding.Photo{
		20: found(box(0, 0, 10, 10)), // IoU 1
		21: found(box(0, 0, 10, 5)),  // IoU 0.5
		22: found(box(5, 0, 15, 10)), // IoU 1/3
		23: none,                     // missed
		24: none, 25: found(box(0, 0, 1, 1)), 26: none,
		27: found(box(0, 0, 1, 1)),
	}}
	r, err := Location(t.Context(), Part{e, []datasets.Example{
		known(20, box(0, 0, 10, 10), false), known(21, box(0, 0, 10, 10), false), known(22, box(0, 0, 10, 10), false), known(23, box(0, 0, 10, 10), false),
		known(24, nil, true), known(25, nil, true), known(26, nil, true),
	}}, Part{e, []datasets.Example{
		known(27, nil, false), // nothing is known about it: left out
	}})
	require.NoError(t, err)
	require.Equal(t, 4, r.Dresses)
	require.Equal(t, 3, r.Others)
	require.InDelta(t, (1+0.5+1.0/3)/4, r.MeanIoU, 1e-12)
	require.InDelta(t, 2.0/4, r.IoU50, 1e-12)
	require.InDelta(t, 1.0/4, r.IoU75, 1e-12)
	require.InDelta(t, 1.0/4, r.Missed, 1e-12)
	require.InDelta(t, 1.0/3, r.False, 1e-12)
	require.Equal(t, []int{2, 2, 2, 1}, e.batches)
	require.Nil(t, e.boxes[20], "location is not told the truth")
	require.NotContains(t, e.boxes, 27)

	empty, err := Location(t.Context(), Part{Embedder: e})
	require.NoError(t, err)
	require.Equal(t, LocationReport{}, empty)
}

func TestFacets(t *testing.T) {
	sleeve := catalog.Facet{Name: "sleeve", Labels: []string{"short", "long", "cap"}}
	length := catalog.Facet{Name: "length", Labels: []string{"mini", "maxi"}}
	// Truth and answer: short 3 times (short, short, long), long twice (long, short), cap once (does not
	// count with a minimum of two), unknown once, and a dress where nothing was found.
	cases := []struct{ truth, answer string }{
		{"short", "short"}, {"short", "short"}, {"short", "long"}, {"long", "long"}, {"long", "short"}, {"cap", "cap"}, {"", "long"}, {"long", ""},
	}
	e := &scripted{answers: map[int]embedding.Photo{}}
	var examples []datasets.Example
	for i, c := range cases {
		one := example(t, 20+i)
		one.Labels = map[string]string{"length": "mini"}
		if c.truth != "" {
			one.Labels["sleeve"] = c.truth
		}
		examples = append(examples, one)
		p := embedding.Photo{Status: catalog.StatusOK, Facets: []embedding.Prediction{{Name: "length", Label: "maxi"}, {Name: "sleeve", Label: c.answer}}}
		if c.answer == "" {
			p = embedding.Photo{Status: catalog.StatusNoDress}
		}
		e.answers[20+i] = p
	}
	examples[0].Box = box(1, 2, 9, 8)
	noDress, unlabelled := example(t, 40), example(t, 41)
	noDress.NoDress, noDress.Labels = true, map[string]string{"sleeve": "short"}
	reports, err := Facets(t.Context(), []catalog.Facet{sleeve, length, {Name: "occasion", Labels: []string{"work"}}}, true, Counting{Least: 2}, Part{e, examples}, Part{e, []datasets.Example{noDress, unlabelled}})
	require.NoError(t, err)
	require.Len(t, reports, 2, "nobody knows an occasion")

	r := reports[0]
	require.Equal(t, "sleeve", r.Facet)
	require.Equal(t, 6, r.Photos)
	require.InDelta(t, 3.0/6, r.Accuracy, 1e-12)
	// short: predicted 3 times where truth counts, 2 right; 3 true. long: predicted twice, 1 right; 3 true.
	require.Equal(t, []string{"short", "long"}, []string{r.Labels[0].Label, r.Labels[1].Label})
	require.Equal(t, []int{3, 3}, []int{r.Labels[0].Count, r.Labels[1].Count})
	require.InDelta(t, 2.0/3, r.Labels[0].Precision, 1e-12)
	require.InDelta(t, 2.0/3, r.Labels[0].Recall, 1e-12)
	require.InDelta(t, 2.0/3, r.Labels[0].F1, 1e-12)
	require.InDelta(t, 1.0/2, r.Labels[1].Precision, 1e-12)
	require.InDelta(t, 1.0/3, r.Labels[1].Recall, 1e-12)
	require.InDelta(t, 0.4, r.Labels[1].F1, 1e-12)
	require.InDelta(t, (2.0/3+0.4)/2, r.MacroF1, 1e-12)

	require.Equal(t, []UncountedLabel{{"sleeve", "cap", 1, "fewer than 2 photos"}}, Counting{Least: 2}.Uncounted([]catalog.Facet{sleeve, length}, examples))
	asked := Counting{Least: 2, Labels: map[string][]string{"sleeve": {"cap", "long"}}}.Uncounted([]catalog.Facet{sleeve, length}, examples)
	require.Equal(t, []UncountedLabel{{"sleeve", "short", 3, "not among the labels that were asked for"}}, asked)

	named := Counting{Least: 2, Labels: map[string][]string{"sleeve": {"cap", "long"}}}
	require.NoError(t, named.Check([]catalog.Facet{sleeve}))
	again, err := Facets(t.Context(), []catalog.Facet{sleeve}, true, named, Part{e, examples})
	require.NoError(t, err)
	require.Equal(t, []LabelReport{{Label: "long", Count: 3, Precision: 1, Recall: 1.0 / 3, F1: 0.5}, {Label: "cap", Count: 1, Precision: 1, Recall: 1, F1: 1}}, again[0].Labels, "rare as it is, and in the facet's order")
	require.ErrorContains(t, Counting{Labels: map[string][]string{"sleeve": {"puff"}}}.Check([]catalog.Facet{sleeve}), `sleeve has no label "puff"; there are `)
	require.ErrorContains(t, Counting{Labels: map[string][]string{"slit": nil}}.Check([]catalog.Facet{sleeve}), `there is no facet "slit"`)

	require.Equal(t, 8, reports[1].Photos)
	require.Zero(t, reports[1].Accuracy)
	require.Zero(t, reports[1].MacroF1)

	require.Equal(t, box(1, 2, 9, 8), e.boxes[20], "the true box")
	require.Equal(t, box(0, 0, 21, 10), e.boxes[21], "the whole photo, where no box is known")
	require.NotContains(t, e.boxes, 40)
	require.NotContains(t, e.boxes, 41)

	_, err = Facets(t.Context(), []catalog.Facet{sleeve}, false, Counting{Least: 2}, Part{e, examples})
	require.NoError(t, err)
	require.Nil(t, e.boxes[20], "found boxes")
}

func TestTriplets(t *testing.T) {
	vectors := func(u, d []float32) embedding.Photo {
		return embedding.Photo{Status: catalog.StatusOK, Unsupervised: u, DeepRank: d}
	}
	e := &scripted{answers: map[int]embedding.Photo{
		20: vectors([]float32{1, 0}, []float32{1, 0}),
		21: vectors([]float32{0.8, 0.6}, []float32{0, 1}),
		22: vectors([]float32{0.6, 0.8}, []float32{0.6, 0.8}),
	}}
	a, b, c := example(t, 20), example(t, 21), example(t, 22)
	r, err := Triplets(t.Context(), TripletPart{e, []datasets.Triplet{
		{Query: a, Near: b, Far: c}, // unsupervised 0.8 > 0.6 yes; deeprank 0 > 0.6 no
		{Query: a, Near: c, Far: b}, // no; yes
		{Query: b, Near: c, Far: a}, // 0.96 > 0.8 yes; 0.8 > 0 yes
	}}, TripletPart{e, []datasets.Triplet{
		{Query: b, Near: a, Far: a}, // a draw is no agreement
	}})
	require.NoError(t, err)
	require.Equal(t, 4, r.Triplets)
	require.Equal(t, []float64{0.5, 0.5, 0}, []float64{r.Unsupervised, r.DeepRank, r.Gain})
	require.Less(t, r.GainInterval[0], 0.0)
	require.Greater(t, r.GainInterval[1], 0.0)
	require.Equal(t, []int{2, 1, 2}, e.batches, "each photo is embedded once by each embedder")
	require.Equal(t, box(0, 0, 20, 10), e.boxes[20])
}

func TestErrors(t *testing.T) {
	one := example(t, 20)
	one.NoDress = true
	_, err := Location(t.Context(), Part{&scripted{err: errors.New("out of memory")}, []datasets.Example{one}})
	require.ErrorContains(t, err, "out of memory")
	require.NoError(t, os.WriteFile(one.Path, []byte("no photo"), 0o600))
	_, err = Location(t.Context(), Part{&scripted{}, []datasets.Example{one}})
	require.ErrorContains(t, err, "photo.jpg")
	require.NoError(t, os.Remove(one.Path))
	_, err = Location(t.Context(), Part{&scripted{}, []datasets.Example{one}})
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestMeanInterval(t *testing.T) {
	values := make([]float64, 400)
	for i := range values {
		values[i] = float64(i % 2)
	}
	interval := meanInterval(values, 0.8)
	require.InDelta(t, 0.5-1.28*0.025, interval[0], 0.006, "as the normal distribution has it")
	require.InDelta(t, 0.5+1.28*0.025, interval[1], 0.006)
	require.Equal(t, [2]float64{}, meanInterval(nil, 0.8))
}
