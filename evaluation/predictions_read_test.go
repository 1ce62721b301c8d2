package evaluation

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
)

func readAll(path string) (rows []LabelProbability, err error) {
	for row, err := range ReadPredictions(path) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// TestPredictionsAreReadAgain as they were written, in both formats.
func TestPredictionsAreReadAgain(t *testing.T) {
	var rows []LabelProbability // more than are read at once
	for n := range 5000 {
		id := fmt.Sprintf("%064x", n)
		row := LabelProbability{Source: "photos/a, b.jpg", PhotoID: id, Facet: "sleeve", Label: "long", Probability: 0.75, Predicted: true, Truth: "cap", Set: Apart, FacetModel: "f"}
		row.Box = &catalog.Box{XMax: int32(n), YMax: 4}
		other := LabelProbability{Source: "photos/a, b.jpg", PhotoID: id, Facet: "sleeve", Label: "cap", Probability: 0.25} // of before there were boxes
		rows = append(rows, row, other)
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
		got, err := readAll(path)
		require.NoError(t, err)
		require.Equal(t, rows, got)
	}
}

// TestPredictionsOfWhichNobodySaidAnything have no truth, rather than an empty one, which no label is; files of before had
// that, and are read alike.
func TestPredictionsOfWhichNobodySaidAnything(t *testing.T) {
	rows := []LabelProbability{
		{Source: "a.jpg", PhotoID: "aa", Facet: "sleeve", Label: "cap", Probability: 0.5, Predicted: true},
		{Source: "a.jpg", PhotoID: "aa", Facet: "sleeve", Label: "long", Probability: 0.5, Truth: "cap", Set: Learned},
	}
	type nullable struct {
		Truth *string `parquet:"truth,optional"`
		Set   *string `parquet:"set,optional"`
	}
	path := filepath.Join(t.TempDir(), "p.parquet")
	var file bytes.Buffer
	require.NoError(t, WritePredictionsParquet(&file, rows))
	read, err := parquet.Read[nullable](bytes.NewReader(file.Bytes()), int64(file.Len()))
	require.NoError(t, err)
	require.Equal(t, []nullable{{}, {new("cap"), new("learned")}}, read)

	type before struct {
		Source      string  `parquet:"source,dict"`
		PhotoID     string  `parquet:"photo_id,dict"`
		Facet       string  `parquet:"facet,dict"`
		Label       string  `parquet:"label,dict"`
		Probability float32 `parquet:"probability"`
		Predicted   bool    `parquet:"predicted"`
		Truth       string  `parquet:"truth,dict"`
		Set         string  `parquet:"set,dict"`
	}
	old, err := parquet.Read[before](bytes.NewReader(file.Bytes()), int64(file.Len()))
	require.NoError(t, err)
	require.Equal(t, []before{{"a.jpg", "aa", "sleeve", "cap", 0.5, true, "", ""}, {"a.jpg", "aa", "sleeve", "long", 0.5, false, "cap", "learned"}}, old, "as programs of before read it")
	require.NoError(t, parquet.WriteFile(path, old))
	got, err := readAll(path)
	require.NoError(t, err)
	require.Equal(t, rows, got)
}

func TestWhatIsNoPredictions(t *testing.T) {
	for name, file := range map[string][2]string{
		"another table":   {"p.csv", "photo,neckline\na.jpg,round\n"},
		"no number":       {"p.csv", "photo_id,facet,label,probability,predicted\naa,sleeve,cap,much,true\n"},
		"no Parquet":      {"p.parquet", "photo,neckline\n"},
		"another format":  {"p.json", "{}"},
		"not a number":    {"p.csv", "photo_id,facet,label,probability,predicted\naa,sleeve,cap,NaN,true\n"},
		"more than sure":  {"p.csv", "photo_id,facet,label,probability,predicted\naa,sleeve,cap,1.5,true\n"},
		"nothing":         {"p.csv", ""},
		"nowhere":         {"none/p.csv", ""},
		"no box":          {"p.csv", "photo_id,facet,label,probability,predicted,box_x_min\naa,sleeve,cap,0.5,true,left\n"},
		"a row too short": {"p.csv", "photo_id,facet,label,probability,predicted\naa\n"},
	} {
		path := filepath.Join(t.TempDir(), file[0])
		if name != "nowhere" {
			require.NoError(t, os.WriteFile(path, []byte(file[1]), 0o644))
		}
		_, err := readAll(path)
		require.ErrorContains(t, err, "predictions "+path+": ", name)
	}
}

// TestPredictionsOfASpreadsheet begin with a byte order mark.
func TestPredictionsOfASpreadsheet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.csv")
	require.NoError(t, os.WriteFile(path, []byte("\xef\xbb\xbfphoto_id,facet,label,probability,predicted\r\naa,sleeve,cap,0.5,TRUE\r\n"), 0o644))
	rows, err := readAll(path)
	require.NoError(t, err)
	require.Equal(t, []LabelProbability{{PhotoID: "aa", Facet: "sleeve", Label: "cap", Probability: 0.5, Predicted: true}}, rows)
}
