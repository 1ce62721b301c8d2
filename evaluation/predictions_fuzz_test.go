package evaluation

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
)

// FuzzReadPredictions: a table that somebody else wrote, in either format, is read or refused.
func FuzzReadPredictions(f *testing.F) {
	rows := []LabelProbability{
		{Source: "a.jpg", PhotoID: "a", Facet: "sleeve", Label: "long", Probability: 0.75, Predicted: true, Truth: "cap", Set: Apart, Box: &catalog.Box{XMax: 3, YMax: 4}},
		{Source: "b.jpg", PhotoID: "b", Facet: "sleeve", Label: "cap", Probability: 0.25},
	}
	var asParquet, asCSV bytes.Buffer
	require.NoError(f, WritePredictionsParquet(&asParquet, rows))
	require.NoError(f, WritePredictionsCSV(&asCSV, rows))
	f.Add(asParquet.Bytes(), true)
	f.Add(asCSV.Bytes(), false)
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte, isParquet bool) {
		path := filepath.Join(folder, "p.csv")
		if isParquet {
			path = filepath.Join(folder, "p.parquet")
		}
		require.NoError(t, os.WriteFile(path, data, 0o600))
		for row, err := range ReadPredictions(path) {
			if err == nil && !(row.Probability >= 0 && row.Probability <= 1) {
				t.Fatalf("a probability of %v", row.Probability)
			}
		}
	})
}
