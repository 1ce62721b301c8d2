package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/vectors"
	"github.com/kleid-search/kleid/vectors/embedded"
)

func TestIndex(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	out := t.TempDir()
	r := kleid(t, "index", "--catalogue", s.catalogue, "--out", out, "--json")
	require.Equal(t, exit.Done, r.code, r.stderr)
	fields := decodeLine[map[string]any](t, r)
	for _, name := range []string{"photos", "ok", "no_dress", "unreadable", "seconds", "images_per_second", "index", "run", "embedding_model", "facet_model", "embedded"} {
		require.Contains(t, fields, name)
	}
	first := decodeLine[indexer.Report](t, r)
	require.Equal(t, shopProducts*shopPhotos, first.Photos)
	require.Equal(t, first.Photos, first.OK)
	require.Equal(t, first.Photos, first.Embedded)
	require.Equal(t, out, first.Index)
	written := rows(t, out)
	require.Len(t, written, first.Photos)
	require.Equal(t, catalog.StatusOK, written[0].Status)
	require.Equal(t, first.EmbeddingModel, written[0].EmbeddingModel)
	require.Len(t, written[0].Facets, len(datasets.Facets())+1, "and the colour")
	require.NotEmpty(t, written[0].Colours)
	require.NotEmpty(t, written[0].Attributes["colour"])

	again := decodeLine[indexer.Report](t, kleid(t, "index", "--catalogue", s.catalogue, "--out", out, "--json"))
	require.Zero(t, again.Embedded, "a second run embeds none again")
	require.NotEqual(t, first.Run, again.Run)
	require.Equal(t, first.Run, again.PreviousRun)
	require.Equal(t, timeless(written), timeless(rows(t, out)))

	text := kleid(t, "index", "--catalogue", s.catalogue, "--out", out)
	require.Equal(t, exit.Done, text.code)
	require.Contains(t, text.stdout, "0 embedded anew")
}

// A model with other facet heads reads the facets of an index that is there as one that sees the photos does.
func TestIndexWithOtherFacetHeads(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	out := t.TempDir()
	require.Equal(t, exit.Done, kleid(t, "index", "--catalogue", s.catalogue, "--out", out).code)
	first := rows(t, out)

	other := readModel(t, tiny)
	heads := other.Weights.Clone()
	for _, v := range []string{"facets.sleeve.weight", "facets.sleeve.bias"} {
		for i := range heads[v].Data {
			heads[v].Data[i] *= -1
		}
	}
	other.Weights = heads
	file := filepath.Join(t.TempDir(), "other.safetensors")
	var b bytes.Buffer
	require.NoError(t, other.Encode(&b, models.Float32))
	write(t, file, b.Bytes())
	index := func(out string) indexer.Report {
		r := kleid(t, "index", "--catalogue", s.catalogue, "--out", out, "--models", file, "--force", "--json")
		require.Equal(t, exit.Done, r.code, r.stderr)
		return decodeLine[indexer.Report](t, r)
	}
	report := index(out)
	require.Equal(t, []int{0, len(first)}, []int{report.Embedded, report.FacetsRead})
	afresh := t.TempDir()
	require.Equal(t, len(first), index(afresh).Embedded)
	require.Equal(t, timeless(rows(t, afresh)), timeless(rows(t, out)))
	require.NotEqual(t, timeless(first), timeless(rows(t, out)))
}

// TestIndexKeepsRuns counts the runs that --keep leaves, in the Parquet files and in the store.
func TestIndexKeepsRuns(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	out := t.TempDir()
	for range 3 {
		require.Equal(t, exit.Done, kleid(t, "index", "--catalogue", s.catalogue, "--out", out, "--keep", "0").code)
	}
	for _, pattern := range []string{"run=*", "vectors/*/manifest.json"} {
		runs, err := filepath.Glob(filepath.Join(out, pattern))
		require.NoError(t, err)
		require.Len(t, runs, 1, pattern)
	}
}

