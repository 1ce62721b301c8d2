package catalog

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
	"github.com/stretchr/testify/require"
)

// parquetFile has the rows of one schema, whose columns are in order of name.
func parquetFile(t testing.TB, columns parquet.Group, rows ...parquet.Row) []byte {
	t.Helper()
	var file bytes.Buffer
	w := parquet.NewWriter(&file, parquet.NewSchema("table", columns))
	_, err := w.WriteRows(rows)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return file.Bytes()
}

func parquetRows(file []byte) (*ParquetTable, [][]string, error) {
	table, err := NewParquetTable(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, nil, err
	}
	var rows [][]string
	for row, err := range table.Rows() {
		if err != nil {
			return table, rows, err
		}
		rows = append(rows, row)
	}
	return table, rows, nil
}

// TestColumnsWithoutText are named, and cost no other column.
func TestColumnsWithoutText(t *testing.T) {
	table, rows, err := parquetRows(parquetFile(t, parquet.Group{
		"list": parquet.List(parquet.String()), "name": parquet.String(), "repeated": parquet.Repeated(parquet.Int(32)), "shape": parquet.BSON(), "size": parquet.Group{"cm": parquet.Int(32)},
	}, parquet.Row{
		parquet.ValueOf("red").Level(0, 1, 0), parquet.ValueOf("silk").Level(0, 0, 1), parquet.ValueOf(int32(1)).Level(0, 1, 2), parquet.ValueOf(int32(2)).Level(1, 1, 2),
		parquet.ValueOf([]byte("{}")).Level(0, 0, 3), parquet.ValueOf(int32(92)).Level(0, 0, 4),
	}))
	require.NoError(t, err)
	require.Equal(t, []string{"name"}, table.Columns)
	require.Equal(t, [][]string{{"silk"}}, rows)
	const nested, none = " has lists or structures, and one value a row is read: write it as strings", "the values of the column shape, of type BSON, have no text"
	require.Equal(t, []SkippedColumn{
		{"list", true, "the column list" + nested}, {"repeated", true, "the column repeated" + nested}, {"shape", false, none}, {"size", true, "the column size" + nested},
	}, table.Skipped)
	require.EqualError(t, table.Skipped[0].Err(), "the column list"+nested)
	require.EqualError(t, table.Skipped[2].Err(), none+": write it as strings or numbers")

	table, rows, err = parquetRows(parquetFile(t, parquet.Group{"shape": parquet.BSON()}, parquet.Row{parquet.ValueOf([]byte("{}")).Level(0, 0, 0)}))
	require.NoError(t, err)
	require.Empty(t, table.Columns)
	require.Empty(t, rows)
}

// TestUnpackedParquet: a file of a few bytes that stands for gigabytes of text, or for millions of rows without any, is
// refused.
func TestUnpackedParquet(t *testing.T) {
	defer func(least, most int64) { leastUnpacked, mostUnpacked = least, most }(leastUnpacked, mostUnpacked)
	type row struct {
		Text  string  `parquet:"text,dict"`
		Empty *string `parquet:"empty,optional,dict"`
	}
	read := func(rows []row) ([][]string, error) {
		var file bytes.Buffer
		w := parquet.NewGenericWriter[row](&file, parquet.Compression(&zstd.Codec{}))
		_, err := w.Write(rows)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		_, got, err := parquetRows(file.Bytes())
		return got, err
	}
	texts, empty := make([]row, 1000), make([]row, 100_000)
	for i := range texts {
		texts[i].Text = strings.Repeat("x", 10_000)
	}
	mostUnpacked = 0
	for _, test := range []struct {
		rows     []row
		unpacked int64
	}{{texts, 1000 * (10_000 + 2*valueBytes)}, {empty, 100_000 * 2 * valueBytes}} {
		leastUnpacked = test.unpacked - 1
		got, err := read(test.rows)
		require.ErrorContains(t, err, "it unpacks to more than ")
		require.ErrorContains(t, err, ": leave out columns that are not needed")
		require.Len(t, got, len(test.rows)-1)
		leastUnpacked = test.unpacked
		got, err = read(test.rows)
		require.NoError(t, err)
		require.Len(t, got, len(test.rows))
		leastUnpacked, mostUnpacked = test.unpacked-1, 1 // a byte for each of the file's own
		_, err = read(test.rows)
		require.NoError(t, err)
		mostUnpacked = 0
	}
	leastUnpacked = 1000 // less than its pages say of themselves
	got, err := read(texts[:1])
	require.ErrorContains(t, err, "it unpacks to more than 0 MB")
	require.Empty(t, got)
}

