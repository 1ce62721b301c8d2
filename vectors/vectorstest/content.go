package vectorstest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

func (s suite) testEmpty(t *testing.T) {
	ctx := t.Context()
	meta := metadata("r-1")
	index := publish(ctx, t, s.open(t), meta, nil)
	requireCount(ctx, t, index, 0)
	for _, perProduct := range []bool{false, true} {
		result, err := index.Search(ctx, vectors.Query{
			Vector: axis(meta.DeepRankSize, 0), Embedding: vectors.DeepRank, K: 3, OnePerProduct: perProduct,
			Where: vectors.Filter{"sleeve": {"long"}}, ExcludeProduct: "p",
		})
		require.NoError(t, err)
		require.Empty(t, result.Matches)
		require.Zero(t, result.TotalMatches)
		require.True(t, result.Exact)
	}
	_, err := index.Get(ctx, "a")
	require.ErrorIs(t, err, vectors.ErrNotFound)
	rows, err := index.ByProduct(ctx, "p")
	require.NoError(t, err)
	require.Empty(t, rows)
}

func (s suite) testMetadata(t *testing.T) {
	ctx := t.Context()
	open := s.place(t)
	store := open()
	meta := metadata("R_2-x")
	meta.EmbeddingModel, meta.FacetModel = `sha256:"\ü'`+"\n", strings.Repeat("f", 500)
	meta.Facets = append(meta.Facets, catalog.Facet{Name: "Länge 'x'", Labels: []string{"ünï 👗", "a\nb", "'"}})
	publish(ctx, t, store, meta, plainRows(meta, 1, 1))
	require.NoError(t, store.Close())
	store = open()
	defer store.Close()
	require.Equal(t, meta, current(ctx, t, store).Metadata())

	for name, change := range map[string]func(*catalog.Metadata){
		"no size":            func(m *catalog.Metadata) { m.UnsupervisedSize = 0 },
		"negative size":      func(m *catalog.Metadata) { m.DeepRankSize = -1 },
		"huge size":          func(m *catalog.Metadata) { m.DeepRankSize = math.MaxInt },
		"facet without name": func(m *catalog.Metadata) { m.Facets[0].Name = "" },
		"facet twice":        func(m *catalog.Metadata) { m.Facets[0].Name = m.Facets[1].Name },
		"no labels":          func(m *catalog.Metadata) { m.Facets[0].Labels = nil },
		"label twice":        func(m *catalog.Metadata) { m.Facets[0].Labels[0] = m.Facets[0].Labels[1] },
		"empty label":        func(m *catalog.Metadata) { m.Facets[0].Labels[0] = "" },
		"label of bytes":     func(m *catalog.Metadata) { m.Facets[0].Labels[0] = "\xff" },
	} {
		bad := metadata("r-3")
		change(&bad)
		_, err := store.Create(ctx, bad)
		require.Error(t, err, name)
	}
}

// richRows are rows with everything in them.
func richRows(meta catalog.Metadata) []catalog.Row {
	random := rand.New(rand.NewPCG(5, 0))
	price := 19.99
	rich := plain(meta, random, "c", "p1")
	rich.PhotoID, rich.Title, rich.URL, rich.Price, rich.Currency = "f1", "Sommerkleid", "https://shop.example/1?a=b&c", &price, "EUR"
	rich.Attributes = map[string]string{"colour": "red", "": "no name", "brand": ""}
	rich.Width, rich.Height, rich.Box, rich.BoxConfidence = 400, 533, &catalog.Box{XMin: 0, YMin: 2, XMax: 300, YMax: 533}, 0.1
	rich.Facets = map[string]catalog.FacetValue{
		"neckline": {Label: "v-neck", Probability: 0.7, Source: catalog.Predicted},
		"sleeve":   {Label: "long", Probability: 1, Source: catalog.Human},
	}
	rich.IndexedAt = time.Date(2026, 3, 4, 5, 6, 7, 89e6, time.UTC)
	bare := plain(meta, random, "a", "p1")
	samePhoto := plain(meta, random, "b", "p2")
	samePhoto.PhotoID = "f1"
	return []catalog.Row{rich, bare, samePhoto}
}

