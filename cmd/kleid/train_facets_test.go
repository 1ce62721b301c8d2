package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/cmd/kleid/internal/evaluate"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/train"
	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/evaluation"
	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/registry"
)

// labelledProducts are painted with a photo each. A truth.csv is a manifest as it is.
const labelledProducts = 30

var paintedLabels = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(scratch, "labelled")
	return dir, studio.WriteQueries(context.Background(), dir, studio.Products("test-labels", 1, labelledProducts), labelledProducts, nil)
})

// ownPhotos is a copy of the table of painted photos, as records, that a test may change, and the photos' folder.
func ownPhotos(t *testing.T) (folder string, rows [][]string) {
	t.Helper()
	dir, err := paintedLabels()
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(dir, "truth.csv"))
	require.NoError(t, err)
	rows, err = csv.NewReader(bytes.NewReader(text)).ReadAll()
	require.NoError(t, err)
	return dir, rows
}

func column(t *testing.T, rows [][]string, name string) int {
	t.Helper()
	i := slices.Index(rows[0], name)
	require.GreaterOrEqual(t, i, 0, name)
	return i
}

// manifestOf writes a table of photos to a new folder; the photos stay where they are.
func manifestOf(t *testing.T, folder string, rows [][]string) string {
	t.Helper()
	at := column(t, rows, "photo")
	for i := range rows[1:] {
		if !filepath.IsAbs(rows[i+1][at]) {
			rows[i+1][at] = filepath.Join(folder, filepath.FromSlash(rows[i+1][at]))
		}
	}
	var text bytes.Buffer
	require.NoError(t, csv.NewWriter(&text).WriteAll(rows))
	return write(t, filepath.Join(t.TempDir(), "shop.csv"), text.Bytes())
}

// byFolder links photos into a folder for each label, as one facet's or, below, several facets'.
func byFolder(t *testing.T, folder string, rows [][]string, facets ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, row := range rows[1:] {
		for _, facet := range facets {
			to := filepath.Join(dir, facet, row[column(t, rows, facet)], filepath.Base(row[0]))
			if len(facets) == 1 {
				to = filepath.Join(dir, row[column(t, rows, facet)], filepath.Base(row[0]))
			}
			data, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(row[0])))
			require.NoError(t, err)
			write(t, to, data)
		}
	}
	return dir
}

func readModel(t *testing.T, path string) *models.Model {
	t.Helper()
	m, err := models.Load(t.Context(), path)
	require.NoError(t, err)
	return m
}

func facetOf(t *testing.T, m *models.Model, name string) models.FacetConfig {
	t.Helper()
	i := slices.IndexFunc(m.Config.Facets, func(f models.FacetConfig) bool { return f.Name == name })
	require.GreaterOrEqual(t, i, 0, name)
	return m.Config.Facets[i]
}

