package evaluation

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
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
	// What said so of which dress, as the columns of an index name both; tables of before have neither.
	FacetModel string       `parquet:"facet_model,dict,optional" json:"facet_model,omitempty"` // fingerprint
	Box        *catalog.Box `parquet:"-" json:"box,omitempty"`                                 // in the table, box_x_min and so on
}

// Set is what a labelled photo was for.
type Set string

// The sets.
const (
	Learned Set = "learned" // the model has learned from it
	Apart   Set = "apart"   // kept apart, and measured with
	Other   Set = "other"   // of no use, such as one without a label
)

// LabelProbabilities are the rows of the dress in a box of a photo, in the order of facets and their labels. model is the
// fingerprint of what predicted them.
func LabelProbabilities(source, photoID, model string, box *catalog.Box, facets []catalog.Facet, predictions []embedding.Prediction) []LabelProbability {
	var rows []LabelProbability
	for _, facet := range facets {
		for _, p := range predictions {
			if p.Name != facet.Name {
				continue
			}
			for i, label := range facet.Labels {
				rows = append(rows, LabelProbability{
					Source: source, PhotoID: photoID, Facet: facet.Name, Label: label, Probability: p.Probabilities[i], Predicted: label == p.Label,
					FacetModel: model, Box: box,
				})
			}
		}
	}
	return rows
}

// predictionRow is a LabelProbability as Parquet has it.
type predictionRow struct {
	LabelProbability
	XMin *int32 `parquet:"box_x_min,optional"`
	YMin *int32 `parquet:"box_y_min,optional"`
	XMax *int32 `parquet:"box_x_max,optional"`
	YMax *int32 `parquet:"box_y_max,optional"`
}

// sides are those of a box, in the order of their columns.
func sides(box *catalog.Box) [4]*int32 {
	if box == nil {
		return [4]*int32{}
	}
	return [4]*int32{&box.XMin, &box.YMin, &box.XMax, &box.YMax}
}

// boxOf is the box of four sides, nil where one is missing.
func boxOf(sides [4]*int32) *catalog.Box {
	if slices.Contains(sides[:], nil) {
		return nil
	}
	return &catalog.Box{XMin: *sides[0], YMin: *sides[1], XMax: *sides[2], YMax: *sides[3]}
}

// WritePredictionsParquet writes rows as a Parquet file.
func WritePredictionsParquet(w io.Writer, rows []LabelProbability) error {
	out := parquet.NewGenericWriter[predictionRow](w, parquet.Compression(&parquet.Zstd))
	for part := range slices.Chunk(rows, 4096) {
		written := make([]predictionRow, len(part))
		for i, r := range part {
			s := sides(r.Box)
			written[i] = predictionRow{r, s[0], s[1], s[2], s[3]}
		}
		if _, err := out.Write(written); err != nil {
			return fmt.Errorf("predictions: %w", err)
		}
	}
	return out.Close()
}

// boxColumns are those of the sides.
var boxColumns = [4]string{"box_x_min", "box_y_min", "box_x_max", "box_y_max"}

// WritePredictionsCSV writes rows as CSV, with a line of names.
func WritePredictionsCSV(w io.Writer, rows []LabelProbability) error {
	out := csv.NewWriter(w)
	names := append([]string{"source", "photo_id", "facet", "label", "probability", "predicted", "truth", "set", "facet_model"}, boxColumns[:]...)
	if err := out.Write(names); err != nil {
		return err
	}
	for _, r := range rows {
		fields := []string{
			r.Source, r.PhotoID, r.Facet, r.Label, strconv.FormatFloat(float64(r.Probability), 'g', -1, 32), strconv.FormatBool(r.Predicted),
			r.Truth, string(r.Set), r.FacetModel,
		}
		for _, side := range sides(r.Box) {
			text := ""
			if side != nil {
				text = strconv.Itoa(int(*side))
			}
			fields = append(fields, text)
		}
		if err := out.Write(fields); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
