//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/searcher"
)

// upload searches over HTTP as a shop's page does, with a form.
func upload(t *testing.T, url string, data []byte, fields map[string]string) (status int, body []byte) {
	t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	file, err := w.CreateFormFile("photo", "dress.jpg")
	require.NoError(t, err)
	_, err = file.Write(data)
	require.NoError(t, err)
	for name, value := range fields {
		require.NoError(t, w.WriteField(name, value))
	}
	require.NoError(t, w.Close())
	response, err := http.Post(url+"v1/search", w.FormDataContentType(), &form)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, body
}

// get returns what an address answers.
func get(t *testing.T, url string) (status int, body []byte) {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, body
}

// TestServe starts the real program, searches over HTTP and stops it, as an operator's system does.
func TestServe(t *testing.T) {
	s := newShop(t)
	p := start(t, "serve", "--index", s.index, "--listen", "127.0.0.1:0")
	url := p.url(t)
	data, err := os.ReadFile(s.photos(t)[0])
	require.NoError(t, err)

	status, body := upload(t, url, data, map[string]string{"k": "4"})
	require.Equal(t, http.StatusOK, status, "%s", body)
	var answer searcher.Answer
	require.NoError(t, json.Unmarshal(body, &answer))
	require.Len(t, answer.Results, 4)
	require.Equal(t, photo.ID(data), answer.Results[0].PhotoID)
	require.GreaterOrEqual(t, answer.Results[0].Similarity, float32(0.9999))
	// The command line gives the same answer.
	require.Equal(t, search(t, s.photos(t)[0], "--index", s.index, "--k", "4").Results, answer.Results)

	status, body = upload(t, url, greyPhoto(t), nil)
	require.Equal(t, http.StatusOK, status)
	require.NoError(t, json.Unmarshal(body, &answer))
	require.Equal(t, catalog.StatusNoDress, answer.Status)

	status, body = upload(t, url, []byte("a text"), nil)
	require.GreaterOrEqual(t, status, 400)
	require.Less(t, status, 500)
	require.Contains(t, string(body), "photo_not_an_image")

	status, body = get(t, url+"v1/thumbnails/"+photo.ID(data))
	require.Equal(t, http.StatusOK, status)
	_, err = photo.Decode(body, photo.DefaultLimits())
	require.NoError(t, err)
	for _, path := range []string{"", "widget", "openapi.json"} {
		status, _ = get(t, url+path)
		require.Equal(t, http.StatusOK, status, path)
	}

	p.signal(syscall.SIGTERM)
	require.Equal(t, exit.Done, p.end(t), p.stderr.String())
	require.Empty(t, p.stdout.String())
	require.Contains(t, p.stderr.String(), "Kleid ends when", "who stops it knows what it waits for")
	_, err = http.Get(url)
	require.Error(t, err, "it has let go of the address")
}

// TestServeWithinBounds holds what an operator says of memory.
func TestServeWithinBounds(t *testing.T) {
	s := newShop(t)
	p := start(t, "serve", "--index", s.index, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--max-connections", "2", "--max-upload", "1")
	url := p.url(t)
	status, body := upload(t, url, make([]byte, 3<<19), nil)
	require.Equal(t, http.StatusRequestEntityTooLarge, status, "%s", body)
	require.Contains(t, string(body), "photo_too_many_bytes")

	// Whatever the client keeps open, there is no place for a third.
	var last net.Conn
	for range 3 {
		var err error
		last, err = net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/"))
		require.NoError(t, err)
		defer last.Close()
	}
	response, err := http.ReadResponse(bufio.NewReader(last), nil)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
	metrics := regexp.MustCompile(`metrics are at (http://\S+/)metrics`).FindStringSubmatch(p.stderr.String())
	require.NotNil(t, metrics)
	for _, path := range []string{"healthz", "readyz", "metrics"} {
		status, body := get(t, metrics[1]+path)
		require.Equal(t, http.StatusOK, status, "%s", body)
	}
	require.Equal(t, exit.Done, kleid(t, "ready", metrics[1]).code)
}

// TestServeTakesOverNewIndexes publishes a second run while the first is served.
func TestServeTakesOverNewIndexes(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	index := t.TempDir()
	run := func() string {
		return decodeLine[indexer.Report](t, kleid(t, "index", "--catalogue", s.catalogue, "--out", index, "--json")).Run
	}
	first := run()
	url := start(t, "serve", "--index", index, "--listen", "127.0.0.1:0").url(t)
	_, body := get(t, url+"readyz")
	require.Contains(t, string(body), first)
	second := run()
	require.Eventually(t, func() bool {
		_, body := get(t, url+"readyz")
		return bytes.Contains(body, []byte(second))
	}, patience, 20*glance)
}

// TestServeWithoutAnIndex names the folder that may be a wrong one, and waits for an index there.
func TestServeWithoutAnIndex(t *testing.T) {
	nowhere := t.TempDir()
	p := start(t, "serve", "--index", nowhere, "--listen", "127.0.0.1:0")
	require.Eventually(t, func() bool { return served.MatchString(p.stderr.String()) }, patience, glance, p.stderr.String())
	require.Contains(t, p.stderr.String(), "there is no index yet")
	require.Contains(t, p.stderr.String(), nowhere)
}

func TestServeFails(t *testing.T) {
	s := newShop(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	r := kleid(t, "serve", "--index", s.index, "--listen", listener.Addr().String())
	require.Equal(t, exit.Failed, r.code)
	require.Contains(t, r.stderr, "choose another address with --listen")

	other := write(t, t.TempDir()+"/other.safetensors", nil)
	require.NoError(t, writeTinyModel(other, 2))
	r = kleid(t, "serve", "--index", s.index, "--listen", "127.0.0.1:0", "--models", other)
	require.Equal(t, exit.Failed, r.code)
	require.Contains(t, r.stderr, "model")
}
