package storage

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
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
