package storage

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// failingS3 opens a bucket of a service that answers every request so.
func failingS3(t *testing.T, answer http.HandlerFunc) Bucket {
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	s3Environment(t, server.URL)
	b, err := Open(t.Context(), "s3://shop")
	require.NoError(t, err)
	return b
}

// TestS3IsAsked at its endpoint, by who has the credentials of the environment.
func TestS3IsAsked(t *testing.T) {
	var authorization string
	b := failingS3(t, func(w http.ResponseWriter, r *http.Request) {
		authorization = r.Header.Get("Authorization")
		w.WriteHeader(http.StatusNotFound)
	})
	_, err := b.Stat(t.Context(), "1.jpg")
	require.ErrorIs(t, err, ErrNotExist)
	require.Contains(t, authorization, "Credential=tester/")

	t.Setenv("AWS_ENDPOINT_URL", "https://s3.shop.example:9000")
	client, err := newS3Client()
	require.NoError(t, err)
	require.Equal(t, "https://s3.shop.example:9000", client.EndpointURL().String())
}

// TestS3ContentTypes: a browser shows what it is given from a bucket.
func TestS3ContentTypes(t *testing.T) {
	fakeS3(t)
	b, err := Open(t.Context(), "s3://shop")
	require.NoError(t, err)
	for key, want := range map[string]string{"report.html": "text/html; charset=utf-8", "report.json": "application/json", "1.jpg": "image/jpeg", "latest": "application/octet-stream"} {
		put(t, b, key, "x")
		response, err := http.Head(os.Getenv("AWS_ENDPOINT_URL") + "/shop/" + key)
		require.NoError(t, err)
		response.Body.Close()
		require.Equal(t, want, response.Header.Get("Content-Type"), key)
	}
}

func TestS3AccessDenied(t *testing.T) {
	b := failingS3(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`)
	})
	_, get := b.Get(t.Context(), "1.jpg")
	_, stat := b.Stat(t.Context(), "1.jpg")
	var list error
	for _, err := range b.List(t.Context(), "") {
		list = err
	}
	for op, err := range map[string]error{
		"get": get, "stat": stat, "list": list,
		"put":    b.Put(t.Context(), "1.jpg", strings.NewReader("x")),
		"delete": b.Delete(t.Context(), "1.jpg"),
	} {
		require.ErrorIs(t, err, ErrPermission, op)
		require.ErrorContains(t, err, op+" s3://shop/")
		require.ErrorContains(t, err, "check AWS_ACCESS_KEY_ID")
	}
}

func TestS3CutOff(t *testing.T) {
	b := failingS3(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.Header().Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
		w.Header().Set("ETag", `"x"`)
		io.WriteString(w, "pho")
	})
	_, err := ReadAll(t.Context(), b, "1.jpg", 1<<20)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.ErrorContains(t, err, "cut off after 3 bytes")
}

func TestS3Slow(t *testing.T) {
	release := make(chan struct{})
	b := failingS3(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := b.Get(ctx, "1.jpg")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, b.Put(ctx, "1.jpg", strings.NewReader("x")), context.DeadlineExceeded)
}

func TestS3WithoutTheBucket(t *testing.T) {
	fakeS3(t)
	b, err := Open(t.Context(), "s3://typo/x")
	require.NoError(t, err)
	err = b.Put(t.Context(), "blob", strings.NewReader("x"))
	require.ErrorContains(t, err, "there is no such bucket")
}

// A photo that S3 begins to send and does not end, or that it has no time for, is asked for again, as it would be behind
// https; where S3 is asked too much, after a while. So is a blob of a bucket, if Retry reads it.
func TestFetchAsksS3Again(t *testing.T) {
	defer func(old int) { s3Attempts = old }(s3Attempts)
	s3Attempts = 1 // the client's own, with real pauses
	says := func(status int, code string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(status)
			fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>no</Message></Error>`, code)
		}
	}
	body := func(length int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(length))
			w.Header().Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
			w.Header().Set("ETag", `"x"`)
			io.WriteString(w, text)
		}
	}
	cut, photo, busy := body(9, "pho"), body(5, "photo"), says(503, "SlowDown")
	hangUp := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	stuck := func(w http.ResponseWriter, r *http.Request) {
		cut(w, r)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	tests := map[string]struct {
		answers []http.HandlerFunc
		asked   int
		pauses  []time.Duration
		says    string // "" for the photo
	}{
		"a body that is cut":     {[]http.HandlerFunc{cut, cut}, 3, []time.Duration{firstPause, 2 * firstPause}, ""},
		"a body that stops":      {[]http.HandlerFunc{stuck}, 2, []time.Duration{firstPause}, ""},
		"a connection that ends": {[]http.HandlerFunc{hangUp}, 2, []time.Duration{firstPause}, ""},
		"asked too much":         {[]http.HandlerFunc{busy, says(429, "TooManyRequests")}, 3, []time.Duration{slowPause, 2 * slowPause}, ""},
		"broken":                 {[]http.HandlerFunc{says(500, "InternalError"), busy, says(502, "")}, 3, []time.Duration{firstPause, slowPause}, "get s3://shop/1.jpg"},
		"too slow for S3":        {[]http.HandlerFunc{says(400, "RequestTimeout")}, 2, []time.Duration{firstPause}, ""},
		"gone":                   {[]http.HandlerFunc{says(404, "NoSuchKey")}, 1, nil, "file does not exist"},
		"denied":                 {[]http.HandlerFunc{says(403, "AccessDenied")}, 1, nil, "check AWS_ACCESS_KEY_ID"},
		"wrong":                  {[]http.HandlerFunc{says(400, "InvalidArgument")}, 1, nil, "no"},
		"too large":              {[]http.HandlerFunc{body(21, "photo, much too large")}, 1, nil, "too large"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			asked := 0
			failingS3(t, func(w http.ResponseWriter, r *http.Request) {
				asked++
				if asked <= len(test.answers) {
					test.answers[asked-1](w, r)
					return
				}
				photo(w, r)
			})
			options := FetchOptions{Limit: 9, Attempts: 3}
			if name == "a body that stops" {
				options.Timeout = 300 * time.Millisecond
			}
			f := NewFetcher(options)
			defer f.Close()
			var pauses []time.Duration
			f.wait = func(_ context.Context, pause time.Duration) error {
				pauses = append(pauses, pause)
				return nil
			}
			check := func(data []byte, err error) {
				require.Equal(t, test.asked, asked, "%v", err)
				require.Equal(t, test.pauses, pauses)
				if test.says != "" {
					require.ErrorContains(t, err, test.says)
					return
				}
				require.NoError(t, err)
				require.Equal(t, "photo", string(data))
			}
			check(f.Fetch(t.Context(), "s3://shop/1.jpg"))
			if options.Timeout > 0 { // which a bucket has not
				return
			}
			asked, pauses = 0, nil
			bucket, err := Open(t.Context(), "s3://shop")
			require.NoError(t, err)
			check(f.retry().ReadAll(t.Context(), bucket, "1.jpg", options.Limit))
		})
	}
	// A key that is none is not asked for at all.
	f := NewFetcher(FetchOptions{Attempts: 3})
	f.wait = func(context.Context, time.Duration) error { t.Error("waited"); return nil }
	_, err := f.Fetch(t.Context(), "s3://shop/a/../1.jpg")
	require.ErrorContains(t, err, "not a clean relative path")

	folder, err := Open(t.Context(), t.TempDir())
	require.NoError(t, err)
	_, err = f.retry().ReadAll(t.Context(), folder, "1.jpg", 9)
	require.ErrorIs(t, err, ErrNotExist)
}
