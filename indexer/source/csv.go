package source

import (
	"context"
	"errors"
	"io"

	"github.com/kleid-search/kleid/catalog"
)

// readCSV reads a manifest in CSV. Every row that is not blank becomes an entry.
func readCSV(ctx context.Context, r io.Reader, path string) (Listing, error) {
	m := &manifest{path: path}
	in, err := catalog.NewCSV(r)
	if err != nil {
		return Listing{}, err
	}
	columns := make([]string, len(in.Columns))
	for i, name := range in.Columns {
		columns[i] = columnName(name)
	}
	for {
		if err := ctx.Err(); err != nil {
			return Listing{}, err
		}
		record, err := in.Next()
		var row *catalog.RowError
		switch {
		case errors.Is(err, io.EOF):
			return m.read(), nil
		case errors.As(err, &row):
			m.bad(in.Line(), "%v", row)
			continue
		case err != nil:
			return Listing{}, err
		}
		fields := make(map[string]string, len(columns))
		for i, column := range columns {
			if i < len(record) {
				setField(fields, column, record[i])
			}
		}
		m.add(in.Line(), fields, nil)
	}
}
