package quality

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/photo"
)

// rack is an index in memory.
type rack struct {
	mu     sync.Mutex
	run    string
	runs   map[string][]byte // Parquet
	broken error             // what asking for the run says
	read   int               // bytes of Parquet that were asked for
	photos map[string][]byte // thumbnails by photo
}

func (k *rack) Name() string { return "shop/index" }

func (k *rack) Run(context.Context) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.run, k.broken
}

func (k *rack) Rows(_ context.Context, run string) (*catalog.Reader, io.Closer, error) {
	k.mu.Lock()
	file, ok := k.runs[run]
	k.mu.Unlock()
	if !ok {
		return nil, nil, fs.ErrNotExist
	}
	reader, err := catalog.Read(counted{k, bytes.NewReader(file)}, int64(len(file)))
	return reader, io.NopCloser(nil), err
}

func (k *rack) Thumbnail(_ context.Context, photoID string) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if data, ok := k.photos[photoID]; ok {
		return data, nil
	}
	return nil, fs.ErrNotExist
}

type counted struct {
	rack *rack
	io.ReaderAt
}

func (c counted) ReadAt(p []byte, offset int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, offset)
	c.rack.mu.Lock()
	defer c.rack.mu.Unlock()
	c.rack.read += n
	return n, err
}

// rackFacets are those of the model that made the rack.
var rackFacets = []catalog.Facet{{Name: "neckline", Labels: []string{"v-neck", "round", "boat"}}, {Name: "sleeve", Labels: []string{"long", "cap"}}}

// publish makes rows the current run.
func (k *rack) publish(t *testing.T, run string, rows ...catalog.Row) {
	t.Helper()
	var file bytes.Buffer
	w, err := catalog.NewWriter(&file, catalog.Metadata{Run: run, EmbeddingModel: "e", FacetModel: "f", Facets: rackFacets, UnsupervisedSize: 512, DeepRankSize: 512, CreatedAt: time.Date(2026, 11, 30, 2, 0, 0, 0, time.UTC)})
	require.NoError(t, err)
	require.NoError(t, w.Write(rows))
	require.NoError(t, w.Close())
	k.mu.Lock()
	defer k.mu.Unlock()
	k.run, k.runs[run] = run, file.Bytes()
}

// hung is a row of the photo of a number, whose dress has a neckline and a sleeve.
func (k *rack) hung(t *testing.T, n int, neckline catalog.FacetValue) catalog.Row {
	t.Helper()
	data := picture(t, n)
	id := photo.ID(data)
	k.photos[id] = data // of 40 x 60, of a photo of 80 x 120
	vector := make([]float32, 512)
	for i := range vector {
		vector[i] = rand.Float32()
	}
	source := fmt.Sprintf("%d.png", n)
	return catalog.Row{
		RowID: catalog.NewRowID("p", source), PhotoID: id, ProductID: fmt.Sprint("dress-", n), Source: source, Status: catalog.StatusOK, Width: 80, Height: 120,
		Box: &catalog.Box{XMin: 20, YMin: 20, XMax: 60, YMax: 100}, BoxConfidence: 0.9,
		Facets:                map[string]catalog.FacetValue{"neckline": neckline, "sleeve": said("long", 0.9)},
		EmbeddingUnsupervised: vector, EmbeddingDeepRank: vector, EmbeddingModel: "e", FacetModel: "f", IndexedAt: time.Now(),
	}
}

func said(label string, probability float32) catalog.FacetValue {
	return catalog.FacetValue{Label: label, Probability: probability, Source: catalog.Predicted}
}

// withoutDress is a row's photo in which there is no dress.
func withoutDress(row catalog.Row) catalog.Row {
	row.Status, row.Box, row.BoxConfidence, row.Facets, row.EmbeddingUnsupervised, row.EmbeddingDeepRank = catalog.StatusNoDress, nil, 0, nil, nil, nil
	return row
}

// newRack is an index of four dresses, of which people have labelled one, a photo without a dress and one that cannot be
// read, and where judgements of it go.
func newRack(t *testing.T) (*rack, Options) {
	t.Helper()
	k := &rack{runs: map[string][]byte{}, photos: map[string][]byte{}}
	again := k.hung(t, 0, said("v-neck", 0.9))
	again.ProductID, again.RowID = "another", "another"
	linked := k.hung(t, 1, said("round", 0.4))
	linked.Title, linked.URL = "Blue dress", "https://shop.example/1"
	k.publish(t, "first",
		k.hung(t, 0, said("v-neck", 0.9)), linked, k.hung(t, 2, catalog.FacetValue{Label: "boat", Probability: 1, Source: catalog.Human}),
		k.hung(t, 3, said("v-neck", 0.6)), withoutDress(k.hung(t, 4, said("round", 1))), again,
		catalog.Row{RowID: "broken", ProductID: "broken", Source: "broken.png", Status: catalog.StatusUnreadable, Error: "empty", EmbeddingModel: "e", FacetModel: "f", IndexedAt: time.Now()})
	return k, Options{Index: k, Judgements: filepath.Join(t.TempDir(), "judgements.jsonl")}
}

