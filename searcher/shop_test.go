package searcher

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"mime/multipart"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/photo/colour"
	"github.com/kleid-search/kleid/vectors"
	"github.com/kleid-search/kleid/vectors/embedded"
)

// stubEmbedder stands for the networks: it knows the truth of the photos that the shop painted, takes
// any other for one without a dress, and compares dresses by the colours of a coarse grid.
type stubEmbedder struct {
	model string
	// before, if not nil, is called at the start of each Embed.
	before func()

	mu    sync.Mutex
	truth map[string]studio.Photo // by the photo.ID of the pixels
	calls int
}

func newStub(model string) *stubEmbedder {
	return &stubEmbedder{model: model, truth: make(map[string]studio.Photo)}
}

const (
	stubColumns, stubRows = 4, 6
	stubDeepRank          = 3 * stubColumns * stubRows
	stubUnsupervised      = stubColumns * stubRows
)

func (s *stubEmbedder) Metadata() catalog.Metadata {
	return catalog.Metadata{
		EmbeddingModel: s.model, FacetModel: "facets of " + s.model, Facets: append(datasets.Facets(), colourFacet()),
		UnsupervisedSize: stubUnsupervised, DeepRankSize: stubDeepRank,
	}
}

func (s *stubEmbedder) embedded() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

func (s *stubEmbedder) Embed(_ context.Context, inputs []embedding.Input) ([]embedding.Photo, error) {
	if s.before != nil {
		s.before()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	photos := make([]embedding.Photo, len(inputs))
	for i, in := range inputs {
		truth, ok := s.truth[photo.ID(in.Image.Pix)]
		if !ok || truth.Box.Empty() {
			photos[i] = embedding.Photo{Status: catalog.StatusNoDress}
			continue
		}
		p := embedding.Photo{Status: catalog.StatusOK, Box: truth.Box, BoxConfidence: 0.93}
		p.Candidates = []embedding.Candidate{
			{Box: truth.Box, Confidence: 0.93},
			{Box: photo.Box{XMax: in.Image.Width / 3, YMax: in.Image.Height / 3}, Confidence: 0.41},
		}
		if in.Box != nil {
			p.Box, p.BoxConfidence = in.Box.Intersect(in.Image.Frame()), 1
			p.Candidates = []embedding.Candidate{{Box: p.Box, Confidence: 1}}
		}
		p.DeepRank, p.Unsupervised = grid(in.Image, p.Box)
		for _, facet := range datasets.Facets() {
			p.Facets = append(p.Facets, prediction(facet, truth.Facets[facet.Name]))
		}
		for _, d := range colour.Divide(in.Image, p.Box, in.Image.Frame()).Read().Dominant {
			p.Colours = append(p.Colours, catalog.Colour{Name: d.Name, L: float32(d.L), A: float32(d.A), B: float32(d.B), Share: float32(d.Share)})
		}
		p.Facets = append(p.Facets, prediction(colourFacet(), p.Colours[0].Name))
		p.Timing = embedding.Timing{Locate: time.Millisecond, Embed: time.Millisecond}
		photos[i] = p
	}
	return photos, nil
}

// Ignore knows of necklines that they are in the upper row of the grid.
func (s *stubEmbedder) Ignore(embedding string, vector []float32, facets []string) ([]float32, []string, error) {
	if embedding != string(vectors.DeepRank) || !slices.Contains(facets, "neckline") {
		return vector, nil, nil
	}
	rest := slices.Clone(vector)
	clear(rest[:3*stubColumns])
	return rest, []string{"neckline"}, nil
}

func colourFacet() catalog.Facet {
	f := catalog.Facet{Name: colour.Facet, Labels: colour.Labels()}
	for _, label := range f.Labels {
		f.Swatches = append(f.Swatches, colour.Swatch(label))
	}
	return f
}

func prediction(facet catalog.Facet, label string) embedding.Prediction {
	p := embedding.Prediction{Name: facet.Name, Label: label, Probability: 0.796, Confident: facet.Name != "occasion"} // 80 %, rounded
	for _, l := range facet.Labels {
		probability := float32(0.204) / float32(len(facet.Labels)-1)
		if l == label {
			probability = 0.796
		}
		p.Probabilities = append(p.Probabilities, probability)
	}
	return p
}

// grid returns the mean colours of a grid over the box, and the mean greys, each of unit length.
func grid(m *photo.Image, box photo.Box) (colours, greys []float32) {
	for row := range stubRows {
		for column := range stubColumns {
			var sum [3]float64
			n := 0.0
			for y := box.YMin + row*box.Height()/stubRows; y < box.YMin+(row+1)*box.Height()/stubRows; y++ {
				for x := box.XMin + column*box.Width()/stubColumns; x < box.XMin+(column+1)*box.Width()/stubColumns; x++ {
					for c := range sum {
						sum[c] += float64(m.Pix[3*(y*m.Width+x)+c])
					}
					n++
				}
			}
			for _, v := range sum {
				colours = append(colours, float32(v/max(n, 1)-128))
			}
			greys = append(greys, float32((sum[0]+sum[1]+sum[2])/max(n, 1)/3-128))
		}
	}
	return unit(colours), unit(greys)
}

func unit(v []float32) []float32 {
	if !slices.ContainsFunc(v, func(x float32) bool { return x != 0 }) {
		v[0] = 1
	}
	return vectors.Unit(v)
}

// shop is a store with painted dresses in it, and whatever serves them needs.
type shop struct {
	dir      string
	store    vectors.Store
	embedder *stubEmbedder
	products []studio.Product
	files    map[string][]byte // of the catalogue's photos, by photo id
	rows     []catalog.Row     // of the run that was published last
	// width and height of the photos.
	width, height int
}

func newShop(t *testing.T) *shop {
	t.Helper()
	return newShopOf(t, 12, 90, 120)
}

func newShopOf(t *testing.T, products, width, height int) *shop {
	t.Helper()
	s := &shop{
		dir: t.TempDir(), embedder: newStub("model-a"), files: make(map[string][]byte),
		products: studio.Products("searcher", 7, products), width: width, height: height,
	}
	var err error
	s.store, err = embedded.Open(s.dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.store.Close()) })
	return s
}

