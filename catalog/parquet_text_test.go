package catalog

import (
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/stretchr/testify/require"
)

// TestParquetTypes: a value is what its logical type says, and null is nothing.
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
		"negative decimal in a byte": {parquet.Decimal(2, 38, parquet.ByteArrayType), []byte{0xff}, "-0.01"},
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
			file := parquetFile(t, parquet.Group{"a": parquet.Optional(test.node), "b": parquet.String()},
				parquet.Row{parquet.ValueOf(test.value).Level(0, 1, 0), parquet.ValueOf("x").Level(0, 0, 1)},
				parquet.Row{parquet.Value{}.Level(0, 0, 0), parquet.ValueOf("y").Level(0, 0, 1)})
			_, rows, err := parquetRows(file)
			require.NoError(t, err)
			require.Equal(t, [][]string{{test.want, "x"}, {"", "y"}}, rows)
		})
	}
}
