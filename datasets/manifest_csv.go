package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/kleid-search/kleid/catalog"
)

// parseCSV reads a manifest in CSV, as an index does. A row with too few fields may be a line that broke, so that it is a
// bad one here.
func parseCSV(name string, data []byte) (*table, []Bad, error) {
	in, err := catalog.NewCSV(bytes.NewReader(data))
	if err != nil {
		return nil, nil, err
	}
	t := &table{path: name}
	t.name(in.Columns)
	columns := 0
	for _, i := range t.columns {
		columns = max(columns, i+1)
	}
	var bad []Bad
	for {
		fields, err := in.Next()
		var row *catalog.RowError
		switch {
		case errors.Is(err, io.EOF):
			return t, bad, nil
		case err != nil && !errors.As(err, &row):
			return nil, nil, err
		case err == nil && len(fields) < columns:
			err = fmt.Errorf("has %d fields, but the first line names %d columns", len(fields), columns)
		}
		if err != nil {
			bad = append(bad, Bad{fmt.Sprintf("%s:%d", name, in.Line()), "it " + err.Error()})
			continue
		}
		t.rows, t.lines = append(t.rows, fields), append(t.lines, in.Line())
	}
}
