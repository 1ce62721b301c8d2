package main

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/evaluate"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/evaluation"
	"github.com/kleid-search/kleid/models"
)

// paintedReference is a folder in the form of the labelled real photos, of painted dresses.
func paintedReference(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	table := func(name string, rows ...[]string) {
		path := write(t, filepath.Join(dir, name), nil)
		f, err := os.Create(path)
		require.NoError(t, err)
		require.NoError(t, csv.NewWriter(f).WriteAll(rows))
		require.NoError(t, f.Close())
	}
	facets := [][]string{{"photo", "x_min", "y_min", "x_max", "y_max", "is_dress", "fold"}}
	for _, f := range datasets.Facets() {
		facets[0] = append(facets[0], f.Name)
	}
	street := [][]string{{"photo", "x_min", "y_min", "x_max", "y_max", "fold"}}
	var names []string
	for i, product := range studio.Products("test-reference", 1, 4) {
		p := product.Paint(studio.Shot{})
		data, err := p.JPEG()
		require.NoError(t, err)
		name := strconv.Itoa(i) + ".jpg"
		names = append(names, "ccp/photos/"+name)
		write(t, filepath.Join(dir, "ccp", "photos", name), data)
		box := []string{strconv.Itoa(p.Box.XMin), strconv.Itoa(p.Box.YMin), strconv.Itoa(p.Box.XMax), strconv.Itoa(p.Box.YMax)}
		fold := strconv.Itoa(i % 2)
		street = append(street, append(append([]string{name}, box...), fold))
		row := append(append([]string{"ccp/photos/" + name}, box...), "yes", fold)
		for _, f := range datasets.Facets() {
			row = append(row, p.Facets[f.Name])
		}
		facets = append(facets, row)
	}
	write(t, filepath.Join(dir, "ccp", "photos", "wall.jpg"), greyPhoto(t))
	street = append(street, []string{"wall.jpg", "", "", "", "", "0"})
	write(t, filepath.Join(dir, "clothing", "images", "hat.jpg"), greyPhoto(t))
	table("clothing/labels.csv", []string{"image", "label", "kids"}, []string{"hat.jpg", "Hat", "False"})
	table("clothing/more.csv", []string{"image", "label", "kids"})
	table("clothing/dress_boxes.csv", []string{"photo", "width", "height", "x_min", "y_min", "x_max", "y_max", "fold"})
	table("ccp/dress_boxes.csv", street...)
	table("facets/labels.csv", facets...)
	table("triplets/triplets.csv", []string{"query", "a", "b", "closer", "confidence", "fold"},
		[]string{names[0], names[1], names[2], "a", "1", "0"}, []string{names[0], names[1], names[2], "b", "1", "1"})
	return dir
}

