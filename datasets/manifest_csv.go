package datasets

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
)

// parseCSV reads a manifest as in RFC 4180, separated by commas, semicolons or tabs, whose first row names the
// columns.
func parseCSV(name string, data []byte) (*table, []Bad, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	t := &table{path: name}
	var r *csv.Reader
	for _, comma := range []rune{',', ';', '\t'} {
		in := csv.NewReader(bytes.NewReader(data))
		in.Comma, in.FieldsPerRecord = comma, -1
		columns, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil, nil, errors.New("it is empty: its first line names the columns")
		}
		if err != nil {
			return nil, nil, err
		}
		if r == nil || len(columns) > len(t.columns) {
			r = in
			t.name(columns)
		}
		if t.first(photoColumns) != "" {
			break
		}
	}
	columns := 0
	for _, i := range t.columns {
		columns = max(columns, i+1)
	}
	t.lines = []int{}
	var bad []Bad
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return t, bad, nil
		}
		if err != nil {
			return nil, nil, err
		}
		line, _ := r.FieldPos(0)
		if len(row) < columns {
			bad = append(bad, Bad{fmt.Sprintf("%s:%d", name, line), fmt.Sprintf("it has %d fields, but the first line names %d columns", len(row), columns)})
			continue
		}
		t.rows, t.lines = append(t.rows, row), append(t.lines, line)
	}
}
