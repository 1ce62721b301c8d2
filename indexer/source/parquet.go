package source

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/kleid-search/kleid/catalog"
)

// readParquet reads a manifest of the columns of a Parquet file that have one value a row. Null is nothing. Of columns that
// have no text, those of lists and structures are skipped, others too unless they are Kleid's own, which are refused.
func readParquet(ctx context.Context, f *os.File, path string) (Listing, error) {
	info, err := f.Stat()
	if err != nil {
		return Listing{}, err
	}
	in, err := catalog.NewParquetTable(f, info.Size())
	if err != nil {
		return Listing{}, err
	}
	m := &manifest{path: path}
	for _, skipped := range in.Skipped {
		name := columnName(skipped.Name)
		if !skipped.Nested && ownColumn(name) {
			return Listing{}, skipped.Err()
		}
		m.listing.Skipped = append(m.listing.Skipped, Skipped{m.name() + ": " + catalog.ValidText(name), catalog.ValidText(skipped.Reason)})
	}
	columns := make([]string, len(in.Columns))
	for i, name := range in.Columns {
		columns[i] = columnName(name)
	}
	if !slices.ContainsFunc(columns, func(name string) bool { return slices.Contains(catalog.PhotoColumns, name) }) {
		return Listing{}, fmt.Errorf("it has no column for the photos: call one of them %s", strings.Join(catalog.PhotoColumns, ", "))
	}
	line := 0
	for row, err := range in.Rows() {
		if err != nil {
			return Listing{}, err
		}
		if line++; line%1024 == 0 && ctx.Err() != nil {
			return Listing{}, ctx.Err()
		}
		fields := make(map[string]string, len(columns))
		for i, column := range columns {
			setField(fields, column, row[i])
		}
		m.add(line, fields, nil)
	}
	return m.read(), nil
}