func TestIndexOfAFolder(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	out := filepath.Join(t.TempDir(), "new", "index")
	report := decodeLine[indexer.Report](t, kleid(t, "index", "--catalogue", filepath.Join(s.dir, "photos"), "--out", out, "--json"))
	require.Equal(t, shopProducts*shopPhotos, report.OK)
	require.Equal(t, report.Photos, report.Products, "a file name is a product")
}

// TestIndexIntoAnotherStore keeps vectors apart from the rest.
func TestIndexIntoAnotherStore(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	out, elsewhere := t.TempDir(), t.TempDir()
	require.Equal(t, exit.Done, kleid(t, "index", "--catalogue", s.catalogue, "--out", out, "--store", "embedded:"+elsewhere).code)
	store, err := embedded.Open(out)
	require.NoError(t, err)
	_, err = store.Current(t.Context())
	require.ErrorIs(t, err, vectors.ErrNoIndex)
	r := kleid(t, "search", s.photos(t)[0], "--store", "embedded:"+elsewhere)
	require.Equal(t, exit.Done, r.code, r.stderr)
}

func TestIndexTooManyBad(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	photos := t.TempDir()
	good, err := os.ReadFile(s.photos(t)[0])
	require.NoError(t, err)
	write(t, filepath.Join(photos, "good.jpg"), good)
	out := t.TempDir()
	require.Equal(t, exit.Done, kleid(t, "index", "--catalogue", photos, "--out", out).code)
	run, err := indexer.Latest(out)
	require.NoError(t, err)

	write(t, filepath.Join(photos, "bad.jpg"), []byte("not a photo"))
	r := kleid(t, "index", "--catalogue", photos, "--out", out, "--json")
	require.Equal(t, exit.TooManyBad, r.code)
	require.Contains(t, r.stderr, "1 of 2 photos are unreadable (1 of them: the file is no JPEG, PNG, WebP, GIF or BMP image")
	require.Contains(t, r.stderr, ", more than the 5% that --max-bad allows: the index that was there stays the current one")
	report := decodeLine[indexer.Report](t, r)
	require.Equal(t, 1, report.Unreadable)
	require.False(t, report.Published)
	now, err := indexer.Latest(out)
	require.NoError(t, err)
	require.Equal(t, run, now)

	r = kleid(t, "index", "--catalogue", photos, "--out", out, "--max-bad", "0.5")
	require.Equal(t, exit.Done, r.code, r.stderr)
	r = kleid(t, "index", "--catalogue", photos, "--out", t.TempDir())
	require.Equal(t, exit.TooManyBad, r.code)
	require.Contains(t, r.stderr, "published all the same")
}

func TestIndexFails(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	tests := []struct {
		name string
		args []string
		says string
	}{
		{"no such catalogue", []string{"--catalogue", "nowhere", "--out", t.TempDir()}, "nowhere"},
		{"empty catalogue", []string{"--catalogue", t.TempDir(), "--out", t.TempDir()}, "has no photos"},
		{"catalogue of no kind", []string{"--catalogue", write(t, filepath.Join(t.TempDir(), "c.xls"), nil), "--out", t.TempDir()}, "neither a folder nor"},
		{"no such model", []string{"--catalogue", s.catalogue, "--out", t.TempDir(), "--models", "nowhere.safetensors"}, "nowhere.safetensors"},
		{"model that is none", []string{"--catalogue", s.catalogue, "--out", t.TempDir(), "--models", s.catalogue}, "catalogue.csv"},
		{"out is a file", []string{"--catalogue", s.catalogue, "--out", s.catalogue}, "catalogue.csv"},
		{"built without XLA", []string{"--catalogue", s.catalogue, "--out", t.TempDir(), "--backend", "xla:cpu"}, "xla"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := kleid(t, append([]string{"index", "--json"}, test.args...)...)
			require.Equal(t, exit.Failed, r.code, r.stderr)
			require.Contains(t, r.stderr, test.says)
			require.Empty(t, r.stdout)
		})
	}
}

