package source

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
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

// A value of a Parquet file is what its logical type says.
func TestParquetTypes(t *testing.T) {
	at := time.Date(2026, 11, 27, 2, 3, 4, 5e6, time.UTC)
	days := int32(at.Unix() / (24 * 60 * 60))
	fixed := func(size int) parquet.Type { return parquet.FixedLenByteArrayType(size) }
	for name, test := range map[string]struct {
		node  parquet.Node
		value any
		want  string
	}{
		"decimal in 32 bits":         {parquet.Decimal(2, 9, parquet.Int32Type), int32(1999), "19.99"},
		"decimal in 64 bits":         {parquet.Decimal(3, 18, parquet.Int64Type), int64(-5), "-0.005"},
		"decimal in bytes":           {parquet.Decimal(2, 38, parquet.ByteArrayType), []byte{0x07, 0xcf}, "19.99"},
		"decimal in no bytes":        {parquet.Decimal(2, 38, parquet.ByteArrayType), []byte{}, "0.00"},
		"negative decimal in bytes":  {parquet.Decimal(2, 20, fixed(4)), []byte{0xff, 0xff, 0xf8, 0x31}, "-19.99"},
		"decimal without digits":     {parquet.Decimal(0, 20, fixed(3)), []byte{0x12, 0xd6, 0x87}, "1234567"},
		"double":                     {parquet.Leaf(parquet.DoubleType), 1234567.0, "1234567"},
		"large double":               {parquet.Leaf(parquet.DoubleType), 1e21, "1000000000000000000000"},
		"float":                      {parquet.Leaf(parquet.FloatType), float32(19.99), "19.99"},
		"date":                       {parquet.Date(), days, "2026-11-27"},
		"date before 1970":           {parquet.Date(), int32(-1), "1969-12-31"},
		"timestamp in ms":            {parquet.Timestamp(parquet.Millisecond), at.UnixMilli(), "2026-11-27T02:03:04.005Z"},
		"timestamp in us":            {parquet.Timestamp(parquet.Microsecond), at.UnixMicro(), "2026-11-27T02:03:04.005Z"},
		"timestamp in ns":            {parquet.Timestamp(parquet.Nanosecond), at.UnixNano() + 1, "2026-11-27T02:03:04.005000001Z"},
		"timestamp before 1970":      {parquet.Timestamp(parquet.Millisecond), int64(-1), "1969-12-31T23:59:59.999Z"},
		"timestamp of a local clock": {parquet.TimestampAdjusted(parquet.Millisecond, false), at.UnixMilli(), "2026-11-27T02:03:04.005"},
		"timestamp in 96 bits":       {parquet.Leaf(parquet.Int96Type), deprecated.Int96{1e9, 0, uint32(days) + 2440588}, "2026-11-27T00:00:01Z"},
		"time":                       {parquet.Time(parquet.Millisecond), int32(3_600_500), "01:00:00.5"},
		"unsigned":                   {parquet.Uint(64), ^uint64(0), "18446744073709551615"},
		"unsigned in 32 bits":        {parquet.Uint(32), ^uint32(0), "4294967295"},
		"signed":                     {parquet.Int(64), int64(-7), "-7"},
		"UUID":                       {parquet.UUID(), [16]byte{0x12, 0x34, 15: 0xff}, "12340000-0000-0000-0000-0000000000ff"},
		"string":                     {parquet.String(), "silk", "silk"},
		"bytes that are text":        {parquet.Leaf(parquet.ByteArrayType), []byte("silk"), "silk"},
		"boolean":                    {parquet.Leaf(parquet.BooleanType), true, "true"},
	} {
		t.Run(name, func(t *testing.T) {
			listing, err := parquetListing(t, parquet.Group{"a": parquet.Optional(test.node), "photo": parquet.String()},
				parquet.Row{parquet.ValueOf(test.value).Level(0, 1, 0), parquet.ValueOf("1.jpg").Level(0, 0, 1)},
				parquet.Row{parquet.Value{}.Level(0, 0, 0), parquet.ValueOf("2.jpg").Level(0, 0, 1)})
			require.NoError(t, err)
			require.Equal(t, test.want, listing.Entries[0].Attributes["a"])
			require.Empty(t, listing.Entries[1].Attributes, "null is nothing")
		})
	}
	listing, err := parquetListing(t, parquet.Group{
		"photo": parquet.String(), "price": parquet.Decimal(2, 9, parquet.Int32Type), "product_id": parquet.Leaf(parquet.DoubleType),
	}, parquet.Row{parquet.ValueOf("1.jpg").Level(0, 0, 0), parquet.ValueOf(int32(1999)).Level(0, 0, 1), parquet.ValueOf(1234567.0).Level(0, 0, 2)})
	require.NoError(t, err)
	require.Equal(t, 19.99, *listing.Entries[0].Price)
	require.Equal(t, "1234567", listing.Entries[0].ProductID)
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