func (s suite) testRows(t *testing.T) {
	ctx := t.Context()
	meta := metadata("r-1")
	rows := richRows(meta)
	index := publish(ctx, t, s.open(t), meta, rows)

	got, err := index.Get(ctx, "a", "c", "b", "a")
	require.NoError(t, err)
	requireRows(t, []catalog.Row{rows[1], rows[0], rows[2], rows[1]}, got)
	got, err = index.Get(ctx)
	require.NoError(t, err)
	require.Empty(t, got)
	for _, missing := range []string{"nowhere", "", "A", "aa"} {
		_, err = index.Get(ctx, "a", missing, "nor this")
		require.ErrorIs(t, err, vectors.ErrNotFound)
		require.ErrorContains(t, err, "row "+missing+":")
	}
	for _, test := range []struct {
		of   func() ([]catalog.Row, error)
		want []catalog.Row
	}{
		{func() ([]catalog.Row, error) { return index.ByPhoto(ctx, "f1") }, []catalog.Row{rows[2], rows[0]}},
		{func() ([]catalog.Row, error) { return index.ByProduct(ctx, "p1") }, []catalog.Row{rows[1], rows[0]}},
		{func() ([]catalog.Row, error) { return index.ByPhoto(ctx, "f2") }, nil},
		{func() ([]catalog.Row, error) { return index.ByProduct(ctx, "f1") }, nil},
		{func() ([]catalog.Row, error) { return index.ByPhoto(ctx, "") }, nil},
		{func() ([]catalog.Row, error) { return index.ByProduct(ctx, "") }, nil},
	} {
		got, err := test.of()
		require.NoError(t, err)
		requireRows(t, test.want, got)
	}
	result, err := index.Search(ctx, vectors.Query{Vector: rows[0].EmbeddingDeepRank, Embedding: vectors.DeepRank, K: 1})
	require.NoError(t, err)
	require.Equal(t, withoutEmbeddings(rows[0]), result.Matches[0].Row, "a match has no embeddings")
}

// A row replaces the one of the same id, within a call and across calls.
func (s suite) testReplaced(t *testing.T) {
	ctx := t.Context()
	store := s.open(t)
	meta := metadata("r-1")
	random := rand.New(rand.NewPCG(7, 0))
	w, err := store.Create(ctx, meta)
	require.NoError(t, err)
	version := func(id, product, label string) catalog.Row {
		row := plain(meta, random, id, product)
		row.PhotoID = "photo of " + product
		row.Facets = map[string]catalog.FacetValue{"sleeve": {Label: label, Probability: 0.5, Source: catalog.Predicted}}
		return row
	}
	a1, b1, a2, a3, b2 := version("a", "p1", "short"), version("b", "p1", "short"), version("a", "p2", "long"), version("a", "p3", "none"), version("b", "p4", "long")
	require.NoError(t, w.Add(ctx, []catalog.Row{a1, b1, a2}))
	require.NoError(t, w.Add(ctx, []catalog.Row{a3}))
	require.NoError(t, w.Add(ctx, []catalog.Row{b2}))
	require.NoError(t, w.Finish(ctx))
	require.NoError(t, store.Publish(ctx, meta.Run))
	index := current(ctx, t, store)
	requireCount(ctx, t, index, 2)
	got, err := index.Get(ctx, "a", "b")
	require.NoError(t, err)
	requireRows(t, []catalog.Row{a3, b2}, got)
	for product, want := range map[string]int{"p1": 0, "p2": 0, "p3": 1, "p4": 1} {
		rows, err := index.ByProduct(ctx, product)
		require.NoError(t, err)
		require.Len(t, rows, want, product)
		rows, err = index.ByPhoto(ctx, "photo of "+product)
		require.NoError(t, err)
		require.Len(t, rows, want, product)
	}
	for label, want := range map[string]int{"short": 0, "long": 1, "none": 1} {
		result, err := index.Search(ctx, vectors.Query{Vector: a1.EmbeddingUnsupervised, Embedding: vectors.Unsupervised, K: 9, OnePerProduct: true, Where: vectors.Filter{"sleeve": {label}}})
		require.NoError(t, err)
		require.Len(t, result.Matches, want, label)
		require.Equal(t, want, result.TotalMatches, label)
	}
}