// TestReportIsOneLine holds for names that would break it.
func TestReportIsOneLine(t *testing.T) {
	photos := t.TempDir()
	write(t, filepath.Join(photos, "two\nlines.jpg"), []byte("x"))
	r := kleid(t, "index", "--catalogue", photos, "--out", t.TempDir(), "--max-bad", "1.0", "--json")
	require.Equal(t, exit.Done, r.code, r.stderr)
	report := decodeLine[indexer.Report](t, r)
	require.Equal(t, "two\nlines.jpg", report.Bad[0].Source)
	require.True(t, json.Valid([]byte(r.stdout)))
}

// The runs of an index are listed, checked and gone back to by the program itself.
func TestIndexRuns(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	out := t.TempDir()
	index := func() indexer.Report {
		return decodeLine[indexer.Report](t, kleid(t, "index", "--catalogue", s.catalogue, "--out", out, "--json"))
	}
	first, second := index(), index()
	list := decodeLine[struct{ Runs []indexer.RunInfo }](t, kleid(t, "index", "list", "--out", out, "--json"))
	require.Equal(t, []string{second.Run, first.Run}, []string{list.Runs[0].Run, list.Runs[1].Run})
	require.Contains(t, kleid(t, "index", "list", "--out", out).stdout, second.Run+"  current")

	verified := kleid(t, "index", "verify", "--out", out, "--json")
	require.Equal(t, exit.Done, verified.code, verified.stderr)
	require.Equal(t, second.OK, decodeLine[indexer.Verification](t, verified).Rows)

	back := kleid(t, "index", "rollback", "--out", out)
	require.Equal(t, exit.Done, back.code, back.stderr)
	require.Contains(t, back.stdout, "run "+first.Run+" is the current index")
	again := kleid(t, "index", "rollback", "--out", out)
	require.Equal(t, exit.Failed, again.code)
	require.Contains(t, again.stderr, "there is no run before "+first.Run)
	require.Equal(t, exit.Usage, kleid(t, "index", "verify", "--out", out, "--gate-recall", "1.5").code)
	require.Equal(t, exit.Usage, kleid(t, "index", "--catalogue", s.catalogue, "--out", out, "--gate-rows", "-1").code)
}

// TestIndexOfAnotherStore has its vectors in Milvus: without its name nothing is found, and it is not said that there is no
// index.
func TestIndexOfAnotherStore(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	out := t.TempDir()
	require.Equal(t, exit.Done, kleid(t, "index", "--catalogue", s.catalogue, "--out", out).code)
	write(t, filepath.Join(out, "work", "store"), []byte("milvus://milvus:19530/dresses\n"))
	for _, args := range [][]string{
		{"index", "list", "--out", out}, {"index", "verify", "--out", out}, {"index", "rollback", "--out", out},
		{"search", s.photos(t)[0], "--index", out}, {"search", s.photos(t)[0], "--store", "embedded:" + out}, {"serve", "--index", out, "--listen", "127.0.0.1:0"},
	} {
		r := kleid(t, args...)
		require.NotEqual(t, exit.Done, r.code, "%v", args)
		require.Contains(t, r.stderr, "the vectors of the index in "+out+" are in the store milvus://milvus:19530/dresses")
	}
	require.NoError(t, os.Remove(filepath.Join(out, "work", "store")))
	require.Equal(t, exit.Done, kleid(t, "index", "list", "--out", out).code)
}

