package evaluation

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/kleid-search/kleid/catalog"
)

// ReadPredictions gives the rows of a table of predictions, .parquet or .csv, as kleid train facets and kleid predict write
// it. After an error there are no more. Tables may be larger than memory: who takes them all keeps what he needs.
func ReadPredictions(path string) iter.Seq2[LabelProbability, error] {
	return func(yield func(LabelProbability, error) bool) {
		for row, err := range predictions(path) {
			if err == nil && !(row.Probability >= 0 && row.Probability <= 1) { // which NaN is not
				err = fmt.Errorf("the probability of %s %q is %v, but must be 0 to 1", row.Facet, row.Label, row.Probability)
			}
			if err != nil {
				yield(LabelProbability{}, fmt.Errorf("predictions %s: %w", path, err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

func predictions(path string) iter.Seq2[LabelProbability, error] {
	return func(yield func(LabelProbability, error) bool) {
		file, err := os.Open(path)
		if err != nil {
			yield(LabelProbability{}, err)
			return
		}
		defer file.Close()
		var next func() ([]LabelProbability, error) // some rows; io.EOF behind the last
		switch strings.ToLower(filepath.Ext(path)) {
		case ".parquet":
			next, err = parquetPredictions(file)
		case ".csv":
			next, err = csvPredictions(file)
		default:
			err = errors.New("it takes a .parquet or .csv file, as kleid train facets leaves in --work and kleid predict --out writes")
		}
		for err == nil {
			var rows []LabelProbability
			rows, err = next()
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
		}
		if !errors.Is(err, io.EOF) {
			yield(LabelProbability{}, err)
		}
	}
}

// predictionColumns are those that a table of predictions cannot do without.
var predictionColumns = []string{"photo_id", "facet", "label", "probability", "predicted"}

func parquetPredictions(file *os.File) (next func() ([]LabelProbability, error), err error) {
	defer catalog.RecoverParquet(&err)
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	opened, err := catalog.OpenParquet(file, info.Size())
	if err != nil {
		return nil, err
	}
	for _, column := range predictionColumns {
		if _, ok := opened.Schema().Lookup(column); !ok {
			return nil, fmt.Errorf("it has no column %s: this is no table of predictions", column)
		}
	}
	reader := parquet.NewGenericReader[predictionRow](opened)
	batch, rows := make([]predictionRow, 4096), make([]LabelProbability, 4096)
	return func() (_ []LabelProbability, err error) {
		defer catalog.RecoverParquet(&err)
		clear(batch) // what a file lacks is not written to
		n, err := reader.Read(batch)
		for i, r := range batch[:n] {
			rows[i] = r.LabelProbability
			rows[i].Box = boxOf([4]*int32{r.XMin, r.YMin, r.XMax, r.YMax})
		}
		return rows[:n], err
	}, nil
}

func csvPredictions(file io.Reader) (next func() ([]LabelProbability, error), err error) {
	in := csv.NewReader(transform.NewReader(file, unicode.BOMOverride(transform.Nop))) // Excel puts a mark before it
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty")
	}
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	for i, name := range header {
		at[name] = i
	}
	for _, column := range predictionColumns {
		if _, ok := at[column]; !ok {
			return nil, fmt.Errorf("it has no column %s: this is no table of predictions", column)
		}
	}
	return func() ([]LabelProbability, error) {
		fields, err := in.Read()
		if err != nil {
			return nil, err
		}
		get := func(column string) string {
			if i, ok := at[column]; ok {
				return fields[i]
			}
			return ""
		}
		line, _ := in.FieldPos(0)
		probability, err := strconv.ParseFloat(get("probability"), 32)
		if err != nil {
			return nil, fmt.Errorf("line %d: probability: %w", line, err)
		}
		predicted, err := strconv.ParseBool(get("predicted"))
		if err != nil {
			return nil, fmt.Errorf("line %d: predicted: %w", line, err)
		}
		var sides [4]*int32
		for i, column := range boxColumns {
			if text := get(column); text != "" {
				side, err := strconv.ParseInt(text, 10, 32)
				if err != nil {
					return nil, fmt.Errorf("line %d: %s: %w", line, column, err)
				}
				sides[i] = new(int32(side))
			}
		}
		return []LabelProbability{{
			Source: get("source"), PhotoID: get("photo_id"), Facet: get("facet"), Label: get("label"), Probability: float32(probability), Predicted: predicted,
			Truth: get("truth"), Set: Set(get("set")), FacetModel: get("facet_model"), Box: boxOf(sides),
		}}, nil
	}, nil
}
