package searcher

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
)

// TestAnnouncedBodiesTakeNoMemory has clients announce the largest photo and send the beginning of it.
func TestAnnouncedBodiesTakeNoMemory(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 1)
	s := serve(t, shop.options())
	const clients, announced = 16, DefaultUpload
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range clients {
		client, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		require.NoError(t, err)
		defer client.Close()
		_, err = fmt.Fprintf(client, "POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%sx", announced, bodyBegins)
		require.NoError(t, err)
		require.NoError(t, client.(*net.TCPConn).CloseWrite())
		response, err := http.ReadResponse(bufio.NewReader(client), nil)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusBadRequest, response.StatusCode)
	}
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(announced/4), "all together, a fraction of what one of them announced")
}

// TestWhatFollowsABody: a body that is read is no part of the next request, and behind one that is refused there is none.
func TestWhatFollowsABody(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 1)
	s := serve(t, shop.options())
	const next = "GET /v1/facets HTTP/1.1\r\nHost: x\r\n\r\n"
	chunked := func(size int) string {
		return fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", size, strings.Repeat("x", size))
	}
	plain := func(size int) string {
		return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size))
	}
	const json, small, large = "Content-Type: application/json\r\n", 3 * firstBody, DefaultUpload + formOverhead + 1
	for name, test := range map[string]struct {
		request string
		answers []int
	}{
		"plain":          {"POST /v1/search HTTP/1.1\r\nHost: x\r\n" + json + plain(small), []int{400, 200}},
		"empty":          {"POST /v1/search HTTP/1.1\r\nHost: x\r\n" + json + plain(0), []int{400, 200}},
		"chunked":        {"POST /v1/search HTTP/1.1\r\nHost: x\r\n" + json + chunked(small), []int{400, 200}},
		"nobody's":       {"GET /v1/facets HTTP/1.1\r\nHost: x\r\n" + plain(small), []int{200, 200}},
		"nowhere":        {"POST /nowhere HTTP/1.1\r\nHost: x\r\n" + chunked(small), []int{404, 200}},
		"chunked, large": {"POST /v1/search HTTP/1.1\r\nHost: x\r\n" + json + chunked(large), []int{413}},
		"broken chunks":  {"POST /v1/search HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n", []int{400}},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			require.NoError(t, err)
			defer client.Close()
			go func() { _, _ = io.WriteString(client, test.request+next) }() // of which a server that refuses it reads a part
			answers := bufio.NewReader(client)
			for i, want := range test.answers {
				response, err := http.ReadResponse(answers, nil)
				require.NoError(t, err)
				_, err = io.Copy(io.Discard, response.Body)
				require.NoError(t, err)
				require.NoError(t, response.Body.Close())
				require.Equal(t, want, response.StatusCode)
				require.Equal(t, want == 413 || i == 0 && len(test.answers) == 1, response.Close)
			}
		})
	}
}

// sizes notes how much a reader is asked for beyond what it has given.
type sizes struct {
	io.Reader
	given, most int
}

func (s *sizes) Read(p []byte) (int, error) {
	s.most = max(s.most, len(p)-s.given)
	n, err := s.Reader.Read(p)
	s.given += n
	return n, err
}

func TestReadBody(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789"), 50_000)
	size := len(body)
	for name, test := range map[string]struct {
		r             io.Reader
		length, limit int
		err           error
	}{
		"known":             {bytes.NewReader(body), size, size, nil},
		"byte by byte":      {iotest.OneByteReader(bytes.NewReader(body)), size, size, nil},
		"end with the last": {iotest.DataErrReader(bytes.NewReader(body)), size, size, nil},
		"chunks":            {bytes.NewReader(body), -1, size, nil},
		"too large":         {bytes.NewReader(body), size, size - 1, fasthttp.ErrBodyTooLarge},
		"chunks, too large": {bytes.NewReader(body), -1, size - 1, fasthttp.ErrBodyTooLarge},
		"cut off":           {bytes.NewReader(body), size + 1, size + 1, io.ErrUnexpectedEOF},
		"broken":            {iotest.TimeoutReader(iotest.HalfReader(bytes.NewReader(body))), size, size, iotest.ErrTimeout},
	} {
		r := &sizes{Reader: test.r}
		got, err := readBody(r, test.length, test.limit)
		require.ErrorIs(t, err, test.err, name)
		require.LessOrEqual(t, r.most, firstBody, name)
		if err == nil {
			require.Equal(t, body, got, name)
		}
	}
}