// paint returns a photo file of a product that the embedder knows.
func (s *shop) paint(t *testing.T, product int, shot studio.Shot) []byte {
	t.Helper()
	shot.Width, shot.Height = s.width, s.height
	return s.keep(t, s.products[product].Paint(shot))
}

// room returns a photo file without a dress.
func (s *shop) room(t *testing.T) []byte {
	t.Helper()
	return s.keep(t, studio.Background(3, studio.Shot{Width: s.width, Height: s.height}))
}

func (s *shop) keep(t *testing.T, painted studio.Photo) []byte {
	t.Helper()
	data, err := painted.JPEG()
	require.NoError(t, err)
	m, err := photo.Decode(data, photo.DefaultLimits())
	require.NoError(t, err)
	s.embedder.mu.Lock()
	defer s.embedder.mu.Unlock()
	s.embedder.truth[photo.ID(m.Pix)] = painted
	return data
}

// index publishes two photos of each of the first n products as a run.
func (s *shop) index(t *testing.T, run string, n int) {
	t.Helper()
	s.rows = nil
	for i := range n {
		for index := range uint64(2) {
			s.rows = append(s.rows, s.row(t, i, studio.Shot{Index: index}))
		}
	}
	s.publish(t, run)
}

// publish makes the shop's rows the current run.
func (s *shop) publish(t *testing.T, run string) {
	t.Helper()
	ctx := t.Context()
	meta := s.embedder.Metadata()
	meta.Run, meta.CreatedAt = run, time.Unix(1_700_000_000, 0).UTC()
	w, err := s.store.Create(ctx, meta)
	require.NoError(t, err)
	require.NoError(t, w.Add(ctx, s.rows))
	require.NoError(t, w.Finish(ctx))
	require.NoError(t, s.store.Publish(ctx, run))
}

func (s *shop) row(t *testing.T, product int, shot studio.Shot) catalog.Row {
	t.Helper()
	data := s.paint(t, product, shot)
	m, err := photo.Decode(data, photo.DefaultLimits())
	require.NoError(t, err)
	photos, err := s.embedder.Embed(t.Context(), []embedding.Input{{Image: m}})
	require.NoError(t, err)
	of, seen := s.products[product], photos[0]
	source := fmt.Sprintf("photos/%d-%d.jpg", product, shot.Index)
	price := math.Round(of.Price)
	row := catalog.Row{
		RowID: catalog.NewRowID(of.ID, source), PhotoID: photo.ID(data), ProductID: of.ID, Source: source,
		Title: of.Title, URL: "https://shop.example/" + url.PathEscape(of.ID), Price: &price, Currency: of.Currency,
		Status: catalog.StatusOK, Width: int32(m.Width), Height: int32(m.Height),
		Box: boxOf(seen.Box), BoxConfidence: seen.BoxConfidence, Facets: make(map[string]catalog.FacetValue), Colours: seen.Colours,
		EmbeddingUnsupervised: seen.Unsupervised, EmbeddingDeepRank: seen.DeepRank,
		EmbeddingModel: s.embedder.model, FacetModel: "facets of " + s.embedder.model, IndexedAt: time.Unix(1_700_000_000, 0).UTC(),
	}
	for _, p := range seen.Facets {
		row.Facets[p.Name] = catalog.FacetValue{Label: p.Label, Probability: p.Probability, Source: catalog.Predicted}
	}
	s.files[row.PhotoID] = data
	return row
}

