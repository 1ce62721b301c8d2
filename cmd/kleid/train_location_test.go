package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/evaluation"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/registry"
)

// boxManifest is a manifest of painted photos with boxes, and no facets, of which the first six are for measuring; others
// are changed by who calls.
func boxManifest(t *testing.T, change func(row map[string]*string, i int)) string {
	t.Helper()
	folder, rows := ownPhotos(t)
	columns := []string{"photo", "product", "x_min", "y_min", "x_max", "y_max"}
	table := [][]string{append(slices.Clone(columns), "is_dress", "split")}
	for i, row := range rows[1:] {
		var own []string
		for _, name := range columns {
			own = append(own, row[column(t, rows, name)])
		}
		own = append(own, "yes", "train")
		if i < 6 {
			own[len(own)-1] = "test"
		}
		cells := map[string]*string{}
		for j, name := range table[0] {
			cells[name] = &own[j]
		}
		change(cells, i)
		table = append(table, own)
	}
	return manifestOf(t, folder, table)
}

// refiningModel is the tiny model with a second look that has learned nothing and is quickly fitted.
func refiningModel(t *testing.T) string {
	t.Helper()
	m := readModel(t, tiny)
	refine := models.DefaultRefineConfig()
	refine.Rows, refine.Columns = 1, 1
	m.Config.Refine, m.Config.PatchHeight, m.Config.PatchWidth = &refine, 64, 48
	backbone, err := m.Trunk()
	require.NoError(t, err)
	m.Weights["refine.weight"], m.Weights["refine.bias"] = models.NewTensor(5, backbone.Channels), models.NewTensor(5)
	var file bytes.Buffer
	require.NoError(t, m.Encode(&file, models.Float32))
	return write(t, filepath.Join(t.TempDir(), "model.safetensors"), file.Bytes())
}

// TestTrainLocationOnOwnBoxes goes the whole way: bad photos and boxes before anything is painted, the training, the figures
// of before and after, and what an evaluation says of the model.
func TestTrainLocationOnOwnBoxes(t *testing.T) {
	wall := write(t, filepath.Join(t.TempDir(), "wall.jpg"), greyPhoto(t))
	manifest := boxManifest(t, func(row map[string]*string, i int) {
		none := func() { *row["x_min"], *row["y_min"], *row["x_max"], *row["y_max"] = "", "", "", "" }
		switch i {
		case 5:
			none()
			*row["photo"], *row["is_dress"] = wall, "no"
		case 6:
			none()
		case 7:
			*row["photo"] = "gone.jpg"
		case 8:
			*row["x_min"], *row["x_max"] = "9000", "9100"
		}
	})
	work, from := t.TempDir(), refiningModel(t)
	args := []string{"train", "refine", "--dataset", manifest, "--models", from, "--work", work, "--products", "4"}
	r := kleid(t, append(args, "--max-bad", "1")...)
	require.Equal(t, exit.TooManyBad, r.code, r.stderr)
	require.Contains(t, r.stderr, "2 of 30 photos are bad, more than the 1 that --max-bad allows")
	require.Contains(t, r.stderr, "gone.jpg: the photo cannot be read")
	require.Contains(t, r.stderr, "lies outside the photo")
	require.NotContains(t, r.stderr, "painting")
	require.FileExists(t, filepath.Join(work, "bad-photos.csv"))

	r = kleid(t, append(args, "--max-bad", "2")...)
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Contains(t, r.stderr, "21 photos with a dress and 0 without one to learn from, 6 to measure with")
	require.Contains(t, r.stderr, "1 photos are left out: nobody said where the dress is in them")
	require.Regexp(t, `kept apart, before +5 +0\.\d{3} .* 1 +0\.0%\n *kept apart +5 `, r.stdout)
	metrics, measuredOn, err := registry.ReadMetrics(t.Context(), filepath.Join(work, registry.MetricsFile))
	require.NoError(t, err)
	require.Equal(t, 5.0, metrics["location.dresses"])
	require.Positive(t, metrics["before.location.mean_iou"])
	require.NotEmpty(t, measuredOn["location.mean_iou"])
	require.Equal(t, measuredOn["location.mean_iou"], measuredOn["before.location.mean_iou"])

	report := readText(t, filepath.Join(work, "report.html"))
	require.Contains(t, report, `<th scope="row">kept apart, before</th>`)
	require.Contains(t, report, "6 photos that are kept apart, the worst first")
	require.GreaterOrEqual(t, strings.Count(report, "data:image/jpeg"), 5, "but perhaps for the wall")

	path := filepath.Join(work, "model.safetensors")
	trained, before := readModel(t, path), readModel(t, from)
	require.NotEqual(t, before.Parts()[models.LocationPart], trained.Parts()[models.LocationPart])
	require.NotEmpty(t, trained.Config.Learned[models.LearnedLocation])

	evaluate := func(args ...string) result {
		r := kleid(t, append([]string{"evaluate", "location", "--dataset", manifest, "--models", path, "--max-bad", "2"}, args...)...)
		require.Equal(t, exit.Done, r.code, r.stderr)
		return r
	}
	r = evaluate("--split", "test", "--json")
	require.NotContains(t, r.stderr, "has learned from")
	of := decodeLine[map[string]evaluation.LocationReport](t, r)["location"]
	require.Equal(t, metrics["location.mean_iou"], of.MeanIoU, "the same photos")
	require.Equal(t, measuredOn["location.mean_iou"], of.MeasuredOn)
	r = evaluate()
	require.Regexp(t, `the model has learned from about 7\d% of these photos`, r.stderr)
	require.Regexp(t, `photos +26 `, r.stdout)
	require.NotContains(t, r.stdout, "street")

	for says, args := range map[string][]string{
		"--split and --folds exclude each other": {"--split", "test", "--folds"},
		"--split is":                             {"--split", "some"},
		"takes no weight here":                   {"--dataset", manifest + "=0.5"},
		"kleid evaluate painted":                 {"--dataset", "studio"},
	} {
		r := kleid(t, append([]string{"evaluate", "location", "--dataset", manifest}, args...)...)
		require.Equal(t, exit.Usage, r.code, r.stderr)
		require.Contains(t, r.stderr, says)
	}
}

