//go:build unix

package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
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
	require.Equal(t, exit.Done, r.code, r.stderr)

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
	judge(t, url, map[string]any{"judge": "ann", "id": page.Items[0].ID, "facet": "neckline", "label": "halter", "new": true})

	second := kleid(t, "quality", "--dataset", dataset, "--listen", "127.0.0.1:0")
	require.Equal(t, exit.Failed, second.code)
	require.Contains(t, second.stderr, "another program adds to")
	p.signal(syscall.SIGTERM)
	require.Equal(t, exit.Done, p.end(t), p.stderr.String())
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

// judge judges over HTTP.
func judge(t *testing.T, url string, said map[string]any) {
	t.Helper()
	body, err := json.Marshal(said)
	require.NoError(t, err)
	response, err := http.Post(url+"api/judgements", "application/json", bytes.NewReader(body))
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
}

// TestQualityOfAnIndex: two commands, and what a merchandiser says is in the index, in which another one finds it again. The
// catalogue is not needed.
func TestQualityOfAnIndex(t *testing.T) {
	s := newShop(t)
	out := t.TempDir()
	r := kleid(t, "index", "--catalogue", s.catalogue, "--out", out)
	require.Equal(t, exit.Done, r.code, r.stderr)
	photos := func(url, show string) quality.Page {
		t.Helper()
		status, body := get(t, url+"api/photos?facet=neckline&limit=1000&show="+show)
		require.Equal(t, http.StatusOK, status, string(body))
		var page quality.Page
		require.NoError(t, json.Unmarshal(body, &page))
		return page
	}
	p := start(t, "quality", "--index", out, "--listen", "127.0.0.1:0")
	url := p.url(t)
	doubtful := photos(url, "unlabelled")
	require.Equal(t, len(rows(t, out)), doubtful.Total)
	require.True(t, slices.IsSortedFunc(doubtful.Items, func(a, b quality.Item) int { return cmp.Compare(a.Probability, b.Probability) }))
	worst := doubtful.Items[0]
	status, picture := get(t, url+"api/photos/"+worst.ID+"/picture")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "image/jpeg", http.DetectContentType(picture))
	label := "boat"
	if worst.Predicted == label {
		label = "cowl"
	}
	judge(t, url, map[string]any{"judge": "ann", "id": worst.ID, "facet": "neckline", "label": label})
	p.signal(syscall.SIGTERM)
	require.Equal(t, exit.Done, p.end(t), p.stderr.String())

	r = kleid(t, "index", "--catalogue", s.catalogue, "--out", out, "--judgements", filepath.Join(out, "judgements.jsonl"))
	require.Equal(t, exit.Done, r.code, r.stderr)
	now := rows(t, out)
	at := slices.IndexFunc(now, func(row catalog.Row) bool { return row.PhotoID == worst.ID })
	require.Equal(t, catalog.FacetValue{Label: label, Probability: 1, Source: catalog.Human}, now[at].Facets["neckline"])
	p = start(t, "quality", "--index", out, "--listen", "127.0.0.1:0")
	found := photos(p.url(t), "labelled")
	require.Equal(t, []string{worst.ID, label, label}, []string{found.Items[0].ID, found.Items[0].Label, found.Items[0].Imported})
	require.Equal(t, map[string]string{"ann": label}, found.Items[0].Votes)
}