func TestEvaluate(t *testing.T) {
	reference := paintedReference(t)
	measure := func(what string, args ...string) result {
		r := kleid(t, append([]string{"evaluate", what, "--reference", reference}, args...)...)
		require.Equal(t, exit.Done, r.code, r.stderr)
		return r
	}
	location := decodeLine[map[string]evaluation.LocationReport](t, measure("location", "--json"))
	require.Equal(t, 4, location["street"].Dresses)
	require.Zero(t, location["street"].Missed)
	require.Zero(t, location["street"].False, "an empty wall")
	require.Equal(t, 1, location["home"].Others)
	require.Contains(t, measure("location").stdout, "street")
	at := decodeLine[map[string]evaluation.LocationReport](t, measure("location", "--json", "--min-confidence", "0", "--min-confidence", "2"))
	require.Zero(t, at["street, from 0"].Missed)
	require.Equal(t, location["street"], at["street"], "what it is without the flag")
	require.Equal(t, 1.0, at["street, from 2"].Missed, "so sure it never is")

	type facetReports struct {
		TrueBoxes []evaluation.FacetReport     `json:"true boxes"`
		Mean      map[string]evaluation.MeanF1 `json:"mean"`

		NotCounted []evaluation.UncountedLabel `json:"not_counted"`
	}
	measured := decodeLine[facetReports](t, measure("facets", "--json", "--min-count", "1"))
	facets := measured.TrueBoxes
	require.Len(t, facets, len(datasets.Facets()))
	require.InDelta(t, evaluation.Mean(facets).MacroF1, measured.Mean["true boxes"].MacroF1, 1e-12)
	require.Contains(t, measured.Mean, "found boxes")
	require.Equal(t, 4, facets[0].Photos)
	require.Contains(t, measure("facets", "--min-count", "1").stdout, "neckline")
	named := decodeLine[facetReports](t, measure("facets", "--json", "--labels", facets[0].Facet+"="+facets[0].Labels[0].Label)).TrueBoxes
	require.Len(t, named, 1, "of the others no label has ten photos")
	require.Len(t, named[0].Labels, 1)
	require.Contains(t, measure("facets", "--min-count", "4").stdout, "photos are left out, whose labels do not count (fewer than 4 photos;")

	// A label that no photo has is named, below the table; a facet of none but such is an error.
	unseen := func(facet int) string {
		for _, label := range datasets.Facets()[facet].Labels {
			if !slices.ContainsFunc(facets[facet].Labels, func(l evaluation.LabelReport) bool { return l.Label == label }) {
				return label
			}
		}
		t.Fatal("four dresses have all labels")
		return ""
	}
	seen := facets[0].Facet + "=" + facets[0].Labels[0].Label
	require.Regexp(t, `mean .*\n *`+facets[0].Facet+": no photo has "+unseen(0)+", which does not count\n", measure("facets", "--labels", seen+","+unseen(0)).stdout)
	require.Regexp(t, facets[0].Facet+": all photos that count are "+facets[0].Labels[0].Label+": its precision says nothing", measure("facets", "--labels", seen).stdout)
	r := kleid(t, "evaluate", "facets", "--reference", reference, "--json", "--labels", seen, "--labels", facets[1].Facet+"="+unseen(1))
	require.Equal(t, exit.Failed, r.code)
	require.Contains(t, r.stderr, "--labels: "+facets[1].Facet+": no photo has "+unseen(1))

	// Of two triplets that say the opposite one is right.
	similarity := decodeLine[evaluate.SimilarityReport](t, measure("similarity", "--json")).Triplets
	require.Equal(t, 2, similarity.Triplets)
	require.Equal(t, 0.5, similarity.DeepRank)
	require.Contains(t, measure("similarity").stdout, "DeepRank")

	require.Empty(t, measured.NotCounted)
	for says, args := range map[string][]string{
		"kleid evaluate facets needs --dataset, photos of your own, or --reference": nil,
		"--split goes with --dataset":  {"--reference", reference, "--split", "test"},
		"--rename goes with --dataset": {"--reference", reference, "--rename", "sleeve:cap=long"},
	} {
		r := kleid(t, append([]string{"evaluate", "facets"}, args...)...)
		require.Equal(t, exit.Usage, r.code)
		require.Contains(t, r.stderr, says)
	}
	r = kleid(t, "evaluate", "facets", "--reference", t.TempDir())
	require.Equal(t, exit.Failed, r.code)
	require.Contains(t, r.stderr, filepath.Join("facets", "labels.csv"))
}

// TestEvaluateWithBadReference counts and tells photos of --reference that cannot be read or whose box is outside of them,
// and measures with the others.
func TestEvaluateWithBadReference(t *testing.T) {
	reference := paintedReference(t)
	require.NoError(t, os.Remove(filepath.Join(reference, "ccp", "photos", "2.jpg")))
	labels := filepath.Join(reference, "facets", "labels.csv")
	text := readText(t, labels)
	write(t, labels, []byte(text+"clothing/images/hat.jpg,9000,9000,9100,9100,yes,0"+strings.Repeat(",", len(datasets.Facets()))+"\n"))
	for what, bad := range map[string]string{"facets": "2 of 5", "similarity": "1 of 3"} {
		args := []string{"evaluate", what, "--reference", reference, "--json", "--max-bad"}
		r := kleid(t, append(args, "0")...)
		require.Equal(t, exit.TooManyBad, r.code, r.stderr)
		require.Contains(t, r.stderr, bad+" photos of --reference are bad, more than the 0 that --max-bad allows")
		require.Contains(t, r.stderr, "bad: ccp/photos/2.jpg: ")
		r = kleid(t, append(args, "1", "--folds", "--work", t.TempDir())...)
		require.Equal(t, exit.TooManyBad, r.code, r.stderr)
		require.Contains(t, r.stderr, "2 of 6 photos of --reference are bad")
		require.Contains(t, r.stderr, "bad: clothing/images/hat.jpg: "+labels+":6: the box")
	}
	r := kleid(t, "evaluate", "facets", "--reference", reference, "--json", "--min-count", "1", "--max-bad", "2")
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Equal(t, 3, decodeLine[struct {
		TrueBoxes []evaluation.FacetReport `json:"true boxes"`
	}](t, r).TrueBoxes[0].Photos)
	r = kleid(t, "evaluate", "similarity", "--reference", reference, "--json", "--max-bad", "1")
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Zero(t, decodeLine[evaluate.SimilarityReport](t, r).Triplets.Triplets, "both have the photo that is gone")
	r = kleid(t, "evaluate", "similarity", "--folds", "--work", t.TempDir(), "--products", "12", "--reference", reference, "--json", "--max-bad", "2")
	require.Equal(t, exit.Done, r.code, r.stderr)
}