// TestIndex shows what its rows say and no more, first that of which the model is least sure, and reads no embedding.
func TestIndex(t *testing.T) {
	k, options := newRack(t)
	r := review(t, options)
	require.Less(t, k.read, len(k.runs["first"])/2, "embeddings are most of the file")
	o := r.Overview()
	require.Equal(t, &IndexOverview{"first", time.Date(2026, 11, 30, 2, 0, 0, 0, time.UTC)}, o.Index)
	require.Equal(t, []any{"shop/index", "f", 5, 1, 0}, []any{o.Dataset, o.Model, o.Photos, o.Bad, o.Strays})
	necklines := o.Facets[0]
	require.Equal(t, rackFacets[0], catalog.Facet{Name: necklines.Facet, Labels: necklines.Labels})
	require.Equal(t, map[Show]int{ShowAll: 5, ShowUnlabelled: 3, ShowLabelled: 1, ShowNoDress: 1, ShowMissed: 1}, necklines.Show)
	require.Equal(t, map[string]int{"boat": 1}, necklines.Counts)
	require.Zero(t, necklines.Measured)
	require.Len(t, necklines.Predicted, 2)
	require.Equal(t, 2, necklines.Predicted[0].Count)
	require.InDelta(t, 0.75, necklines.Predicted[0].Right, 1e-6)

	require.Equal(t, []string{"1.png", "3.png", "0.png"}, find(t, r, Query{Show: ShowUnlabelled}))
	require.Equal(t, []string{"3.png", "0.png"}, find(t, r, Query{Show: ShowUnlabelled, Predicted: "v-neck"}))
	require.Equal(t, []string{"1.png", "3.png", "0.png", "2.png", "4.png"}, find(t, r, Query{}))
	require.Equal(t, []string{"4.png"}, find(t, r, Query{Show: ShowNoDress}))
	unsure, human := itemOf(t, r, 1, "neckline"), itemOf(t, r, 2, "neckline")
	require.Equal(t, map[string]float32{"round": 0.4}, unsure.Probabilities, "of the others nothing is known")
	require.Equal(t, []string{"Blue dress", "https://shop.example/1", ""}, []string{unsure.Title, unsure.Link, unsure.Label})
	require.Equal(t, []string{"boat", "boat", "", "dress-2"}, []string{human.Label, human.Imported, human.Predicted, human.Title})

	_, err := Open(t.Context(), Options{Index: k, Judgements: options.Judgements + "2", Facets: []string{"fabric"}})
	require.ErrorContains(t, err, `the index has no facet "fabric": it has neckline, sleeve`)
	options.Judgements += "3"
	options.Facets = []string{"sleeve"}
	require.Len(t, review(t, options).Overview().Facets, 1)
}

// TestSecretsOfAnIndex: whoever may judge is not shown the password or the signature with which a photo was fetched.
func TestSecretsOfAnIndex(t *testing.T) {
	k, options := newRack(t)
	row := k.hung(t, 0, said("boat", 0.5))
	for _, test := range []struct{ source, url, name, link string }{
		{"https://cdn.example/a.jpg", "", "https://cdn.example/a.jpg", "https://cdn.example/a.jpg"},
		{"https://u:hunter2@cdn.example/a.jpg", "", "https://cdn.example/a.jpg", ""},
		{"https://cdn.example/a.jpg?sig=hunter2", "https://shop.example/1?id=1", "https://cdn.example/a.jpg", "https://shop.example/1?id=1"},
		{"a.jpg?1", "javascript:alert(1)", "a.jpg?1", ""},
	} {
		row.Source, row.URL = test.source, test.url
		k.publish(t, test.source, row)
		options.Judgements += "x"
		item := itemOf(t, review(t, options), 0, "neckline")
		require.Equal(t, []string{test.name, test.link}, []string{item.Name, item.Link})
	}
}

