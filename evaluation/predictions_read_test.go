package evaluation

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPredictionsAreReadAgain as they were written, in both formats.
func TestPredictionsAreReadAgain(t *testing.T) {
	rows := []LabelProbability{
		{"photos/a, b.jpg", "aa", "sleeve", "long", 0.75, true, "cap", Apart}, {"photos/a, b.jpg", "aa", "sleeve", "cap", 0.25, false, "cap", Apart},
	}
	for name, write := range map[string]func(path string) error{
		"p.csv": func(path string) error {
			file, err := os.Create(path)
			require.NoError(t, err)
			defer file.Close()
			return WritePredictionsCSV(file, rows)
		},
		"p.parquet": func(path string) error {
			file, err := os.Create(path)
			require.NoError(t, err)
			defer file.Close()
			return WritePredictionsParquet(file, rows)
		},
	} {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, write(path))
		got, err := ReadPredictions(path)
		require.NoError(t, err)
		require.Equal(t, rows, got)
	}
}

func TestWhatIsNoPredictions(t *testing.T) {
	for name, file := range map[string][2]string{
		"another table":   {"p.csv", "photo,neckline\na.jpg,round\n"},
		"no number":       {"p.csv", "photo_id,facet,label,probability,predicted\naa,sleeve,cap,much,true\n"},
		"no Parquet":      {"p.parquet", "photo,neckline\n"},
		"another format":  {"p.json", "{}"},
		"a row too short": {"p.csv", "photo_id,facet,label,probability,predicted\naa\n"},
	} {
		path := filepath.Join(t.TempDir(), file[0])
		require.NoError(t, os.WriteFile(path, []byte(file[1]), 0o644))
		_, err := ReadPredictions(path)
		require.ErrorContains(t, err, "predictions "+path+": ", name)
	}
}