// TestTrainOnOwnManifest goes the whole way: a manifest with a corrupt photo, a missing one and a label that the
// shop calls otherwise, the question, the training, and all that it leaves.
func TestTrainOnOwnManifest(t *testing.T) {
	folder, rows := ownPhotos(t)
	sleeve, photo := column(t, rows, "sleeve"), column(t, rows, "photo")
	for _, row := range rows[1:] {
		if row[sleeve] == "long" {
			row[sleeve] = "wrist"
		}
	}
	rows = append(rows, slices.Clone(rows[1]), slices.Clone(rows[2]))
	rows[len(rows)-2][photo] = write(t, filepath.Join(t.TempDir(), "corrupt.jpg"), []byte("\xff\xd8\xff\xe0 no photo"))
	rows[len(rows)-1][photo] = "gone.jpg"
	manifest, work := manifestOf(t, folder, rows), t.TempDir()
	args := []string{"train", "facets", "--dataset", manifest, "--facets", "sleeve", "--work", work, "--steps", "40",
		"--rename", "sleeve:long=wrist", "--labels", "sleeve=wrist,sleeveless"}

	r := kleid(t, args...)
	require.Equal(t, exit.Usage, r.code, r.stderr)
	require.Contains(t, r.stderr, "say --yes if so")
	require.Regexp(t, `sleeve +wrist +\d+ +is long renamed\n`, r.stderr)
	require.NoFileExists(t, filepath.Join(work, "model.safetensors"))

	r = kleid(t, append(args, "--yes", "--max-bad", "1")...)
	require.Equal(t, exit.TooManyBad, r.code, r.stderr)
	require.Contains(t, r.stderr, "2 of 32 photos are bad, more than the 1 that --max-bad allows")
	require.Contains(t, r.stderr, "corrupt.jpg: ")
	require.Contains(t, r.stderr, "gone.jpg: the photo cannot be read: no such file")
	require.NoFileExists(t, filepath.Join(work, "model.safetensors"))
	listed, err := os.ReadFile(filepath.Join(work, "bad-photos.csv"))
	require.NoError(t, err)
	require.Equal(t, 3, strings.Count(string(listed), "\n"), string(listed))

	r = kleid(t, append(args, "--yes", "--max-bad", "2")...)
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Contains(t, r.stdout, "macro F1")
	require.Contains(t, r.stdout, "sleeve, test: is")
	before, after := readModel(t, tiny), readModel(t, filepath.Join(work, "model.safetensors"))
	require.Equal(t, before.EmbeddingModel(), after.EmbeddingModel(), "an index stays valid")
	require.NotEqual(t, before.FacetModel(), after.FacetModel())
	trained := facetOf(t, after, "sleeve")
	require.Equal(t, []string{"wrist", "sleeveless"}, trained.Labels[:2])
	require.Subset(t, []string{"wrist", "sleeveless", "cap", "short", "three-quarters"}, trained.Labels)
	for _, f := range before.Config.Facets {
		if f.Name != "sleeve" {
			require.Equal(t, f, facetOf(t, after, f.Name))
			for _, part := range []string{"weight", "bias"} {
				name := "facets." + f.Name + "." + part
				require.Equal(t, before.Weights[name], after.Weights[name], name)
			}
		}
	}

	var figures train.FacetsFigures
	text, err := os.ReadFile(filepath.Join(work, "facets.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &figures))
	require.Equal(t, after.FacetModel(), figures.FacetModel)
	require.Equal(t, 2, figures.Bad)
	require.Len(t, figures.Datasets[0].Fingerprint, 64)
	require.Equal(t, labelledProducts+2, figures.Datasets[0].Photos)
	require.Len(t, figures.Train, 1)
	require.Len(t, figures.Test, 1)
	require.Equal(t, labelledProducts, figures.Train[0].Photos+figures.Test[0].Photos)
	require.Greater(t, figures.Train[0].Accuracy, 0.5, "what was learned from is known")
	order := slices.DeleteFunc(slices.Clone(trained.Labels), func(label string) bool { return !slices.Contains(figures.Train[0].Confusion.Labels, label) })
	require.Equal(t, order, figures.Train[0].Confusion.Labels, "the model's order")

	predictions, err := parquet.ReadFile[evaluation.LabelProbability](filepath.Join(work, "predictions.parquet"))
	require.NoError(t, err)
	labels := 0
	for _, f := range after.Metadata().Facets {
		labels += len(f.Labels)
	}
	require.Equal(t, labelledProducts*labels, len(predictions), "all tags of all photos")
	right, asked := 0, 0
	for _, p := range predictions {
		if p.Set == evaluation.Apart && p.Truth != "" && p.Predicted {
			require.Equal(t, "sleeve", p.Facet)
			if asked++; p.Label == p.Truth {
				right++
			}
		}
	}
	require.Equal(t, figures.Test[0].Photos, asked)
	require.InDelta(t, figures.Test[0].Accuracy, float64(right)/float64(asked), 1e-9, "what was said and what is so")
	table, err := os.ReadFile(filepath.Join(work, "predictions.csv"))
	require.NoError(t, err)
	require.Equal(t, labelledProducts*labels+1, bytes.Count(table, []byte("\n")))

	page, err := os.ReadFile(filepath.Join(work, "report.html"))
	require.NoError(t, err)
	require.Contains(t, string(page), fmt.Sprintf("macro F1 %.3f", figures.Test[0].MacroF1))
	require.Contains(t, string(page), "are taken for wrist")
	require.Equal(t, 3, strings.Count(string(page), "<details><summary class=\"head\">"), "heads without a third of the photos each")

	// The registry takes the figures of the photos that were kept apart.
	_, _, err = registry.ReadMetrics(t.Context(), filepath.Join(work, registry.StoryFile))
	require.ErrorContains(t, err, "tells of a training")
	metrics, measuredOn, err := registry.ReadMetrics(t.Context(), filepath.Join(work, "metrics.json"))
	require.NoError(t, err)
	require.Equal(t, figures.Test[0].MacroF1, metrics["facets.sleeve.macro_f1"])
	require.NotEmpty(t, figures.Test[0].MeasuredOn)
	require.Equal(t, figures.Test[0].MeasuredOn, measuredOn["facets.sleeve.macro_f1"])
	require.Equal(t, figures.Test[0].MeasuredOn, figures.Before[0].MeasuredOn)
	require.Equal(t, figures.Before[0].MacroF1, metrics[registry.OfParent+"facets.sleeve.macro_f1"])
	require.Equal(t, figures.Test[0].MeasuredOn, measuredOn[registry.OfParent+"facets.sleeve.macro_f1"])

	require.Equal(t, "sleeve", figures.Before[0].Facet)
	require.Equal(t, figures.Test[0].Photos, figures.Before[0].Photos)
	require.Equal(t, figures.Test[0].Confusion.Labels, figures.Before[0].Confusion.Labels, "by the new names")

	t.Run("order", func(t *testing.T) { requireOrder(t, filepath.Join(work, "model.safetensors"), trained.Labels) })
}

// TestEvaluateOnOwnPhotos measures a model that is not trained, and says what it cannot measure.
func TestEvaluateOnOwnPhotos(t *testing.T) {
	folder, rows := ownPhotos(t)
	manifest := manifestOf(t, folder, rows)
	r := kleid(t, "evaluate", "facets", "--dataset", manifest, "--facets", "sleeve", "--min-count", "1", "--json")
	require.Equal(t, exit.Done, r.code, r.stderr)
	reports := decodeLine[evaluate.DatasetReport](t, r).Facets
	require.Len(t, reports, 1)
	require.Equal(t, "sleeve", reports[0].Facet)
	require.Equal(t, labelledProducts, reports[0].Photos)
	r = kleid(t, "evaluate", "facets", "--dataset", manifest, "--min-count", "1")
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Contains(t, r.stdout, "neckline")

	// Of a facet none of whose --labels a photo has there is no figure, though others have theirs.
	none := slices.Clone(rows)
	for i, row := range none {
		if at := column(t, rows, "sleeve"); row[at] == "long" {
			none[i] = slices.Clone(row)
			none[i][at] = ""
		}
	}
	r = kleid(t, "evaluate", "facets", "--dataset", manifestOf(t, folder, none), "--min-count", "1", "--labels", "sleeve=long", "--json")
	require.Equal(t, exit.Failed, r.code)
	require.Contains(t, r.stderr, "--labels: sleeve: no photo has long")

	// However the shop spells its labels, they are the model's.
	for _, row := range rows[1:] {
		row[column(t, rows, "sleeve")] = strings.ToUpper(strings.ReplaceAll(row[column(t, rows, "sleeve")], "-", " "))
	}
	r = kleid(t, "evaluate", "facets", "--dataset", manifestOf(t, folder, rows), "--facets", "sleeve", "--min-count", "1", "--json")
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Equal(t, reports, decodeLine[evaluate.DatasetReport](t, r).Facets)
	r = kleid(t, "evaluate", "facets", "--dataset", manifest, "--facets", "sleeve", "--min-count", "1000", "--json")
	require.Equal(t, exit.Failed, r.code)
	require.Contains(t, r.stderr, "no label has 1000 photos")
	for want, args := range map[string][]string{
		"the model knows no fit":                       {"--facets", "fit"},
		"--dataset and --folds exclude each other":     {"--folds"},
		"--dataset and --reference exclude each other": {"--reference", folder},
		"--labels: ":             {"--labels", "sleeve=wings"},
		`--split is "train"`:     {"--split", "train"},
		"--rename is \"sleeve\"": {"--rename", "sleeve"},
	} {
		r := kleid(t, append([]string{"evaluate", "facets", "--dataset", manifest}, args...)...)
		require.Equal(t, exit.Usage, r.code, want)
		require.Contains(t, r.stderr, want)
	}
}

// requireOrder wants a model's labels in its own order wherever people see them.
func requireOrder(t *testing.T, model string, labels []string) {
	s, err := paintedShop()
	require.NoError(t, err)
	out := filepath.Join(t.TempDir(), "p.csv")
	r := kleid(t, "predict", s.photos(t)[0], "--models", model, "--out", out)
	require.Equal(t, exit.Done, r.code, r.stderr)
	file, err := os.Open(out)
	require.NoError(t, err)
	defer file.Close()
	table, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	var predicted []string
	for _, row := range table[1:] {
		if row[column(t, table, "facet")] == "sleeve" {
			predicted = append(predicted, row[column(t, table, "label")])
		}
	}
	require.Equal(t, labels, predicted)
	index := t.TempDir()
	r = kleid(t, "index", "--catalogue", s.catalogue, "--out", index, "--models", model)
	require.Equal(t, exit.Done, r.code, r.stderr)
	run, err := indexer.Latest(index)
	require.NoError(t, err)
	data, err := os.ReadFile(indexer.ParquetPath(index, run))
	require.NoError(t, err)
	reader, err := catalog.Read(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	i := slices.IndexFunc(reader.Metadata().Facets, func(f catalog.Facet) bool { return f.Name == "sleeve" })
	require.Equal(t, labels, reader.Metadata().Facets[i].Labels)
}

// requireSurroundings: a model sees what is around a dress as long as a facet of it is read from that, whatever the model
// saw that it was trained from.
func requireSurroundings(t *testing.T, photos, model string) {
	t.Helper()
	width := func(m *models.Model, facet string) int { return m.Weights["facets."+facet+".weight"].Shape[1] }
	require.Nil(t, readModel(t, tiny).Config.Surroundings)
	after := readModel(t, model)
	require.NotNil(t, after.Config.Surroundings)
	require.True(t, facetOf(t, after, "length").Surroundings)
	require.False(t, facetOf(t, after, "neckline").Surroundings)
	require.Equal(t, width(after, "neckline")+after.Config.SurroundingsCells(), width(after, "length"))

	work := t.TempDir()
	again := []string{"train", "facets", "--models", model, "--dataset", photos, "--work", work, "--steps", "20", "--yes"}
	r := kleid(t, append(again, "--facets", "neckline")...)
	require.Equal(t, exit.Done, r.code, r.stderr)
	other := readModel(t, filepath.Join(work, "model.safetensors"))
	require.Equal(t, after.Config.Surroundings, other.Config.Surroundings)
	require.Equal(t, after.Weights["facets.length.weight"], other.Weights["facets.length.weight"], "what is not trained stays")

	r = kleid(t, append(again, "--facets", "length", "--surroundings", "length=not")...)
	require.Equal(t, exit.Done, r.code, r.stderr)
	none := readModel(t, filepath.Join(work, "model.safetensors"))
	require.Nil(t, none.Config.Surroundings)
	require.Equal(t, width(after, "neckline"), width(none, "length"))
}

// TestTrainOnOwnFolders learns from a folder for each label, of several facets and of a new one, and mixes in
// painted dresses.
func TestTrainOnOwnFolders(t *testing.T) {
	folder, rows := ownPhotos(t)
	several := byFolder(t, folder, rows, "neckline", "length")
	work := t.TempDir()
	r := kleid(t, "train", "facets", "--dataset", several, "--work", work, "--steps", "20", "--yes", "--json")
	require.Equal(t, exit.Done, r.code, r.stderr)
	figures := decodeLine[train.FacetsFigures](t, r)
	require.Len(t, figures.Test, 2)
	require.Equal(t, "neckline", figures.Test[0].Facet, "the model's facets come in its order")
	require.Equal(t, 2*labelledProducts, figures.Train[0].Photos+figures.Test[0].Photos+figures.Train[1].Photos+figures.Test[1].Photos)
	requireSurroundings(t, several, filepath.Join(work, "model.safetensors"))

	// A facet that the model does not have yet, measured on photos of another place.
	one := byFolder(t, folder, rows, "pattern")
	r = kleid(t, "train", "facets", "--dataset", one, "--facets", "print", "--test-dataset", one, "--work", t.TempDir(), "--steps", "20", "--yes")
	require.Equal(t, exit.Failed, r.code, r.stderr)
	require.Contains(t, r.stderr, "there are no photos with a label to learn from", "what is measured with is not learned from")
	odd := slices.Clone(rows[:8])
	odd[7] = slices.Clone(odd[7])
	odd[7][column(t, odd, "pattern")] = "zigzag"
	other := byFolder(t, folder, odd, "pattern")
	work = t.TempDir()
	r = kleid(t, "train", "facets", "--dataset", one, "--facets", "print", "--test-dataset", other, "--work", work, "--steps", "20", "--yes", "--json")
	require.Equal(t, exit.Done, r.code, r.stderr)
	figures = decodeLine[train.FacetsFigures](t, r)
	require.Equal(t, 7, figures.Test[0].Photos)
	require.Equal(t, labelledProducts-7, figures.Train[0].Photos, "what is not measured with is learned from")
	require.Contains(t, r.stderr, "print: no photo to learn from is zigzag")
	require.Equal(t, "zigzag", figures.Test[0].Labels[len(figures.Test[0].Labels)-1].Label)
	require.Zero(t, figures.Test[0].Labels[len(figures.Test[0].Labels)-1].F1)
	after := readModel(t, filepath.Join(work, "model.safetensors"))
	require.Equal(t, "print", after.Config.Facets[len(after.Config.Facets)-1].Name)

	r = kleid(t, "train", "facets", "--dataset", several+"=0.7", "--dataset", "studio=0.3", "--products", "6", "--facets", "length",
		"--work", t.TempDir(), "--steps", "20", "--json")
	require.Equal(t, exit.Done, r.code, r.stderr)
	figures = decodeLine[train.FacetsFigures](t, r)
	require.Equal(t, []float64{0.7, 0.3}, []float64{figures.Datasets[0].Weight, figures.Datasets[1].Weight})
	require.Equal(t, "studio", figures.Datasets[1].Name)
	photos, painted := 0, 0
	for _, w := range figures.Weights {
		photos, painted = photos+w.Samples, painted+w.Painted
	}
	require.Equal(t, 6*6, painted)
	require.Equal(t, figures.Train[0].Photos+6*6, photos, "painted photos are learned from, and not measured")
}

func TestTrainFacetsUsage(t *testing.T) {
	folder, rows := ownPhotos(t)
	manifest := manifestOf(t, folder, rows)
	own := func(more ...string) []string { return append([]string{"--dataset", manifest}, more...) }
	for says, args := range map[string][]string{
		"--facets goes with --dataset":                        {"--facets", "neckline"},
		"exclude each other":                                  own("--reference", "photos"),
		"the weight is -1":                                    {"--dataset", manifest + "=-1"},
		`--max-bad is "many"`:                                 own("--max-bad", "many"),
		`--max-bad is "120%"`:                                 own("--max-bad", "120%"),
		"--facets names neckline twice":                       own("--facets", "neckline,Neckline"),
		`--labels is "round", but takes`:                      own("--labels", "round"),
		`there is an empty label`:                             own("--labels", "neckline=a,,b"),
		`--rename is "neckline=a", but takes`:                 own("--rename", "neckline=a"),
		"new name of a label for hem, which is not":           own("--facets", "sleeve", "--rename", "hem:a=b"),
		`new name for label "crew" of neckline`:               own("--facets", "neckline", "--rename", "neckline:crew=round"),
		`there is no label "v neck"`:                          own("--facets", "neckline", "--class-weight", "neckline=v neck=2", "--yes"),
		"--steps is -1":                                       own("--steps", "-1"),
		`the order of sleeve has label "Cap" twice`:           own("--facets", "sleeve", "--labels", "sleeve=cap,Cap"),
		`the order of sleeve has label "shrt", which neither`: own("--facets", "sleeve", "--labels", "sleeve=shrt,long"),
		`"rare" is none of`:                                   own("--class-weights", "rare"),
	} {
		r := kleid(t, append([]string{"train", "facets", "--work", t.TempDir()}, args...)...)
		require.Equal(t, exit.Usage, r.code, "%s: %s", says, r.stderr)
		require.Contains(t, r.stderr, says)
	}
	r := kleid(t, "train", "facets", "--dataset", "nowhere.csv", "--work", t.TempDir())
	require.Equal(t, exit.Failed, r.code)
	require.Contains(t, r.stderr, "nowhere.csv: there is no such folder or file")
}

// TestTrainOwnTrunk: facets get a network to themselves, and later learn from the model's again.
func TestTrainOwnTrunk(t *testing.T) {
	folder, rows := ownPhotos(t)
	manifest, work := manifestOf(t, folder, rows), t.TempDir()
	path := filepath.Join(work, "model.safetensors")
	args := []string{"train", "facets", "--dataset", manifest, "--facets", "sleeve", "--steps", "20", "--yes", "--work", work}
	r := kleid(t, append(args, "--own-trunk", "3")...)
	require.Equal(t, exit.Done, r.code, r.stderr)
	before, own := readModel(t, tiny), readModel(t, path)
	require.Equal(t, before.EmbeddingModel(), own.EmbeddingModel(), "an index stays valid")
	require.Equal(t, []string{"sleeve"}, own.Config.OwnTrunks())
	trunk := own.WithTrunk("sleeve").Weights.Sub("trunk.")
	require.Len(t, trunk, len(before.Weights.Sub("trunk.")))
	require.NotEqual(t, before.Weights["trunk.stem.conv.weight"].Data, trunk["stem.conv.weight"].Data)

	photo := rows[1][column(t, rows, "photo")]
	r = kleid(t, "predict", "--models", path, "--json", photo)
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Contains(t, r.stdout, "sleeve")

	r = kleid(t, append(args, "--models", path, "--own-trunk", "2", "--learning-rate", "1e-4", "--mixup", "0.2")...)
	require.Equal(t, exit.Done, r.code, r.stderr)
	later := readModel(t, path).WithTrunk("sleeve").Weights.Sub("trunk.")
	require.NotEqual(t, trunk, later)
	distance := func(from models.Weights) (sum float64) {
		for i, v := range later["stem.conv.weight"].Data {
			sum += math.Abs(float64(v - from["stem.conv.weight"].Data[i]))
		}
		return sum
	}
	require.Less(t, distance(trunk), distance(before.Weights.Sub("trunk."))/2, "it goes on from where it was")
	stages, err := filepath.Glob(filepath.Join(work, "stages", "*"))
	require.NoError(t, err)
	require.Empty(t, stages, "the checkpoint is not needed any more")

	r = kleid(t, slices.DeleteFunc(append(slices.Clone(args), "--models", path), func(arg string) bool { return arg == "--yes" })...)
	require.Equal(t, exit.Usage, r.code, r.stderr)
	require.Contains(t, r.stderr, "begins anew: its head read another trunk")
	r = kleid(t, append(args, "--models", path)...)
	require.Equal(t, exit.Done, r.code, r.stderr)
	again := readModel(t, path)
	require.Empty(t, again.Config.OwnTrunks())
	sleeve := again.Config.Facets[slices.IndexFunc(again.Config.Facets, func(f models.FacetConfig) bool { return f.Name == "sleeve" })]
	require.True(t, sleeve.Roots)
	require.False(t, own.Config.Facets[slices.IndexFunc(own.Config.Facets, func(f models.FacetConfig) bool { return f.Name == "sleeve" })].Roots)
	reads := func(args ...string) bool { // whether the head reads a dress's hem
		r := kleid(t, append(args, "--models", path)...)
		require.Equal(t, exit.Done, r.code, r.stderr)
		m := readModel(t, path)
		cells := m.Weights["facets.sleeve.weight"].Data[:m.Weights["facets.sleeve.weight"].Shape[1]]
		return slices.ContainsFunc(cells[len(cells)*5/6:], func(w float32) bool { return w != 0 })
	}
	require.True(t, reads(args...))
	require.False(t, reads(append(args, "--upper", "sleeve=0.5")...))

	r = kleid(t, "train", "facets", "--own-trunk", "3")
	require.Equal(t, exit.Usage, r.code)
	require.Contains(t, r.stderr, "--own-trunk goes with --dataset")
	r = kleid(t, append(args, "--mixup", "0.2")...)
	require.Equal(t, exit.Usage, r.code)
	require.Contains(t, r.stderr, "--mixup goes with --own-trunk")
}