// TestIndexRefusedByTheGate takes photos out of the catalogue, so that rows are missing.
func TestIndexRefusedByTheGate(t *testing.T) {
	catalogue, out := t.TempDir(), t.TempDir()
	s := newShop(t)
	photos := s.photos(t)
	link := func(n int) {
		require.NoError(t, os.RemoveAll(catalogue))
		require.NoError(t, os.Mkdir(catalogue, 0o755))
		for _, photo := range photos[:n] {
			require.NoError(t, os.Symlink(photo, filepath.Join(catalogue, filepath.Base(photo))))
		}
	}
	link(8)
	first := decodeLine[indexer.Report](t, kleid(t, "index", "--catalogue", catalogue, "--out", out, "--json"))
	require.Equal(t, 8, first.OK)
	link(2)
	refused := kleid(t, "index", "--catalogue", catalogue, "--out", out, "--json")
	require.Equal(t, exit.Refused, refused.code)
	require.Contains(t, refused.stderr, "the gate refuses the new index: 2 photos show a dress, and 8 did")
	report := decodeLine[indexer.Report](t, refused)
	require.False(t, report.Published)
	require.Equal(t, indexer.CheckRows, report.Gate.Reasons[0].Check)
	forced := kleid(t, "index", "--catalogue", catalogue, "--out", out, "--force")
	require.Equal(t, exit.Done, forced.code, forced.stderr)
	require.Contains(t, forced.stdout, "in spite of the gate")
}

// TestIndexTells posts the report and pushes the metrics, also of a run that was refused.
func TestIndexTells(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	var posted, pushed []string
	var fail int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/hook" {
			posted = append(posted, string(body))
		} else {
			pushed = append(pushed, r.Method+" "+r.URL.Path)
		}
		if len(posted) <= fail {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	out := t.TempDir()
	index := func(args ...string) result {
		return kleid(t, append([]string{"index", "--catalogue", s.catalogue, "--out", out, "--notify", server.URL + "/hook", "--push-metrics", server.URL}, args...)...)
	}
	fail = 1
	require.Equal(t, exit.Done, index().code)
	require.Len(t, posted, 2, "once more after a failure")
	var report struct {
		Text string `json:"text"`
		indexer.Report
	}
	require.NoError(t, json.Unmarshal([]byte(posted[1]), &report))
	require.True(t, report.Published)
	require.Contains(t, report.Text, "kleid: run "+report.Run+" is the current index: ")
	require.Equal(t, []string{"PUT /metrics/job/kleid_index"}, pushed)
	metrics, err := os.ReadFile(filepath.Join(out, "metrics.prom"))
	require.NoError(t, err)
	require.Contains(t, string(metrics), "kleid_index_run_published 1\n")
	require.Contains(t, string(metrics), `kleid_index_run_photos{status="ok"} `)

	require.Equal(t, exit.Refused, index("--exclude", "**/*-1.jpg").code)
	require.NoError(t, json.Unmarshal([]byte(posted[2]), &report))
	require.False(t, report.Published)
	require.Contains(t, report.Text, "kleid: the gate refuses the new index: ")
	require.Equal(t, exit.Usage, index("--notify", "somewhere").code)
	for what, args := range map[string][]string{
		"missing.safetensors": {"--models", "missing.safetensors"}, "missing.csv": {"--catalogue", "missing.csv"}, "127.0.0.1:1": {"--models", "https://u:hunter2@127.0.0.1:1/m"},
	} {
		before := len(posted)
		require.Equal(t, exit.Failed, index(args...).code)
		require.Len(t, posted, before+1)
		var failed struct {
			Text     string `json:"text"`
			Error    string `json:"error"`
			ExitCode int    `json:"exit_code"`
		}
		require.NoError(t, json.Unmarshal([]byte(posted[before]), &failed))
		require.Equal(t, exit.Failed, failed.ExitCode)
		require.Contains(t, failed.Error, what)
		require.Equal(t, "kleid: "+failed.Error, failed.Text)
		require.NotContains(t, failed.Error, "hunter2")
	}
	server.Close()
	unheard := index()
	require.Equal(t, exit.Done, unheard.code, "an index that nobody hears of is as good")
	require.Contains(t, unheard.stderr, "nobody was notified")
}