// TestTrainLocationOfNothing says what is missing before anything is painted.
func TestTrainLocationOfNothing(t *testing.T) {
	manifest := boxManifest(t, func(row map[string]*string, _ int) {
		*row["x_min"], *row["y_min"], *row["x_max"], *row["y_max"] = "", "", "", ""
	})
	for _, part := range []string{"location", "refine", "background", "heads"} {
		r := kleid(t, "train", part, "--dataset", manifest, "--work", t.TempDir())
		require.Equal(t, exit.Failed, r.code, r.stderr)
		require.Contains(t, r.stderr, "--dataset has no photo to learn from", part)
	}
	r := kleid(t, "evaluate", "location", "--dataset", manifest)
	require.Equal(t, exit.Failed, r.code, r.stderr)
	require.Contains(t, r.stderr, "--dataset has no photo to measure with")
	r = kleid(t, "evaluate", "location")
	require.Equal(t, exit.Usage, r.code, r.stderr)
	require.Contains(t, r.stderr, "kleid evaluate location needs --dataset, photos of your own, or --reference")
}

// TestEvaluateLocationWithBadPhotos counts and tells those of a reference that cannot be read.
func TestEvaluateLocationWithBadPhotos(t *testing.T) {
	reference := paintedReference(t)
	require.NoError(t, os.Remove(filepath.Join(reference, "ccp", "photos", "1.jpg")))
	write(t, filepath.Join(reference, "clothing", "images", "hat.jpg"), []byte("no photo"))
	args := []string{"evaluate", "location", "--reference", reference, "--json", "--max-bad"}
	r := kleid(t, append(args, "1")...)
	require.Equal(t, exit.TooManyBad, r.code, r.stderr)
	require.Contains(t, r.stderr, "bad: ccp/photos/1.jpg: ")
	require.Contains(t, r.stderr, "2 of 6 photos of --reference are bad")
	r = kleid(t, append(args, "2")...)
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Equal(t, 3, decodeLine[map[string]evaluation.LocationReport](t, r)["street"].Dresses)

	boxes := filepath.Join(reference, "ccp", "dress_boxes.csv")
	text, err := os.ReadFile(boxes)
	require.NoError(t, err)
	write(t, boxes, []byte(strings.TrimSpace(string(text))+"\n2.jpg,1,1,9,9,0\n"))
	r = kleid(t, append(args, "2")...)
	require.Equal(t, exit.Failed, r.code, r.stderr)
	require.Contains(t, r.stderr, "dress_boxes.csv: line 7: 2.jpg has a row in line 4 already")
}
