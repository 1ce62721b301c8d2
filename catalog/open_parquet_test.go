package catalog

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"
)

// TestFootersBeyondTheFile: what a file claims of its footer takes no memory before it is known to be there.
func TestFootersBeyondTheFile(t *testing.T) {
	var file bytes.Buffer
	require.NoError(t, parquet.Write(&file, []struct{ A int }{{1}, {2}}))
	opened, err := OpenParquet(bytes.NewReader(file.Bytes()), int64(file.Len()))
	require.NoError(t, err)
	require.EqualValues(t, 2, opened.NumRows())

	data := file.Bytes()
	binary.LittleEndian.PutUint32(data[len(data)-8:], 3<<30)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = OpenParquet(bytes.NewReader(data), int64(len(data)))
	runtime.ReadMemStats(&after)
	require.ErrorContains(t, err, "its footer has more bytes than the file")
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
	for _, cut := range [][]byte{nil, data[:11]} {
		_, err = OpenParquet(bytes.NewReader(cut), int64(len(cut)))
		require.ErrorContains(t, err, "too short")
	}
}