// TestJudgementsOfAnIndex are what kleid index --judgements takes: of the dress in its box, by the photo's bytes.
func TestJudgementsOfAnIndex(t *testing.T) {
	_, options := newRack(t)
	r := review(t, options)
	require.NoError(t, say(r, "ann", 1, "neckline", "boat"))
	require.NoError(t, say(r, "ann", 3, datasets.DressFacet, datasets.NoDress))
	require.NoError(t, say(r, "bob", 4, datasets.DressFacet, datasets.IsDress))
	require.NoError(t, r.Judge(Said{Judge: "bob", ID: idOf(r, 2), Facet: "neckline", Label: "bardot", New: true}))
	require.Equal(t, []string{"4.png", "2.png"}, find(t, r, Query{Show: ShowMine, Judge: "bob"}))
	require.Equal(t, []string{"1.png", "2.png"}, find(t, r, Query{Show: ShowDisagree}), "of the model's labels and of people's")
	require.Equal(t, []string{"0.png", "4.png"}, find(t, r, Query{Show: ShowUnlabelled}), "of one the model says nothing")
	require.Equal(t, []string{"3.png"}, find(t, r, Query{Show: ShowNoDress}))
	r = again(t, r, options)
	require.Equal(t, "boat", itemOf(t, r, 1, "neckline").Label)
	require.Equal(t, []string{"v-neck", "round", "boat", "bardot"}, r.Overview().Facets[0].Labels)

	js, err := datasets.FetchJudgements(t.Context(), options.Judgements)
	require.NoError(t, err)
	box := photo.Box{XMin: 20, YMin: 20, XMax: 60, YMax: 100}
	labels, _ := js.Of(idOf(r, 1), box, rackFacets)
	require.Equal(t, map[string]string{"neckline": "boat"}, labels)
	labels, _ = js.Of(idOf(r, 1), photo.Box{XMax: 10, YMax: 10}, rackFacets)
	require.Empty(t, labels, "another dress of the photo")
	_, noDress := js.Of(idOf(r, 3), box, rackFacets)
	require.True(t, noDress)
}

// TestJudgementsOfAnotherDress, as a model of before has found one, are of none that the index has: it leaves them out.
func TestJudgementsOfAnotherDress(t *testing.T) {
	k, options := newRack(t)
	r := review(t, options)
	var lines []byte
	for n, box := range map[int]*photo.Box{0: {XMin: 60, XMax: 80, YMax: 20}, 1: {XMin: 22, YMin: 20, XMax: 60, YMax: 100}, 3: nil} {
		line, err := json.Marshal(datasets.Judgement{Judge: "ann", PhotoID: idOf(r, n), Box: box, Facet: "neckline", Label: "boat"})
		require.NoError(t, err)
		lines = append(append(lines, line...), '\n')
	}
	require.NoError(t, r.Close())
	require.NoError(t, os.WriteFile(options.Judgements, lines, 0o644))
	r = review(t, Options{Index: k, Judgements: options.Judgements})
	require.Equal(t, []string{"1.png", "3.png"}, find(t, r, Query{Show: ShowMine, Judge: "ann"}))
	require.Equal(t, 1, r.Overview().Strays)
}

// TestIndexMadeAnew: the next night's index takes the place of the one that is shown, with what people say of it.
func TestIndexMadeAnew(t *testing.T) {
	k, options := newRack(t)
	told := 0
	options.Progress = func(int, int) { told++ }
	r := review(t, options)
	require.Equal(t, 1, told)
	require.NoError(t, say(r, "ann", 1, "neckline", "boat"))
	require.NoError(t, say(r, "ann", 0, "neckline", "round"))
	gone := idOf(r, 0)
	changed, err := r.Refresh(t.Context())
	require.NoError(t, err)
	require.False(t, changed)

	moved := k.hung(t, 3, said("round", 0.3))
	moved.Box.XMax = 70
	k.publish(t, "second", k.hung(t, 1, catalog.FacetValue{Label: "boat", Probability: 1, Source: catalog.Human}), moved, k.hung(t, 5, said("round", 0.2)))
	delete(k.runs, "first")
	changed, err = r.Refresh(t.Context())
	require.NoError(t, err)
	require.True(t, changed)
	require.Equal(t, 1, told, "at the start alone")
	require.Equal(t, "second", r.Overview().Index.Run)
	require.Equal(t, 1, r.Overview().Strays)
	require.Equal(t, []string{"5.png", "3.png"}, find(t, r, Query{Show: ShowUnlabelled}))
	require.Equal(t, map[string]string{"ann": "boat"}, itemOf(t, r, 0, "neckline").Votes)
	require.ErrorIs(t, r.Judge(Said{Judge: "ann", ID: gone, Facet: "neckline", Label: "boat"}), ErrNotFound)
	require.NoError(t, r.Judge(Said{Judge: "ann", ID: moved.PhotoID, Facet: "neckline", Label: "boat"}), "the page of before judges what it shows")

	// What cannot be read leaves what is shown.
	k.run = "third"
	_, err = r.Refresh(t.Context())
	require.ErrorIs(t, err, fs.ErrNotExist)
	k.broken = errors.New("S3 is away")
	_, err = r.Refresh(t.Context())
	require.ErrorIs(t, err, k.broken)
	require.Equal(t, "second", r.Overview().Index.Run)
}