// What was added stays as it was, whatever the caller does with its memory.
func (s suite) testMemory(t *testing.T) {
	ctx := t.Context()
	store := s.open(t)
	meta := metadata("r-1")
	w, err := store.Create(ctx, meta)
	require.NoError(t, err)
	want, buffer := richRows(meta), richRows(meta)
	require.NoError(t, w.Add(ctx, buffer))
	for i := range buffer {
		copy(buffer[i].EmbeddingUnsupervised, axis(meta.UnsupervisedSize, 0))
		copy(buffer[i].EmbeddingDeepRank, axis(meta.DeepRankSize, 0))
		for facet := range buffer[i].Facets {
			buffer[i].Facets[facet] = catalog.FacetValue{Label: "none"}
		}
		clear(buffer[i].Attributes)
		if buffer[i].Price != nil {
			*buffer[i].Price, *buffer[i].Box = 1, catalog.Box{}
		}
	}
	clear(buffer)
	require.NoError(t, w.Finish(ctx))
	index, err := store.Open(ctx, meta.Run)
	require.NoError(t, err)
	defer index.Close()
	got, err := index.Get(ctx, "c", "a", "b")
	require.NoError(t, err)
	requireRows(t, want, got)
	for label, n := range map[string]int{"long": 1, "none": 0} {
		result, err := index.Search(ctx, vectors.Query{Vector: axis(meta.DeepRankSize, 0), Embedding: vectors.DeepRank, K: 3, Where: vectors.Filter{"sleeve": {label}}})
		require.NoError(t, err)
		require.Len(t, result.Matches, n, label)
	}
	for price, n := range map[float64]int{19.99: 1, 1: 0} {
		result, err := index.Search(ctx, vectors.Query{Vector: axis(meta.DeepRankSize, 0), Embedding: vectors.DeepRank, K: 3, Price: vectors.PriceRange{Min: &price, Max: &price}})
		require.NoError(t, err)
		require.Len(t, result.Matches, n, price)
	}
}

// A row that no index can hold is refused with all that came with it, and the next ones are taken.
func (s suite) testRefusedRows(t *testing.T) {
	ctx := t.Context()
	store := s.open(t)
	meta := metadata("r-1")
	w, err := store.Create(ctx, meta)
	require.NoError(t, err)
	notANumber, infinite := float32(math.NaN()), float32(math.Inf(1))
	price := math.NaN()
	for name, change := range map[string]func(*catalog.Row){
		"no row id":       func(r *catalog.Row) { r.RowID = "" },
		"no product":      func(r *catalog.Row) { r.ProductID = "" },
		"no dress":        func(r *catalog.Row) { r.Status = catalog.StatusNoDress },
		"no status":       func(r *catalog.Row) { r.Status = "" },
		"no vector":       func(r *catalog.Row) { r.EmbeddingUnsupervised = nil },
		"no other vector": func(r *catalog.Row) { r.EmbeddingDeepRank = nil },
		"short vector":    func(r *catalog.Row) { r.EmbeddingUnsupervised = r.EmbeddingUnsupervised[1:] },
		"long vector":     func(r *catalog.Row) { r.EmbeddingDeepRank = append(r.EmbeddingDeepRank, 0) },
		"swapped vectors": func(r *catalog.Row) {
			r.EmbeddingDeepRank, r.EmbeddingUnsupervised = r.EmbeddingUnsupervised, r.EmbeddingDeepRank
		},
		"zero vector":      func(r *catalog.Row) { r.EmbeddingDeepRank = make([]float32, meta.DeepRankSize) },
		"NaN vector":       func(r *catalog.Row) { r.EmbeddingDeepRank[1] = notANumber },
		"infinite vector":  func(r *catalog.Row) { r.EmbeddingUnsupervised[1] = infinite },
		"not of unit size": func(r *catalog.Row) { r.EmbeddingUnsupervised = slices.Repeat([]float32{1}, meta.UnsupervisedSize) },
		"NaN price":        func(r *catalog.Row) { r.Price = &price },
		"NaN confidence":   func(r *catalog.Row) { r.BoxConfidence = notANumber },
		"infinite colour": func(r *catalog.Row) {
			r.Colours = []catalog.Colour{{Name: "red", Share: 1}, {Name: "blue", A: infinite}}
		},
		"unknown facet": func(r *catalog.Row) { r.Facets = map[string]catalog.FacetValue{"colour": {Label: "red"}} },
		"unknown label": func(r *catalog.Row) { r.Facets = map[string]catalog.FacetValue{"sleeve": {Label: "red"}} },
		"empty label":   func(r *catalog.Row) { r.Facets = map[string]catalog.FacetValue{"sleeve": {}} },
		"NaN probability": func(r *catalog.Row) {
			r.Facets = map[string]catalog.FacetValue{"sleeve": {Label: "long", Probability: notANumber}}
		},
	} {
		rows := plainRows(meta, 1, 3)
		change(&rows[2])
		err := w.Add(ctx, rows)
		require.Error(t, err, name)
		require.Contains(t, err.Error(), rows[2].Source, "the error names the row")
	}
	rows := plainRows(meta, 2, 2)
	require.NoError(t, w.Add(ctx, rows[1:]))
	require.NoError(t, w.Finish(ctx))
	require.NoError(t, store.Publish(ctx, meta.Run))
	index := current(ctx, t, store)
	requireCount(ctx, t, index, 1)
	got, err := index.Get(ctx, rows[1].RowID)
	require.NoError(t, err)
	requireRows(t, rows[1:], got)
}

