package quality

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// request asks the server; nil headers are those of a page of its own.
func request(t *testing.T, s *Server, method, path, body string, headers map[string]string) (int, string) {
	t.Helper()
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Host = "localhost:8090"
	req.Header.Set("Content-Type", "application/json")
	for name, value := range headers {
		if req.Header.Set(name, value); name == "Host" {
			req.Host = value
		}
	}
	response, err := s.app.Test(req, -1)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

func TestServer(t *testing.T) {
	options := shop(t)
	r := review(t, options)
	first := idOf(r, 0)
	s := NewServer(r, ServerOptions{Logger: slog.New(slog.DiscardHandler)})
	for _, path := range []string{"/", "/app.js", "/style.css", "/api/overview", "/api/photos?facet=neckline", "/api/photos/" + first + "/picture", "/api/photos/" + first + "/picture?large=1"} {
		status, body := request(t, s, http.MethodGet, path, "", nil)
		require.Equal(t, http.StatusOK, status, path)
		require.NotEmpty(t, body)
	}
	said := `{"judge": "ann", "id": "` + first + `", "facet": "neckline", "label": "v-neck"}`
	status, body := request(t, s, http.MethodPost, "/api/judgements", said, map[string]string{"Origin": "http://localhost:8090"})
	require.Equal(t, http.StatusOK, status, body)
	var item Item
	require.NoError(t, json.Unmarshal([]byte(body), &item))
	require.Equal(t, "v-neck", item.Label)
	status, body = request(t, s, http.MethodPost, "/api/judgements", `{"judge": "ann", "id": "`+first+`", "facet": "is_dress", "label": "no", "shown": "sleeve"}`, nil)
	require.Equal(t, http.StatusOK, status, body)
	require.Contains(t, body, `"facet":"sleeve"`)

	for name, c := range map[string]struct {
		method, path, body string
		headers            map[string]string
		status             int
	}{
		"a page of elsewhere":    {http.MethodPost, "/api/judgements", said, map[string]string{"Origin": "http://evil.example"}, http.StatusForbidden},
		"a form":                 {http.MethodPost, "/api/judgements", said, map[string]string{"Content-Type": "text/plain"}, http.StatusUnsupportedMediaType},
		"no JSON":                {http.MethodPost, "/api/judgements", "{", nil, http.StatusBadRequest},
		"nobody":                 {http.MethodPost, "/api/judgements", `{"id": "` + first + `", "facet": "neckline", "label": "round"}`, nil, http.StatusBadRequest},
		"no photo":               {http.MethodPost, "/api/judgements", `{"judge": "ann", "facet": "neckline", "label": "round"}`, nil, http.StatusNotFound},
		"a facet that is none":   {http.MethodGet, "/api/photos?facet=price", "", nil, http.StatusBadRequest},
		"a choice that is none":  {http.MethodGet, "/api/photos?facet=neckline&show=some", "", nil, http.StatusBadRequest},
		"an offset that is none": {http.MethodGet, "/api/photos?facet=neckline&offset=-1", "", nil, http.StatusBadRequest},
		"a photo that is none":   {http.MethodGet, "/api/photos/8/picture", "", nil, http.StatusNotFound},
		"a path that is none":    {http.MethodGet, "/api/photos/../../secret", "", nil, http.StatusNotFound},
	} {
		status, body := request(t, s, c.method, c.path, c.body, c.headers)
		require.Equal(t, c.status, status, "%s: %s", name, body)
		require.Contains(t, body, `"detail":`, name)
		require.NotContains(t, body, "invalid:", "people read it on the page")
	}
	status, body = request(t, s, http.MethodGet, "/icon.svg", "", nil)
	require.Equal(t, http.StatusOK, status, body)
	for _, shown := range []string{``, `, "shown": "price"`} { // what is refused is not kept
		status, body = request(t, s, http.MethodPost, "/api/judgements", `{"judge": "cid", "id": "`+first+`", "facet": "is_dress", "label": "no"`+shown+`}`, nil)
		require.Equal(t, http.StatusBadRequest, status, body)
		require.NotContains(t, itemOf(t, r, 0, "neckline").DressVotes, "cid")
	}
	require.NoError(t, os.Remove(filepath.Join(filepath.Dir(options.Dataset), "3.png")))
	status, body = request(t, s, http.MethodGet, "/api/photos/"+idOf(r, 3)+"/picture", "", nil)
	require.Equal(t, http.StatusNotFound, status)
	require.Contains(t, body, "the photo's file is gone: 3.png")
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(options.Dataset), "4.png"), picture(t, 20), 0o644))
	status, body = request(t, s, http.MethodGet, "/api/photos/"+idOf(r, 4)+"/picture", "", nil)
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, body, "another one than at the start: 4.png")
}

// TestABrowserThatAsksNothing does not hold the program up for long, nor make a failure of its end.
func TestABrowserThatAsksNothing(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	s := NewServer(review(t, shop(t)), ServerOptions{Logger: slog.New(slog.DiscardHandler)})
	go func() { ended <- s.Serve(ctx, listener) }()
	idle, err := new(net.Dialer).DialContext(t.Context(), "tcp", listener.Addr().String())
	require.NoError(t, err)
	defer idle.Close()
	response, err := http.Get("http://" + listener.Addr().String() + "/readyz") // so that the one before is accepted
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	stop()
	require.NoError(t, <-ended)
}

// TestBehindAProxy: the page is known by the name that was given, and judges by what the proxy says.
func TestBehindAProxy(t *testing.T) {
	r := review(t, shop(t))
	s := NewServer(r, ServerOptions{Hosts: []string{"quality.shop.example"}, JudgeHeader: "X-Remote-User"})
	said := `{"judge": "bob", "id": "` + idOf(r, 0) + `", "facet": "neckline", "label": "v-neck"}`
	origin := map[string]string{"Origin": "https://quality.shop.example"}
	status, body := request(t, s, http.MethodPost, "/api/judgements", said, origin)
	require.Equal(t, http.StatusForbidden, status)
	require.Contains(t, body, "the proxy does not say who you are")
	origin["X-Remote-User"] = "ann"
	status, body = request(t, s, http.MethodPost, "/api/judgements", said, origin)
	require.Equal(t, http.StatusOK, status, body)
	require.Equal(t, map[string]string{"ann": "v-neck"}, itemOf(t, r, 0, "neckline").Votes)
	_, body = request(t, s, http.MethodGet, "/api/overview", "", origin)
	require.Contains(t, body, `"judge":"ann"`)
}
