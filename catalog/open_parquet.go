package catalog

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/parquet-go/parquet-go"
)

// OpenParquet opens a Parquet file of so many bytes for its rows alone. It refuses one that has no room for its own footer:
// the library takes as much memory as that claims to need, up to 4 GB, before it looks.
func OpenParquet(r io.ReaderAt, size int64, options ...parquet.FileOption) (*parquet.File, error) {
	const frame = 4 + 8 // the magic number, and behind the footer its length and the magic number again
	if size < frame {
		return nil, errors.New("it is too short for a Parquet file")
	}
	end := make([]byte, 8)
	if _, err := r.ReadAt(end, size-int64(len(end))); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if string(end[4:]) == "PAR1" && int64(binary.LittleEndian.Uint32(end)) > size-frame {
		return nil, errors.New("its footer has more bytes than the file: it is cut off, or damaged")
	}
	return parquet.OpenFile(r, size, append(options, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))...)
}
