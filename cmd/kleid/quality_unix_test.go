//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/quality"
)

// TestQuality starts the real program on a model's predictions, corrects a label over HTTP, stops the program, and has
// the label in the dataset.
func TestQuality(t *testing.T) {
	s := newShop(t)
	photos := s.photos(t)[:4]
	dir := t.TempDir()
	dataset := write(t, filepath.Join(dir, "shop.csv"), []byte("photo,neckline\n"+strings.Join(photos, ",round\n")+",round\n"))
	predictions := filepath.Join(dir, "predictions.csv")
	r := kleid(t, append([]string{"predict", "--out", predictions}, photos...)...)
	require.Equal(t, exitDone, r.code, r.stderr)

	p := start(t, "quality", "--dataset", dataset, "--predictions", predictions, "--listen", "127.0.0.1:0")
	url := p.url(t)
	status, body := get(t, url+"api/overview")
	require.Equal(t, http.StatusOK, status)
	var overview quality.Overview
	require.NoError(t, json.Unmarshal(body, &overview))
	require.Equal(t, 4, overview.Photos)
	require.Equal(t, "neckline", overview.Facets[0].Facet)
	require.Equal(t, 4, overview.Facets[0].Measured)
	status, body = get(t, url+"api/photos?facet=neckline")
	require.Equal(t, http.StatusOK, status)
	var page quality.Page
	require.NoError(t, json.Unmarshal(body, &page))
	require.Len(t, page.Items, 4)
	said, err := json.Marshal(map[string]any{"judge": "ann", "id": page.Items[0].ID, "facet": "neckline", "label": "halter", "new": true})
	require.NoError(t, err)
	response, err := http.Post(url+"api/judgements", "application/json", bytes.NewReader(said))
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)

	second := kleid(t, "quality", "--dataset", dataset, "--listen", "127.0.0.1:0")
	require.Equal(t, exitFailed, second.code)
	require.Contains(t, second.stderr, "another program adds to")
	p.signal(syscall.SIGTERM)
	require.Equal(t, exitDone, p.end(t), p.stderr.String())
	d, err := datasets.Open(t.Context(), dataset, datasets.OpenOptions{Facets: []string{"neckline"}})
	require.NoError(t, err)
	for _, e := range d.Examples {
		want := "round"
		if e.Name == page.Items[0].Name {
			want = "halter"
		}
		require.Equal(t, want, e.Labels["neckline"])
	}
}
