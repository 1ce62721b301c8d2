package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/parquet-go/parquet-go"

	"github.com/kleid-search/kleid/catalog"
)

// parseParquet reads the columns of a Parquet file that have one value a row, as text; null is "".
func parseParquet(name string, data []byte) (t *table, _ []Bad, err error) {
	defer catalog.RecoverParquet(&err)
	file, err := catalog.OpenParquet(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, nil, fmt.Errorf("not a whole Parquet file: %w", err)
	}
	t = &table{path: name}
	var names []string
	var leaves []int
	for _, path := range file.Schema().Columns() {
		leaf, ok := file.Schema().Lookup(path...)
		if !ok || len(path) != 1 || leaf.MaxRepetitionLevel > 0 {
			continue
		}
		names, leaves = append(names, path[0]), append(leaves, leaf.ColumnIndex)
	}
	t.name(names)
	if len(t.columns) == 0 {
		return nil, nil, errors.New("the Parquet file has no columns with one value a row")
	}
	t.lines = []int{}
	if file.NumRows() > maxRows {
		return nil, nil, fmt.Errorf("the Parquet file has %d rows, more than %d", file.NumRows(), maxRows)
	}
	for _, group := range file.RowGroups() {
		chunks := group.ColumnChunks()
		columns := make([][]string, len(leaves))
		for i, leaf := range leaves {
			if columns[i], err = texts(chunks[leaf], group.NumRows()); err != nil {
				return nil, nil, fmt.Errorf("the Parquet file's column %s: %w", names[i], err)
			}
		}
		for row := range columns[0] {
			cells := make([]string, len(columns))
			for i := range columns {
				cells[i] = columns[i][row]
			}
			t.rows, t.lines = append(t.rows, cells), append(t.lines, len(t.rows)+1)
		}
	}
	return t, nil, nil
}

// maxRows of a manifest: its rows are kept in memory.
const maxRows = 10_000_000

var errDamagedRows = errors.New("it is damaged: it has not as many values as there are rows")

// texts are the values of a column in a group of rows.
func texts(chunk parquet.ColumnChunk, rows int64) ([]string, error) {
	pages := chunk.Pages()
	defer pages.Close()
	var all []string
	buffer := make([]parquet.Value, 1024)
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			if int64(len(all)) != rows {
				return nil, errDamagedRows
			}
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		for values := page.Values(); ; {
			n, err := values.ReadValues(buffer)
			if int64(len(all)+n) > rows {
				return nil, errDamagedRows
			}
			for _, v := range buffer[:n] {
				all = append(all, textOf(v))
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
			if n == 0 {
				return nil, io.ErrNoProgress
			}
		}
	}
}

// textOf is a value as text. Numbers have no exponent, as in other tables.
func textOf(v parquet.Value) string {
	switch {
	case v.IsNull():
		return ""
	case v.Kind() == parquet.Float:
		return strconv.FormatFloat(float64(v.Float()), 'f', -1, 32)
	case v.Kind() == parquet.Double:
		return strconv.FormatFloat(v.Double(), 'f', -1, 64)
	}
	return v.String()
}
