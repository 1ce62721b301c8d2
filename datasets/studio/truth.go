package studio

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/photo"
)

// ReadTruth reads the truth.csv that WriteCatalogue or WriteQueries left in a folder.
func ReadTruth(dir string) ([]datasets.Example, error) {
	path := filepath.Join(dir, "truth.csv")
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s is empty", path)
	}
	const known = 7 // columns before the facets: photo, product, kind and the box
	facets := rows[0][min(known, len(rows[0])):]
	var examples []datasets.Example
	for line, row := range rows[1:] {
		if len(row) < known {
			return nil, fmt.Errorf("%s: line %d has %d columns, not %d and those of the facets", path, line+2, len(row), known)
		}
		var box [4]int
		for i := range box {
			if box[i], err = strconv.Atoi(row[3+i]); err != nil {
				return nil, fmt.Errorf("%s: line %d: %w", path, line+2, err)
			}
		}
		e := datasets.Example{
			Path: filepath.Join(dir, filepath.FromSlash(row[0])), Name: row[0], Product: row[1], Fold: -1,
			Box:    &photo.Box{XMin: box[0], YMin: box[1], XMax: box[2], YMax: box[3]},
			Labels: map[string]string{},
		}
		for i, facet := range facets {
			e.Labels[facet] = row[known+i]
		}
		examples = append(examples, e)
	}
	return examples, nil
}
