package catalog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// OpenParquet opens a Parquet file of so many bytes, which anybody may have written, for its rows alone. The library takes as
// much memory as the file claims to need, up to 4 GB, before it looks; so one with a footer or a page that claims what there
// cannot be is refused. The headers of all pages are read for that.
func OpenParquet(r io.ReaderAt, size int64) (*parquet.File, error) {
	file, err := openParquet(r, size)
	if err != nil {
		return nil, err
	}
	return file, checkPages(file)
}

// openParquet looks at the footer alone.
func openParquet(r io.ReaderAt, size int64, options ...parquet.FileOption) (*parquet.File, error) {
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

// RecoverParquet makes an error of a panic of the library, which some damaged files are answered with. Defer it where a
// Parquet file is read.
func RecoverParquet(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("the Parquet file is damaged: %v", r)
	}
}