// removing is an index whose run is removed as somebody opens it, since another one was published.
type removing struct {
	*rack
	t *testing.T
}

func (r removing) Rows(ctx context.Context, run string) (*catalog.Reader, io.Closer, error) {
	if run == "first" {
		r.publish(r.t, "second", r.hung(r.t, 7, said("round", 0.5)))
		return nil, nil, fs.ErrNotExist
	}
	return r.rack.Rows(ctx, run)
}

// TestRunThatIsRemovedMeanwhile leads to the one that took its place.
func TestRunThatIsRemovedMeanwhile(t *testing.T) {
	k, options := newRack(t)
	options.Index = removing{k, t}
	require.Equal(t, "second", review(t, options).Overview().Index.Run)
	options.Judgements += "2"
	k.run = "none"
	_, err := Open(t.Context(), options)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// TestDamagedRun: a run of which some rows cannot be read is not shown as if it had no more.
func TestDamagedRun(t *testing.T) {
	k, options := newRack(t)
	file := bytes.Clone(k.runs[k.run])
	clear(file[4 : len(file)/4]) // of the first column, which is needed
	k.runs["damaged"], k.run = file, "damaged"
	_, err := Open(t.Context(), options)
	require.ErrorContains(t, err, "run damaged of shop/index")
	require.NotContains(t, err.Error(), "no photo that could be read")
}

// TestFollow takes over what is published, and tells what is amiss once.
func TestFollow(t *testing.T) {
	k, options := newRack(t)
	r := review(t, options)
	var told lines
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.follow(ctx, time.Millisecond, slog.New(slog.NewTextHandler(&told, nil)))
	}()
	k.publish(t, "second", k.hung(t, 5, said("round", 0.2)))
	require.Eventually(t, func() bool { return r.run() == "second" }, time.Minute, time.Millisecond)
	k.mu.Lock()
	k.broken = errors.New("S3 is away")
	k.mu.Unlock()
	require.Eventually(t, func() bool { return told.count("S3 is away") == 1 }, time.Minute, time.Millisecond)
	k.mu.Lock()
	k.broken = nil
	k.mu.Unlock()
	k.publish(t, "third", k.hung(t, 6, said("round", 0.2)))
	require.Eventually(t, func() bool { return r.run() == "third" }, time.Minute, time.Millisecond)
	stop()
	<-ended
	require.Equal(t, 1, told.count("S3 is away"))
	require.Equal(t, 2, told.count("a new index is shown"))
}

// lines is a log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Count(l.text.Bytes(), []byte(text))
}

// TestPicturesOfAnIndex are its thumbnails: of the dress, and large the whole one.
func TestPicturesOfAnIndex(t *testing.T) {
	k, options := newRack(t)
	r := review(t, options)
	s := NewServer(r, ServerOptions{Logger: slog.New(slog.DiscardHandler)})
	size := func(path string) [2]int {
		t.Helper()
		status, body := request(t, s, "GET", "/api/photos/"+path, "", nil)
		require.Equal(t, 200, status, body)
		m, err := photo.Decode([]byte(body), photo.DefaultLimits())
		require.NoError(t, err)
		return [2]int{m.Width, m.Height}
	}
	dress := size(idOf(r, 0) + "/picture") // 40 x 80 of the photo, and its rim
	require.InDelta(t, 22, dress[0], 2)
	require.InDelta(t, 44, dress[1], 2)
	require.Equal(t, [2]int{40, 60}, size(idOf(r, 0)+"/picture?large=1"))
	require.Equal(t, [2]int{40, 60}, size(idOf(r, 4)+"/picture"), "without a dress")
	delete(k.photos, idOf(r, 1))
	status, body := request(t, s, "GET", "/api/photos/"+idOf(r, 1)+"/picture", "", nil)
	require.Equal(t, 404, status)
	require.Contains(t, body, "1.png")
}
