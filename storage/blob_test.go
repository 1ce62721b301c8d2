package storage

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// TestOpenAt reads what is asked for, wherever it is.
func TestOpenAt(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b Bucket) {
		data := make([]byte, 2*blockSize+100)
		for i := range data {
			data[i] = byte(rand.Uint32())
		}
		require.NoError(t, b.Put(ctx, "rows", bytes.NewReader(data)))
		blob, err := OpenAt(ctx, b, "rows")
		require.NoError(t, err)
		defer blob.Close()
		require.EqualValues(t, len(data), blob.Size())
		for _, part := range [][2]int{{0, 1}, {blockSize - 10, blockSize + 10}, {10, len(data)}, {len(data) - 1, len(data)}} {
			got := make([]byte, part[1]-part[0])
			_, err := blob.ReadAt(got, int64(part[0]))
			require.NoError(t, err)
			require.True(t, bytes.Equal(data[part[0]:part[1]], got), part)
		}
		n, err := blob.ReadAt(make([]byte, 200), int64(len(data)-100))
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, 100, n)
		require.NoError(t, iotest.TestReader(io.NewSectionReader(blob, 0, 1000), data[:1000]))

		_, err = OpenAt(ctx, b, "none")
		require.ErrorIs(t, err, ErrNotExist)
	})
}

// TestOpenAtAsksForPartsAlone: of a blob as large as an index a few columns are read, and neighbours with one question.
func TestOpenAtAsksForPartsAlone(t *testing.T) {
	fakeS3(t)
	endpoint, err := url.Parse(os.Getenv("AWS_ENDPOINT_URL"))
	require.NoError(t, err)
	var asked, sent atomic.Int64
	proxy := httputil.NewSingleHostReverseProxy(endpoint)
	proxy.ModifyResponse = func(r *http.Response) error {
		if r.Request.Method == http.MethodGet && strings.HasSuffix(r.Request.URL.Path, "/rows") {
			asked.Add(1)
			sent.Add(r.ContentLength)
		}
		return nil
	}
	server := httptest.NewServer(proxy)
	defer server.Close()
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	b, err := Open(t.Context(), "s3://shop")
	require.NoError(t, err)
	require.NoError(t, b.Put(t.Context(), "rows", bytes.NewReader(make([]byte, 4*blockSize))))
	blob, err := OpenAt(t.Context(), b, "rows")
	require.NoError(t, err)
	for i := range int64(1000) {
		_, err := blob.ReadAt(make([]byte, 100), 2*blockSize+i*100)
		require.NoError(t, err)
	}
	require.EqualValues(t, 1, asked.Load())
	require.EqualValues(t, blockSize, sent.Load())
}
