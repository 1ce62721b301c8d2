package evaluation

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// ReadPredictions reads a table of predictions, .parquet or .csv, as kleid train facets and kleid predict write it.
func ReadPredictions(path string) ([]LabelProbability, error) {
	rows, err := readPredictions(path)
	if err != nil {
		return nil, fmt.Errorf("predictions %s: %w", path, err)
	}
	return rows, nil
}

func readPredictions(path string) ([]LabelProbability, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	switch strings.ToLower(filepath.Ext(path)) {
	case ".parquet":
		return readPredictionsParquet(file)
	case ".csv":
		return readPredictionsCSV(file)
	}
	return nil, errors.New("it takes a .parquet or .csv file, as kleid train facets leaves in --work and kleid predict --out writes")
}

// predictionColumns are those that a table of predictions cannot do without.
var predictionColumns = []string{"photo_id", "facet", "label", "probability", "predicted"}

func readPredictionsParquet(file *os.File) (rows []LabelProbability, err error) {
	defer func() {
		if r := recover(); r != nil { // at some files that are none
			err = fmt.Errorf("no Parquet file, or a damaged one: %v", r)
		}
	}()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	opened, err := parquet.OpenFile(file, info.Size())
	if err != nil {
		return nil, err
	}
	for _, column := range predictionColumns {
		if _, ok := opened.Schema().Lookup(column); !ok {
			return nil, fmt.Errorf("it has no column %s: this is no table of predictions", column)
		}
	}
	return parquet.Read[LabelProbability](file, info.Size())
}

func readPredictionsCSV(file io.Reader) ([]LabelProbability, error) {
	in := csv.NewReader(file)
	header, err := in.Read()
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
	var rows []LabelProbability
	for {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
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
		rows = append(rows, LabelProbability{get("source"), get("photo_id"), get("facet"), get("label"), float32(probability), predicted, get("truth"), Set(get("set"))})
	}
}
