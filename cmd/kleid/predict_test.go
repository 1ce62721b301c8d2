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
	"github.com/kleid-search/kleid/cmd/kleid/internal/photos"
	"github.com/kleid-search/kleid/evaluation"
	"github.com/kleid-search/kleid/models"
)

// TestPredict finds the same labels in the table, the JSON and both files, and those of embed.
func TestPredict(t *testing.T) {
	s := newShop(t)
	dir := t.TempDir()
	photo := s.photos(t)[0]
	wall := write(t, filepath.Join(dir, "wall.jpg"), greyPhoto(t))
	embedded := decodeLine[photos.EmbedReport](t, kleid(t, "embed", photo, "--json"))
	seen, model := embedded.Photos[0], embedded.FacetModel

	files := []string{filepath.Join(dir, "predictions.parquet"), filepath.Join(dir, "predictions.csv")}
	for _, file := range files {
		r := kleid(t, "predict", photo, wall, "--out", file)
		require.Equal(t, exit.Done, r.code, r.stderr)
		require.Contains(t, r.stdout, "no dress")
		for facet, value := range seen.Facets {
			require.Contains(t, r.stdout, facet)
			require.Contains(t, r.stdout, value.Label)
		}
	}
	tables := make([][]evaluation.LabelProbability, len(files))
	for i, file := range files {
		for row, err := range evaluation.ReadPredictions(file) {
			require.NoError(t, err)
			tables[i] = append(tables[i], row)
		}
	}
	rows := tables[0]
	require.Equal(t, rows, tables[1])
	sums, found := map[string]float64{}, map[string]string{}
	for _, r := range rows {
		require.Equal(t, photo, r.Source)
		require.Equal(t, seen.PhotoID, r.PhotoID)
		require.Equal(t, seen.Box, r.Box)
		require.Equal(t, model, r.FacetModel)
		sums[r.Facet] += float64(r.Probability)
		if r.Predicted {
			found[r.Facet] = r.Label
			require.Equal(t, seen.Facets[r.Facet].Probability, r.Probability)
		}
	}
	for facet, value := range seen.Facets {
		require.InDelta(t, 1, sums[facet], 1e-5)
		require.Equal(t, value.Label, found[facet])
	}
	r := kleid(t, "predict", photo, "nowhere.jpg", "--json")
	require.Equal(t, exit.Failed, r.code)
	report := decodeLine[photos.PredictReport](t, result{stdout: r.stdout, code: exit.Done})
	for _, facet := range report.Facets {
		var labels []string
		for _, row := range rows {
			if row.Facet == facet.Name {
				labels = append(labels, row.Label)
			}
		}
		require.Equal(t, labels, facet.Labels, "the model's order, as in the files")
		require.Len(t, report.Photos[0].Facets[facet.Name], len(labels))
	}
	require.Len(t, report.Facets, len(report.Photos[0].Facets))
	require.Len(t, report.Photos, 2)
	require.NotEmpty(t, seen.Colours)
	require.Equal(t, seen.Colours, report.Photos[0].Colours)
	for facet, value := range seen.Facets {
		require.Equal(t, value.Probability, report.Photos[0].Facets[facet][value.Label])
	}
	require.NotEmpty(t, report.Photos[1].Error)
	require.Equal(t, seen.Box, report.Photos[0].Box)
	require.Equal(t, seen.BoxConfidence, report.Photos[0].BoxConfidence)
	require.Len(t, report.Photos[0].Confident, len(report.Facets))

	r = kleid(t, "predict", photo, "--box", "1,2,60,80")
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Contains(t, r.stdout, "x 1 to 60, y 2 to 80 (100% sure)")
	require.Equal(t, exit.Usage, kleid(t, "predict", photo, wall, "--box", "1,2,60,80").code)
	require.Contains(t, kleid(t, "predict", photo, "--box", "9000,9000,9100,9100").stderr, "lies outside the photo")
	require.Equal(t, exit.Usage, kleid(t, "predict").code)
	require.Equal(t, exit.Usage, kleid(t, "predict", photo, "--out", "predictions.xlsx").code)
	r = kleid(t, "predict", photo, "--out", "s3://shop/predictions.csv")
	require.Equal(t, exit.Usage, r.code)
	require.Contains(t, r.stderr, "must be a file on this machine")
}

// TestPredictWithFacetsAlone takes a model without embeddings, and with a box one that does not find dresses either; its
// labels are those of the whole model.
func TestPredictWithFacetsAlone(t *testing.T) {
	photo := newShop(t).photos(t)[0]
	whole, err := models.Load(t.Context(), os.Getenv("KLEID_MODELS"))
	require.NoError(t, err)
	without := func(heads ...string) string {
		part := &models.Model{Config: whole.Config, Weights: whole.Weights.Clone()}
		for name := range whole.Weights {
			if head, _, _ := strings.Cut(name, "."); slices.Contains(heads, head) {
				delete(part.Weights, name)
			}
		}
		var file bytes.Buffer
		require.NoError(t, part.Encode(&file, models.Float32))
		return write(t, filepath.Join(t.TempDir(), "part.safetensors"), file.Bytes())
	}
	vectorless, bare := without("unsupervised", "deeprank"), without("unsupervised", "deeprank", "background", "location")
	predict := func(arguments ...string) []photos.PredictedPhoto {
		r := kleid(t, append([]string{"predict", photo, "--json"}, arguments...)...)
		require.Equal(t, exit.Done, r.code, r.stderr)
		return decodeLine[photos.PredictReport](t, r).Photos
	}
	require.Equal(t, predict(), predict("--models", vectorless))
	require.Equal(t, predict("--box", "1,2,60,80"), predict("--box", "1,2,60,80", "--models", bare))
	r := kleid(t, "predict", photo, "--models", bare)
	require.Equal(t, exit.Failed, r.code)
	require.Contains(t, r.stderr, "say where the dress is with --box")

	whole.Config.Facets = nil
	r = kleid(t, "predict", photo, "--models", without("unsupervised", "deeprank", "facets"))
	require.Equal(t, exit.Failed, r.code)
	require.Contains(t, r.stderr, "no facets to name")
}
