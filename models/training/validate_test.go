package training

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/linear"
	"github.com/kleid-search/kleid/models/training/report"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// TestFacetsMacroF1 counts by hand: cells are the scores of three labels, which the heads read as they are.
func TestFacetsMacroF1(t *testing.T) {
	pool := &Pool{Facets: []catalog.Facet{{Name: "sleeve", Labels: []string{"none", "short", "long"}}, {Name: "unknown", Labels: []string{"a", "b", "c"}}}}
	identity := &models.Tensor{Shape: []int{3, 3}, Data: []float32{1, 0, 0, 0, 1, 0, 0, 0, 1}}
	weights := models.Weights{}
	for _, f := range pool.Facets {
		weights["facets."+f.Name+".weight"], weights["facets."+f.Name+".bias"] = identity, models.NewTensor(3)
	}
	samples := facetSamples{cells: linear.Matrix{Rows: 5, Columns: 3, Data: []float32{
		0.9, 0.1, 0, // none, is none
		0.1, 0.6, 0.3, // short, is none
		0, 2, 1, // short, is short
		0, -1, -2, // none, is short
		5, 0, 0, // none, nobody knows
	}}}
	for _, truth := range []string{"none", "none", "short", "short", ""} {
		samples.labels = append(samples.labels, pool.crop(photo.New(8, 8), photo.Box{XMax: 8, YMax: 8}, map[string]string{"sleeve": truth}).Labels)
	}
	f1, err := facetsMacroF1(pool, samples)(t.Context(), weights)
	require.NoError(t, err)
	require.InDelta(t, 0.5, f1, 1e-9, "none and short are right once of two times; long and unknown are nowhere")

	weights["facets.sleeve.bias"] = &models.Tensor{Shape: []int{3}, Data: []float32{-9, 0, -9}} // always short
	f1, err = facetsMacroF1(pool, samples)(t.Context(), weights)
	require.NoError(t, err)
	require.InDelta(t, (0+2.0/3)/2, f1, 1e-9)

	f1, err = facetsMacroF1(pool, facetSamples{cells: linear.Matrix{Columns: 3}})(t.Context(), weights)
	require.NoError(t, err)
	require.Zero(t, f1)
}

// TestFacetsAreValidated finds the curve of a making in its report: heads learn painted dresses.
func TestFacetsAreValidated(t *testing.T) {
	options := tiny(t)
	options.Heads = []string{"facets"}
	options.Trunk.HalfSteps, options.Trunk.FullSteps = 1, 0
	options.Steps, options.Loop.ValidateEvery = 40, 10
	_, err := Make(t.Context(), options)
	require.NoError(t, err)
	data, err := storage.ReadAll(t.Context(), options.Work, report.Key, 1<<24)
	require.NoError(t, err)
	var r report.Report
	require.NoError(t, json.Unmarshal(data, &r))
	require.Len(t, r.Stages, 2, "without real photos there is no fold that the heads leave out")
	validated := map[string]report.Curve{}
	for _, s := range r.Stages {
		for _, c := range s.Curves {
			if c.Best {
				validated[s.Name] = c
			}
		}
	}
	require.Len(t, validated, 2)
	require.Equal(t, recallName, validated["trunk"].Name)
	curve := validated["facets"]
	require.Equal(t, macroF1Name, curve.Name)
	require.Equal(t, []int{10, 20, 30, 40}, curve.Steps)
	for _, v := range curve.Values {
		require.Greater(t, v, 0.0)
		require.LessOrEqual(t, v, 1.0)
	}
}

// TestRecall has two queries, one of which finds its product.
func TestRecall(t *testing.T) {
	rows := linear.Matrix{Rows: 4, Columns: 2, Data: []float32{
		1, 0, // product 7 in the catalogue
		0, 3, // product 8 in the catalogue
		9, 1, // product 7 seen by a customer
		5, 1, // product 8, nearer to 7
	}}
	require.InDelta(t, 0.5, recall(rows, []int{7, 8, 7, 8}, []bool{false, false, true, true}), 1e-9)
	require.Equal(t, 1.0, recall(rows, []int{7, 8, 7, 7}, []bool{false, false, true, true}))
	require.Zero(t, recall(rows, []int{7, 8, 7, 8}, make([]bool, 4)), "nobody asked")
	require.Zero(t, recall(rows, []int{7, 7, 7, 7}, []bool{true, true, true, true}), "there is no catalogue")
}
