package storage

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A service that says no more in the middle of an answer does not hold a job for ever, though the job has no deadline.
func TestS3FallsSilent(t *testing.T) {
	defer func(old time.Duration) { s3Silence = old }(s3Silence)
	s3Silence = 20 * time.Millisecond
	b := failingS3(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.Header().Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
		w.Header().Set("ETag", `"x"`)
		io.WriteString(w, "<pho")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	_, get := ReadAll(t.Context(), b, "1.jpg", 1<<20)
	var list error
	for _, err := range b.List(t.Context(), "") {
		list = err
	}
	for op, err := range map[string]error{"get": get, "list": list} {
		require.ErrorIs(t, err, os.ErrDeadlineExceeded, op)
		require.ErrorContains(t, err, "no byte came or went for 20ms", op)
	}
}

// An upload that is not taken ends as well; one that is taken slowly does not, nor an answer that is read slowly.
func TestSilenceOfUploads(t *testing.T) {
	taken := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stuck" {
			<-taken
			return
		}
		data, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		w.Write(data)
	}))
	defer server.Close()
	defer close(taken)
	put := func(path string, limit time.Duration, body io.Reader) (*http.Response, error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL+path, body)
		require.NoError(t, err)
		return impatient{http.DefaultTransport, limit}.RoundTrip(request)
	}
	_, err := put("/stuck", 20*time.Millisecond, bytes.NewReader(make([]byte, 32<<20)))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)

	response, err := put("/", time.Minute, bytes.NewReader(make([]byte, 1<<20)))
	require.NoError(t, err)
	body := response.Body.(*receivedBody)
	require.False(t, body.exchange.timer.Stop(), "nobody waits while nothing is read")
	n, err := io.Copy(io.Discard, body)
	require.NoError(t, err)
	require.EqualValues(t, 1<<20, n)
	require.False(t, body.exchange.timer.Stop())
	require.NoError(t, body.Close())
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

type bodyFunc func([]byte) (int, error)

func (f bodyFunc) Read(p []byte) (int, error) { return f(p) }

// While what is uploaded is itself waited for, S3 is not; so it is where the upload begins anew.
func TestSilenceOfSources(t *testing.T) {
	var sent *sentBody
	source := bodyFunc(func([]byte) (int, error) {
		require.False(t, sent.exchange.timer.Stop())
		return 0, io.EOF
	})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://s3.example/1.jpg", source)
	require.NoError(t, err)
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(source), nil }
	_, err = impatient{roundTrip(func(request *http.Request) (*http.Response, error) {
		again, err := request.GetBody()
		require.NoError(t, err)
		for _, body := range []io.ReadCloser{request.Body, again} {
			sent = body.(*sentBody)
			_, err = io.Copy(io.Discard, sent)
			require.NoError(t, err)
			require.True(t, sent.exchange.timer.Stop(), "S3 is waited for")
		}
		return nil, io.ErrUnexpectedEOF
	}), time.Minute}.RoundTrip(request)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}
