package evaluation

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"github.com/parquet-go/parquet-go"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/embedding"
)

// LabelProbability is how likely one label is for one photo: a row of the table of predictions, which has all
// labels of all facets of all photos that show a dress.
type LabelProbability struct {
	Source      string  `parquet:"source,dict" json:"source"`
	PhotoID     string  `parquet:"photo_id,dict" json:"photo_id"`
	Facet       string  `parquet:"facet,dict" json:"facet"`
	Label       string  `parquet:"label,dict" json:"label"`
	Probability float32 `parquet:"probability" json:"probability"` // calibrated, 0..1; those of a facet sum to 1
	Predicted   bool    `parquet:"predicted" json:"predicted"`     // the most likely label of its facet
	// Of photos that a model was trained or measured with; else both are empty, which is null in Parquet, so that whoever
	// compares labels with what people said leaves out those of which they said nothing.
	Truth string `parquet:"truth,dict,optional" json:"truth,omitempty"` // the label that people gave the facet, empty where they gave none
	Set   Set    `parquet:"set,dict,optional" json:"set,omitempty"`
}

// Set is what a labelled photo was for.
type Set string

// The sets.
const (
	Learned Set = "learned" // the model has learned from it
	Apart   Set = "apart"   // kept apart, and measured with
	Other   Set = "other"   // of no use, such as one without a label
)

// LabelProbabilities are the rows of one photo, in the order of facets and their labels.
func LabelProbabilities(source, photoID string, facets []catalog.Facet, predictions []embedding.Prediction) []LabelProbability {
	var rows []LabelProbability
	for _, facet := range facets {
		for _, p := range predictions {
			if p.Name != facet.Name {
				continue
			}
			for i, label := range facet.Labels {
				rows = append(rows, LabelProbability{source, photoID, facet.Name, label, p.Probabilities[i], label == p.Label, "", ""})
			}
		}
	}
	return rows
}

// WritePredictionsParquet writes rows as a Parquet file.
func WritePredictionsParquet(w io.Writer, rows []LabelProbability) error {
	out := parquet.NewGenericWriter[LabelProbability](w, parquet.Compression(&parquet.Zstd))
	if _, err := out.Write(rows); err != nil {
		return fmt.Errorf("predictions: %w", err)
	}
	return out.Close()
}

// WritePredictionsCSV writes rows as CSV, with a line of names.
func WritePredictionsCSV(w io.Writer, rows []LabelProbability) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"source", "photo_id", "facet", "label", "probability", "predicted", "truth", "set"}); err != nil {
		return err
	}
	for _, r := range rows {
		err := out.Write([]string{r.Source, r.PhotoID, r.Facet, r.Label, strconv.FormatFloat(float64(r.Probability), 'g', -1, 32), strconv.FormatBool(r.Predicted), r.Truth, string(r.Set)})
		if err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