// hostileTexts are what a catalogue may hold and a filter language may trip over.
var hostileTexts = []string{
	`"`, `'`, `\`, `\"`, `\\`, `""`, "`", `a" or row_id != "`, `" or true or product_id == "`, `'; DROP TABLE rows; --`,
	`"] or row_id in ["row-0000`, `\n`, "\n", "\r\n\t", "line 1\nline 2", `\u0041`, `\x41`, `\101`, "A", "a\x00b", "\x01\x1f\x7f", "%", "_", "*", `{"a": 1}`,
	"$meta", "{x}", "größe 'S'", "👗 ドレス", "連衣裙", "𠮷野 👗", "吉野", "\ufffd", "e\u0301", "\u00e9", "\u202edress", " ", "  spaces ", "null", "true", "0", "<script>", "&amp;", "\ufeffbom",
}

func (s suite) testHostileTexts(t *testing.T) {
	ctx := t.Context()
	meta := metadata("r-1")
	random := rand.New(rand.NewPCG(11, 0))
	meta.Facets = append(meta.Facets, catalog.Facet{Name: "hostile", Labels: hostileTexts})
	var rows []catalog.Row
	for i, text := range hostileTexts {
		row := plain(meta, random, text, "product "+text)
		row.PhotoID, row.Source, row.Title, row.URL, row.Currency = "photo "+text, text, text, text, text
		row.Attributes = map[string]string{text: text, "x": text}
		row.Facets = map[string]catalog.FacetValue{"hostile": {Label: text, Probability: 0.5, Source: catalog.Predicted}}
		if i%3 == 0 {
			row.Facets[`Länge "x"`] = catalog.FacetValue{Label: `"] or true`, Probability: 0.25, Source: catalog.Predicted}
		}
		rows = append(rows, row)
	}
	index := publish(ctx, t, s.open(t), meta, rows)
	requireCount(ctx, t, index, len(rows))
	got, err := index.Get(ctx, hostileTexts...)
	require.NoError(t, err)
	requireRows(t, rows, got)
	for i, text := range hostileTexts {
		got, err := index.ByProduct(ctx, "product "+text)
		require.NoError(t, err, "%q", text)
		requireRows(t, rows[i:i+1], got)
		got, err = index.ByPhoto(ctx, "photo "+text)
		require.NoError(t, err, "%q", text)
		requireRows(t, rows[i:i+1], got)
		query := vectors.Query{Vector: axis(meta.DeepRankSize, 0), Embedding: vectors.DeepRank, K: 2, Where: vectors.Filter{"hostile": {text}}}
		result, err := index.Search(ctx, query)
		require.NoError(t, err, "%q", text)
		require.Len(t, result.Matches, 1, "%q", text)
		require.Equal(t, 1, result.TotalMatches, "%q", text)
		require.Equal(t, withoutEmbeddings(rows[i]), result.Matches[0].Row)
		query.ExcludeProduct = "product " + text
		result, err = index.Search(ctx, query)
		require.NoError(t, err, "%q", text)
		require.Empty(t, result.Matches, "%q", text)
		require.Zero(t, result.TotalMatches, "%q", text)
	}
	result, err := index.Search(ctx, vectors.Query{
		Vector: axis(meta.DeepRankSize, 0), Embedding: vectors.DeepRank, K: 100,
		Where: vectors.Filter{`Länge "x"`: {`"] or true`, `\`}, "hostile": hostileTexts},
	})
	require.NoError(t, err)
	require.Len(t, result.Matches, (len(rows)+2)/3)
	// What looks like an injection finds nothing.
	for _, text := range []string{`x"] or row_id != "`, `" or true`, `x" || "" == "`, `\" or true --`} {
		_, err = index.Get(ctx, text)
		require.ErrorIs(t, err, vectors.ErrNotFound)
		got, err := index.ByProduct(ctx, text)
		require.NoError(t, err)
		require.Empty(t, got)
	}
}

// Ids may be any bytes, as file names are: rows are found by those that they were added with.
func (s suite) testOtherBytes(t *testing.T) {
	ctx := t.Context()
	meta := metadata("r-1")
	rows := plainRows(meta, 31, 2)
	id := func(of string) string { return of + "-gr\xfcn\xff" }
	rows[0].RowID, rows[0].ProductID, rows[0].PhotoID, rows[0].Source = id("row"), id("product"), id("photo"), id("source")
	index := publish(ctx, t, s.open(t), meta, rows)
	want := []catalog.Row{vectors.CleanText(rows[0])}
	got, err := index.Get(ctx, id("row"))
	require.NoError(t, err)
	requireRows(t, want, got)
	got, err = index.ByProduct(ctx, id("product"))
	require.NoError(t, err)
	requireRows(t, want, got)
	got, err = index.ByPhoto(ctx, id("photo"))
	require.NoError(t, err)
	requireRows(t, want, got)
	for _, perProduct := range []bool{false, true} {
		result, err := index.Search(ctx, vectors.Query{
			Vector: rows[0].EmbeddingDeepRank, Embedding: vectors.DeepRank, K: 5, OnePerProduct: perProduct, ExcludeProduct: id("product"),
		})
		require.NoError(t, err)
		require.Len(t, result.Matches, 1)
		require.Equal(t, 1, result.TotalMatches)
		require.Equal(t, rows[1].RowID, result.Matches[0].Row.RowID)
	}

	for _, other := range []string{"gr\xfcn", "\xff"} {
		_, err = index.Get(ctx, other)
		require.ErrorIs(t, err, vectors.ErrNotFound)
		got, err = index.ByProduct(ctx, other)
		require.NoError(t, err)
		require.Empty(t, got)
		got, err = index.ByPhoto(ctx, other)
		require.NoError(t, err)
		require.Empty(t, got)
	}
}

func (s suite) testManyRows(t *testing.T) {
	ctx := t.Context()
	store := s.open(t)
	meta := metadata("r-1")
	meta.UnsupervisedSize = 6
	const n, products, perCall = 5000, 3, 700
	random := rand.New(rand.NewPCG(13, 0))
	m := model{meta: meta}
	for i := range n {
		row := plain(meta, random, fmt.Sprintf("row-%05d", (i*7919)%n), fmt.Sprintf("p%d", i%products))
		row.Facets = map[string]catalog.FacetValue{"neckline": {Label: meta.Facets[0].Labels[i%4], Probability: 0.5, Source: catalog.Predicted}}
		m.rows = append(m.rows, row)
	}
	w, err := store.Create(ctx, meta)
	require.NoError(t, err)
	for some := range slices.Chunk(m.rows, perCall) {
		require.NoError(t, w.Add(ctx, some))
	}
	// Some of the first ones come again at the end, changed.
	for i := range 50 {
		m.rows[i].Title = "again"
		m.rows[i].EmbeddingUnsupervised = unit(random, meta.UnsupervisedSize)
	}
	require.NoError(t, w.Add(ctx, m.rows[:50]))
	require.NoError(t, w.Finish(ctx))
	require.NoError(t, store.Publish(ctx, meta.Run))
	index := current(ctx, t, store)
	requireCount(ctx, t, index, n)
	ids := make([]string, 0, n)
	for i := 0; i < n; i += 9 {
		ids = append(ids, m.rows[i].RowID)
	}
	got, err := index.Get(ctx, ids...)
	require.NoError(t, err)
	for i, row := range got {
		requireRows(t, m.rows[9*i:9*i+1], []catalog.Row{row})
	}
	got, err = index.ByProduct(ctx, "p1")
	require.NoError(t, err)
	require.Len(t, got, (n+1)/products)
	require.True(t, slices.IsSortedFunc(got, func(a, b catalog.Row) int { return strings.Compare(a.RowID, b.RowID) }))
	for _, q := range []vectors.Query{
		{Embedding: vectors.Unsupervised, K: 20, Offset: 3},
		{Embedding: vectors.Unsupervised, K: 5, OnePerProduct: true},
		{Embedding: vectors.DeepRank, K: 5, OnePerProduct: true, ExcludeProduct: "p2", Where: vectors.Filter{"neckline": {"boat"}}},
		{Embedding: vectors.DeepRank, K: 1200, Offset: 100, Where: vectors.Filter{"neckline": {"boat", "round"}}},
	} {
		q.Vector = unit(random, vectors.Size(meta, q.Embedding))
		result, err := index.Search(ctx, q)
		require.NoError(t, err)
		m.require(t, q, result, s.tolerance)
	}
}