// TestOtherNumberOfValues: a group with more or less values in a column than it says it has rows is damaged.
func TestOtherNumberOfValues(t *testing.T) {
	file := parquetFile(t, parquet.Group{"a": parquet.String()}, parquet.Row{parquet.ValueOf("x").Level(0, 0, 0)}, parquet.Row{parquet.ValueOf("y").Level(0, 0, 0)})
	for claimed, want := range map[int64][][]string{1: {{"x"}}, 3: {{"x"}, {"y"}}} {
		_, rows, err := parquetRows(claimingRows(t, file, claimed))
		require.EqualError(t, err, "the Parquet file's column a: it is damaged: it has not as many values as there are rows")
		require.Equal(t, want, rows)
	}
	_, rows, err := parquetRows(claimingRows(t, file, 2))
	require.NoError(t, err)
	require.Len(t, rows, 2)
}

// claimingRows is a file whose groups say that they have so many rows.
func claimingRows(t *testing.T, file []byte, rows int64) []byte {
	t.Helper()
	at := len(file) - 8
	begin := at - int(binary.LittleEndian.Uint32(file[at:]))
	var footer format.FileMetaData
	require.NoError(t, thrift.Unmarshal(new(thrift.CompactProtocol), file[begin:at], &footer))
	for i := range footer.RowGroups {
		footer.RowGroups[i].NumRows = rows
	}
	text, err := thrift.Marshal(new(thrift.CompactProtocol), &footer)
	require.NoError(t, err)
	changed := append(bytes.Clone(file[:begin]), text...)
	return append(binary.LittleEndian.AppendUint32(changed, uint32(len(text))), "PAR1"...)
}

// FuzzParquetTable: whatever the bytes, a row has a text for each column, or there is an error.
func FuzzParquetTable(f *testing.F) {
	defer func(least, most int64) { leastUnpacked, mostUnpacked = least, most }(leastUnpacked, mostUnpacked)
	leastUnpacked, mostUnpacked = 1<<24, 0
	whole := parquetFile(f, parquet.Group{
		"amount": parquet.Decimal(2, 38, parquet.ByteArrayType), "day": parquet.Date(), "id": parquet.UUID(), "list": parquet.List(parquet.String()),
		"name": parquet.Optional(parquet.Encoded(parquet.String(), &parquet.RLEDictionary)), "time": parquet.Timestamp(parquet.Microsecond),
	}, parquet.Row{
		parquet.ValueOf([]byte{7, 0xcf}).Level(0, 0, 0), parquet.ValueOf(int32(20787)).Level(0, 0, 1), parquet.ValueOf([16]byte{1}).Level(0, 0, 2),
		parquet.ValueOf("red").Level(0, 1, 3), parquet.ValueOf("silk").Level(0, 1, 4), parquet.ValueOf(int64(5)).Level(0, 0, 5),
	})
	f.Add(whole)
	for i := 4; i < len(whole); i += len(whole) / 40 {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x55
		f.Add(damaged)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		table, rows, err := parquetRows(file)
		if err != nil {
			require.NotEmpty(t, err.Error())
		}
		for _, row := range rows {
			require.Len(t, row, len(table.Columns))
		}
	})
}