func (s *shop) thumbnail(_ context.Context, photoID string) ([]byte, error) {
	if data, ok := s.files[photoID]; ok {
		return data, nil
	}
	return nil, fs.ErrNotExist
}

// options are those of a server of the shop that notices a new index at once, and gives up nothing where the machine is slow.
func (s *shop) options() Options {
	const patience = 3 * time.Minute
	return Options{Store: s.store, Embedder: s.embedder, Thumbnails: s.thumbnail, Poll: 5 * time.Millisecond, StoreTimeout: patience, Timeout: patience}
}

// service is a server that answers on a port of its own.
type service struct {
	t   *testing.T
	url string
	*Server
}

func serve(t *testing.T, options Options) *service {
	t.Helper()
	server, err := New(t.Context(), options)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, server.Shutdown(ctx))
		require.NoError(t, <-served)
	})
	return &service{t, "http://" + listener.Addr().String(), server}
}

// reply is an answer over HTTP.
type reply struct {
	status int
	header http.Header
	body   []byte
	last   bool // whether the server closes the connection after it
}

func (r reply) into(t *testing.T, v any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(r.body, v), "%s", r.body)
}

// answer requires success.
func (r reply) answer(t *testing.T) Answer {
	t.Helper()
	require.Equal(t, http.StatusOK, r.status, "%s", r.body)
	var a Answer
	r.into(t, &a)
	return a
}

// problem requires a problem with this code.
func (r reply) problem(t *testing.T, status int, code string) Problem {
	t.Helper()
	require.Equal(t, status, r.status, "%s", r.body)
	require.Equal(t, problemType, r.header.Get("Content-Type"))
	var p Problem
	r.into(t, &p)
	require.Equal(t, Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: p.Detail, Code: code}, p)
	require.NotEmpty(t, p.Detail)
	return p
}

func (s *service) do(request *http.Request) reply {
	s.t.Helper()
	response, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	return reply{response.StatusCode, response.Header, body, response.Close}
}

func (s *service) get(path string) reply {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	require.NoError(s.t, err)
	return s.do(request)
}

func (s *service) post(path, kind string, body []byte) reply {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+path, bytes.NewReader(body))
	require.NoError(s.t, err)
	request.Header.Set("Content-Type", kind)
	return s.do(request)
}

// announce sends the head of a request and the beginning of its body, of which the rest is still to come. A server that
// refuses the size answers at once; one that was sent all of it may reset the connection before the answer is read.
func (s *service) announce(path, kind string, size int) reply {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	require.NoError(s.t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: kleid\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", path, kind, size, bodyBegins)
	require.NoError(s.t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(s.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	return reply{response.StatusCode, response.Header, body, response.Close}
}

// bodyBegins is as much of a body as fasthttp reads before it hands on a request.
var bodyBegins = strings.Repeat(" ", 8<<10)

func (s *service) json(body string) reply {
	s.t.Helper()
	return s.post("/v1/search", "application/json", []byte(body))
}

// upload searches with a photo file; fields are name, value, name, value…
func (s *service) upload(data []byte, fields ...string) reply {
	s.t.Helper()
	kind, body := form(s.t, data, fields...)
	return s.post("/v1/search", kind, body)
}

func form(t *testing.T, data []byte, fields ...string) (kind string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		require.NoError(t, w.WriteField(fields[i], fields[i+1]))
	}
	if data != nil {
		part, err := w.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {`form-data; name="photo"; filename="../../dress.jpg"`}, "Content-Type": {"image/jpeg"},
		})
		require.NoError(t, err)
		_, err = part.Write(data)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return w.FormDataContentType(), b.Bytes()
}

func facetsOf(row catalog.Row) map[string]string {
	labels := make(map[string]string)
	for name, value := range maps.All(row.Facets) {
		labels[name] = value.Label
	}
	return labels
}