// TestEvaluateWhatWasLearned says that figures are of photos that the model was trained with, but where heads are trained
// without them.
func TestEvaluateWhatWasLearned(t *testing.T) {
	folder := paintedReference(t)
	reference, err := datasets.OpenReference(folder)
	require.NoError(t, err)
	fingerprint, err := reference.Fingerprint()
	require.NoError(t, err)
	model := *readModel(t, tiny)
	for notes, says := range map[string]bool{"other+" + fingerprint[:16]: true, "other": false, "": false} {
		model.Config.Notes = map[string]string{models.NoteDataset: notes}
		var file bytes.Buffer
		require.NoError(t, model.Encode(&file, models.Float32))
		place := write(t, filepath.Join(t.TempDir(), "model.safetensors"), file.Bytes())
		r := kleid(t, "evaluate", "similarity", "--reference", folder, "--json", "--models", place)
		require.Equal(t, exit.Done, r.code, r.stderr)
		require.Equal(t, says, strings.Contains(r.stderr, "the model comes from a training with these very photos"))
	}
}

func TestEvaluatePainted(t *testing.T) {
	args := []string{"evaluate", "painted", "--products", "3", "--queries", "24", "--seed", "4"}
	r := kleid(t, append(args, "--json")...)
	require.Equal(t, exit.Done, r.code, r.stderr)
	f := decodeLine[evaluate.PaintedFigures](t, r).Painted
	require.Equal(t, 24, f.Location.Dresses)
	require.Zero(t, f.Location.Missed, "the tiny model finds a dress in every photo")
	require.Positive(t, f.Location.MeanIoU)
	require.NotEmpty(t, f.Facets)
	r = kleid(t, args...)
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Contains(t, r.stdout, "mean IoU")
	require.Contains(t, r.stdout, f.Facets[0].Facet)
}

// TestEvaluatePaintedOfFew has no figures of what it has not enough photos for.
func TestEvaluatePaintedOfFew(t *testing.T) {
	args := []string{"evaluate", "painted", "--products", "2", "--queries", "2"}
	r := kleid(t, append(args, "--json")...)
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Contains(t, r.stdout, `"facets":[]`)
	r = kleid(t, args...)
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Regexp(t, `painted +2 +[01]\.\d{3} .* 0 +–\n`, r.stdout, "all have a dress")
	require.Regexp(t, `mean +– +–`, r.stdout)
}

// TestEvaluateATrunk: a model that lacks what is to be measured is told before photos are read, unless it is trained.
func TestEvaluateATrunk(t *testing.T) {
	model := *readModel(t, tiny)
	model.Config.Facets, model.Weights = nil, model.Weights.Clone()
	delete(model.Weights, "location.out.weight")
	var file bytes.Buffer
	require.NoError(t, model.Encode(&file, models.Float32))
	place := write(t, filepath.Join(t.TempDir(), "trunk.safetensors"), file.Bytes())
	for what, want := range map[string]string{
		"location": "its location was never trained: train all that a trunk lacks with kleid train heads, or",
		"facets":   "the model names no facets: train them with kleid train facets, or",
	} {
		r := kleid(t, "evaluate", what, "--reference", "none", "--models", place)
		require.Equal(t, exit.Failed, r.code)
		require.Contains(t, r.stderr, want)
	}
}
