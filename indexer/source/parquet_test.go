package source

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"
)

// parquetListing reads a manifest with the rows of one schema, whose columns are in order of name.
func parquetListing(t *testing.T, columns parquet.Group, rows ...parquet.Row) (Listing, error) {
	t.Helper()
	var table bytes.Buffer
	w := parquet.NewWriter(&table, parquet.NewSchema("catalogue", columns))
	_, err := w.WriteRows(rows)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	path := filepath.Join(t.TempDir(), "catalogue.parquet")
	require.NoError(t, os.WriteFile(path, table.Bytes(), 0o644))
	return Scan(t.Context(), path, Options{})
}

// A price and a product's id are what their types say, and null is nothing.
func TestParquetTypes(t *testing.T) {
	listing, err := parquetListing(t, parquet.Group{
		"photo": parquet.String(), "price": parquet.Decimal(2, 9, parquet.Int32Type), "product_id": parquet.Leaf(parquet.DoubleType), "since": parquet.Optional(parquet.Date()),
	}, parquet.Row{parquet.ValueOf("1.jpg").Level(0, 0, 0), parquet.ValueOf(int32(1999)).Level(0, 0, 1), parquet.ValueOf(1234567.0).Level(0, 0, 2), parquet.ValueOf(int32(20787)).Level(0, 1, 3)},
		parquet.Row{parquet.ValueOf("2.jpg").Level(0, 0, 0), parquet.ValueOf(int32(1)).Level(0, 0, 1), parquet.ValueOf(2.0).Level(0, 0, 2), parquet.Value{}.Level(0, 0, 3)})
	require.NoError(t, err)
	require.Equal(t, 19.99, *listing.Entries[0].Price)
	require.Equal(t, "1234567", listing.Entries[0].ProductID)
	require.Equal(t, map[string]string{"since": "2026-11-30"}, listing.Entries[0].Attributes)
	require.Empty(t, listing.Entries[1].Attributes)
}

// A column without a text is left out, unless it is one that Kleid needs.
func TestParquetColumnsWithoutText(t *testing.T) {
	row := parquet.Row{parquet.ValueOf("1.jpg").Level(0, 0, 0), parquet.ValueOf([]byte("{}")).Level(0, 0, 1)}
	listing, err := parquetListing(t, parquet.Group{"photo": parquet.String(), "shape": parquet.BSON()}, row)
	require.NoError(t, err)
	require.Len(t, listing.Entries, 1)
	require.Empty(t, listing.Entries[0].Attributes)
	require.Equal(t, []Skipped{{"catalogue.parquet: shape", "the values of the column shape, of type BSON, have no text"}}, listing.Skipped)
	_, err = parquetListing(t, parquet.Group{"photo": parquet.String(), "price": parquet.BSON()}, row)
	require.ErrorContains(t, err, "the values of the column price, of type BSON, have no text: write it as strings or numbers")
}

// TestParquetColumnsOfLists are left out, and told, so that nobody looks for them in vain.
func TestParquetColumnsOfLists(t *testing.T) {
	listing, err := parquetListing(t, parquet.Group{"photo": parquet.String(), "size": parquet.Group{"cm": parquet.Int(32)}, "tags": parquet.List(parquet.String())},
		parquet.Row{parquet.ValueOf("1.jpg").Level(0, 0, 0), parquet.ValueOf(int32(92)).Level(0, 0, 1), parquet.ValueOf("silk").Level(0, 1, 2), parquet.ValueOf("red").Level(1, 1, 2)})
	require.NoError(t, err)
	require.Len(t, listing.Entries, 1)
	require.Empty(t, listing.Entries[0].Attributes)
	const why = " has lists or structures, and one value a row is read: write it as strings"
	require.Equal(t, []Skipped{{"catalogue.parquet: size", "the column size" + why}, {"catalogue.parquet: tags", "the column tags" + why}}, listing.Skipped)
}
