package catalog

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
	"github.com/stretchr/testify/require"
)

// TestLargePages: a page of some megabytes is what it says.
func TestLargePages(t *testing.T) {
	var whole bytes.Buffer
	require.NoError(t, parquet.Write(&whole, []struct {
		A string `parquet:"a,plain"`
	}{{strings.Repeat("x", 3<<20)}}))
	_, err := OpenParquet(bytes.NewReader(whole.Bytes()), int64(whole.Len()))
	require.NoError(t, err)
}

// TestPagesBeyondTheFile: what a page claims takes no memory where it cannot be.
func TestPagesBeyondTheFile(t *testing.T) {
	var whole bytes.Buffer
	require.NoError(t, parquet.Write(&whole, []struct {
		A *string `parquet:"a,optional,snappy"`
	}{{}, {new("x")}}))
	for want, claim := range map[string]func(page *format.PageHeader, column *format.ColumnMetaData){
		"":                           func(*format.PageHeader, *format.ColumnMetaData) {},
		"and 1073741824 bytes":       func(page *format.PageHeader, _ *format.ColumnMetaData) { page.CompressedPageSize = 1 << 30 },
		"bytes, unpacked 1073741824": func(page *format.PageHeader, _ *format.ColumnMetaData) { page.UncompressedPageSize = 1 << 30 },
		"bytes, unpacked 1073741825": func(page *format.PageHeader, column *format.ColumnMetaData) {
			page.UncompressedPageSize, column.TotalUncompressedSize = 1<<30+1, 1<<31
		},
		"a page claims 1073741824":      func(page *format.PageHeader, _ *format.ColumnMetaData) { page.DataPageHeaderV2.V.NumValues = 1 << 30 },
		"it has more bytes than":        func(_ *format.PageHeader, column *format.ColumnMetaData) { column.TotalCompressedSize = 1 << 40 },
		"its column a: it has":          func(_ *format.PageHeader, column *format.ColumnMetaData) { column.DataPageOffset = -1 },
		"a page cannot be read: it is":  func(_ *format.PageHeader, column *format.ColumnMetaData) { column.DataPageOffset = 0 },
		"cannot be read: it is damaged": func(_ *format.PageHeader, column *format.ColumnMetaData) { column.TotalCompressedSize++ },
	} {
		t.Run(want, func(t *testing.T) {
			file, err := openParquet(bytes.NewReader(whole.Bytes()), int64(whole.Len()))
			require.NoError(t, err)
			column := &file.Metadata().RowGroups[0].Columns[0].MetaData
			at := column.DataPageOffset
			page, length, err := pageHeader(file, at, at+column.TotalCompressedSize)
			require.NoError(t, err)
			require.True(t, page.DataPageHeaderV2.Valid)
			claim(&page, column)
			header, err := thrift.Marshal(new(thrift.CompactProtocol), &page)
			require.NoError(t, err)

			data := append(append(bytes.Clone(whole.Bytes()[:at]), header...), whole.Bytes()[at+length:]...)
			changed, err := openParquet(bytes.NewReader(data), int64(len(data)))
			require.NoError(t, err)
			column.TotalCompressedSize += int64(len(header)) - length
			changed.Metadata().RowGroups[0].Columns[0].MetaData = *column
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err = checkPages(changed)
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
			if want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, want)
			}
			_, err = OpenParquet(bytes.NewReader(data), int64(len(data)))
			require.Equal(t, bytes.Equal(data, whole.Bytes()), err == nil, "a page that is as it was")
		})
	}
}
