package registry

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/evaluation"
)

// TestMetricsOfLists tells items apart by all their names, as those of evaluate override, and refuses to guess.
func TestMetricsOfLists(t *testing.T) {
	report, err := json.Marshal([]evaluation.OverrideReport{
		{Embedding: "deeprank", Gallery: "true", Facet: "neckline", Method: evaluation.OverridePlain, Searches: 9, First: 0.25},
		{Embedding: "deeprank", Gallery: "true", Facet: "neckline", Method: evaluation.OverrideIgnore, Searches: 9, First: 0.5},
		{Embedding: "unsupervised", Gallery: "predicted", Facet: "neckline", Method: evaluation.OverrideIgnore, Searches: 9, First: 0.75},
	})
	require.NoError(t, err)
	figures := filepath.Join(t.TempDir(), "override.json")
	require.NoError(t, os.WriteFile(figures, report, 0o600))
	metrics, _, err := ReadMetrics(t.Context(), figures)
	require.NoError(t, err)
	require.Len(t, metrics, 3*4)
	require.Equal(t, 0.25, metrics["neckline.deeprank.true."+evaluation.OverridePlain+".first"])
	require.Equal(t, 0.5, metrics["neckline.deeprank.true."+evaluation.OverrideIgnore+".first"])
	require.Equal(t, 0.75, metrics["neckline.unsupervised.predicted."+evaluation.OverrideIgnore+".first"])

	for _, twice := range []string{`[{"facet": "a", "f1": 0.5}, {"facet": "a", "f1": 0.6}]`, `{"a": {"f1": 0.5}, "a.f1": 0.6}`} {
		require.NoError(t, os.WriteFile(figures, []byte(twice), 0o600))
		_, _, err = ReadMetrics(t.Context(), figures)
		require.ErrorContains(t, err, "two figures are called a.f1")
	}
}

// TestMetricsOfTrainings are those of photos that were not learned from, not all that StoryFile tells.
func TestMetricsOfTrainings(t *testing.T) {
	story := filepath.Join(t.TempDir(), StoryFile)
	require.NoError(t, os.WriteFile(story, []byte(`{"bad_photos": 3, "train": [{"temperature": 1.5}], "test": []}`), 0o600))
	_, _, err := ReadMetrics(t.Context(), story)
	require.ErrorContains(t, err, "give the metrics.json beside it")
}
