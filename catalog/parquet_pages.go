package catalog

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Bounds of a page beyond what its bytes may make of it: writers put at most some million values, and some megabytes, in one.
const (
	mostPageValues = 1 << 24 // and eight a byte
	mostPageBytes  = 1 << 27 // unpacked, and a thousand a byte
)

// mostHeaderBytes of a page: it may name the least and the largest of its values.
const mostHeaderBytes = 1 << 24

// checkPages refuses a file with a page that claims to be more than it can be. It reads headers alone.
func checkPages(file *parquet.File) error {
	for _, group := range file.Metadata().RowGroups {
		for _, chunk := range group.Columns {
			if chunk.CryptoMetadata.Value != nil { // it is refused where it is read
				continue
			}
			if err := checkColumnPages(file, &chunk.MetaData); err != nil {
				return fmt.Errorf("its column %s: %w", strings.Join(chunk.MetaData.PathInSchema, "."), err)
			}
		}
	}
	return nil
}

func checkColumnPages(file *parquet.File, column *format.ColumnMetaData) error {
	at := column.DataPageOffset
	if column.DictionaryPageOffset != 0 {
		at = column.DictionaryPageOffset
	}
	if at < 0 || column.TotalCompressedSize < 0 || column.TotalCompressedSize > file.Size()-at {
		return errors.New("it has more bytes than the file: it is cut off, or damaged")
	}
	for end := at + column.TotalCompressedSize; at < end; {
		page, length, err := pageHeader(file, at, end)
		if err != nil {
			return fmt.Errorf("a page cannot be read: it is damaged: %w", err)
		}
		at += length
		packed, unpacked, values := int64(page.CompressedPageSize), int64(page.UncompressedPageSize), int64(valuesOf(page))
		if packed < 0 || packed > end-at ||
			unpacked > min(column.TotalUncompressedSize, mostPageBytes+1000*packed) ||
			values > mostPageValues+8*max(packed, unpacked) {
			return fmt.Errorf("a page claims %d values and %d bytes, unpacked %d, more than there can be: it is damaged", values, packed, unpacked)
		}
		at += packed
	}
	return nil
}

// valuesOf is how many values a page claims.
func valuesOf(page format.PageHeader) int32 {
	return max(page.DataPageHeader.V.NumValues, page.DataPageHeaderV2.V.NumValues, page.DictionaryPageHeader.V.NumValues)
}

// pageHeader reads the header of the page at an offset, of a column that ends at another one, and how long it is.
func pageHeader(r io.ReaderAt, at, end int64) (header format.PageHeader, length int64, err error) {
	most := min(end-at, mostHeaderBytes)
	for room := min(most, 1<<10); ; room = min(16*room, most) {
		text := make([]byte, room)
		if n, err := r.ReadAt(text, at); n < len(text) {
			return header, 0, err
		}
		header = format.PageHeader{}
		reader := new(thrift.CompactProtocol).NewReaderFromBytes(text)
		if err = thrift.NewDecoder(reader).Decode(&header); err == nil || room == most {
			return header, int64(reader.BytesRead()), err
		}
	}
}
