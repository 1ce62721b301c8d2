package datasets

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/kleid-search/kleid/catalog"
)

// maxRows of a Parquet file: they are kept in memory.
const maxRows = 10_000_000

// parseParquet reads the columns of a Parquet file that have one value a row, as text; null is "".
func parseParquet(name string, data []byte) (*table, []Bad, error) {
	in, err := catalog.NewParquetTable(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, nil, err
	}
	if len(in.Columns) == 0 {
		return nil, nil, errors.New("the Parquet file has no columns with one value a row")
	}
	t := &table{path: name, lines: []int{}, textless: map[int]catalog.SkippedColumn{}}
	names := in.Columns
	for _, skipped := range in.Skipped { // behind the others: of two columns of one name, the one with a text counts
		t.textless[len(names)] = skipped
		names = append(names, skipped.Name)
	}
	t.name(names)
	for row, err := range in.Rows() {
		if err != nil {
			return nil, nil, err
		}
		if len(t.rows) == maxRows {
			return nil, nil, fmt.Errorf("the Parquet file has more than %d rows", maxRows)
		}
		t.rows, t.lines = append(t.rows, row), append(t.lines, len(t.rows)+1)
	}
	return t, nil, nil
}
