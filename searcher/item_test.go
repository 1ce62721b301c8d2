package searcher

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/vectors"
)

func TestSimilarNeverReturnsTheProduct(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 12)
	s := serve(t, shop.options())
	for _, row := range shop.rows[:8] {
		for _, path := range []string{"/v1/items/" + row.RowID, "/v1/products/" + row.ProductID} {
			one := s.get(path + "/similar?k=100").answer(t)
			require.Len(t, one.Results, 11, "one a product")
			require.True(t, one.Complete)
			every := s.get(path + "/similar?k=100&one_per_product=false").answer(t)
			require.Len(t, every.Results, 22)
			for _, r := range append(one.Results, every.Results...) {
				require.NotEqual(t, row.ProductID, r.ProductID)
			}
			require.Equal(t, row.ProductID, one.Query.ProductID)
			require.NotEmpty(t, one.Facets)
			require.NotNil(t, one.Box)
			require.Nil(t, one.Facets["sleeve"].Confident)
		}
	}
}

func TestSameDressWithAnotherLabel(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 12)
	s := serve(t, shop.options())
	row := shop.rows[0]
	for _, path := range []string{"/v1/items/" + row.RowID, "/v1/products/" + row.ProductID} {
		for _, facet := range shop.embedder.Metadata().Facets {
			for _, label := range facet.Labels {
				want := map[string]bool{}
				for _, other := range shop.rows {
					if other.ProductID != row.ProductID && other.Facets[facet.Name].Label == label {
						want[other.ProductID] = true
					}
				}
				for _, query := range []string{
					url.Values{facet.Name: {label}}.Encode(),
					url.Values{"where": {facet.Name + "=" + label}}.Encode(),
				} {
					a := s.get(path + "/similar?k=100&" + query).answer(t)
					// The other labels of the item force nothing: every product with this label is there.
					require.Len(t, a.Results, len(want))
					for _, r := range a.Results {
						require.True(t, want[r.ProductID])
						require.Equal(t, label, r.Facets[facet.Name].Label)
					}
				}
			}
		}
	}
}

func TestProductIDsOfAnyCharacters(t *testing.T) {
	ids := []string{
		"a/b/similar", "50% off?", "Größe 38 #2", "ünï·çødé 👗", "a+b c", "..\\..", "%2F", "{}[]|^`", "semi;colon&amp=1", "similar", "tab\tnew\nline", "..", ".", "A", "a",
	}
	shop := newShop(t)
	for i, id := range ids {
		row := shop.row(t, i%len(shop.products), studio.Shot{Index: uint64(i)})
		row.ProductID, row.RowID = id, catalog.NewRowID(id, row.Source)
		shop.rows = append(shop.rows, row)
	}
	shop.publish(t, "r1")
	s := serve(t, shop.options())
	for _, id := range ids {
		a := s.json(fmt.Sprintf(`{"product_id":%q}`, id)).answer(t)
		require.Equal(t, id, a.Query.ProductID)
		if id == "." || id == ".." {
			continue // browsers and proxies resolve these in an address, escaped or not
		}
		got := s.get("/v1/products/" + url.PathEscape(id) + "/similar?k=100").answer(t)
		require.Equal(t, id, got.Query.ProductID)
		require.Len(t, got.Results, len(ids)-1)
	}
}

func TestProductIsTheMiddleOfItsPhotos(t *testing.T) {
	mean, nearest := middle([][]float32{{1, 0}, {0, 1}, {0.8, 0.6}})
	require.Equal(t, 2, nearest)
	require.InDelta(t, 1.8/3, mean[0], 1e-6)
	require.InDelta(t, 1.6/3, mean[1], 1e-6)
	mean, nearest = middle([][]float32{{1, 0}, {-1, 0}})
	require.Equal(t, []float32{1, 0}, mean, "photos that cancel each other out")
	require.Zero(t, nearest)
	half := float32(math.Sqrt(0.5))
	mean, _ = middle([][]float32{{half, half}})
	require.Equal(t, []float32{half, half}, mean)
}

func TestItem(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 2)
	s := serve(t, shop.options())
	var row catalog.Row
	s.get("/v1/items/"+shop.rows[1].RowID).into(t, &row)
	require.Equal(t, withoutEmbeddings(shop.rows[1]), row)
	s.get("/v1/items/"+strings.Repeat("0", 64)).problem(t, http.StatusNotFound, CodeUnknownItem)
	p := s.get("/v1/items/nobody").problem(t, http.StatusUnprocessableEntity, CodeInvalid)
	require.Contains(t, p.Detail, "row_id")
	s.get("/v1/items/"+strings.Repeat("0", 64)+"/similar").problem(t, http.StatusNotFound, CodeUnknownItem)
	s.get("/v1/products/nobody/similar").problem(t, http.StatusNotFound, CodeUnknownProduct)
}

func TestRefusedSimilar(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 2)
	s := serve(t, shop.options())
	path := "/v1/items/" + shop.rows[0].RowID + "/similar?"
	for query, want := range map[string]struct {
		status int
		code   string
	}{
		"k=0":               {422, CodeInvalid},
		"k=many":            {422, CodeInvalid},
		"k=1001":            {422, CodeInvalid},
		"offset=-1":         {422, CodeInvalid},
		"offset=99999":      {422, CodeInvalid},
		"embedding=best":    {422, CodeInvalid},
		"hemline=mini":      {422, CodeUnknownFacet},
		"neckline=wide":     {422, CodeUnknownLabel},
		"where=neckline":    {422, CodeInvalid},
		"box=1,1,2,2":       {422, CodeInvalid},
		"one_per_product=2": {422, CodeInvalid},
		// What is not escaped is part of the label, and never passed over: without it the answer is unfiltered.
		"neckline=v-neck;sleeve=long": {422, CodeUnknownLabel},
		"where=fabric=100%":           {422, CodeUnknownFacet},
	} {
		t.Run(query, func(t *testing.T) {
			s.t = t
			s.get(path+query).problem(t, want.status, want.code)
		})
	}
}

func TestFacets(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 3)
	s := serve(t, shop.options())
	var d Description
	s.get("/v1/facets").into(t, &d)
	require.Equal(t, Description{
		Facets: shop.embedder.Metadata().Facets, Prices: true, Photos: 6, EmbeddingModel: "model-a", FacetModel: "facets of model-a", Run: "r1",
	}, d)
}

func TestSamples(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 12)
	items := func(s *service, query string) []catalog.Row {
		var list struct{ Items []catalog.Row }
		s.get("/v1/items"+query).into(t, &list)
		return list.Items
	}
	s := serve(t, shop.options())
	all := items(s, "?limit=24")
	require.Len(t, all, 12, "all products, once each")
	products := map[string]bool{}
	for _, row := range all {
		products[row.ProductID] = true
		require.Empty(t, row.EmbeddingDeepRank)
	}
	require.Len(t, products, 12)
	require.Equal(t, all[:5], items(s, "?limit=5"))
	s.get("/v1/items?limit=25").problem(t, http.StatusUnprocessableEntity, CodeInvalid)
	p := s.get("/v1/items?limit=5&colour=red").problem(t, http.StatusUnprocessableEntity, CodeInvalid)
	require.Contains(t, p.Detail, `"colour"`, "a filter is not passed over")

	options := shop.options()
	options.Samples = []string{shop.rows[3].RowID, strings.Repeat("0", 64), shop.rows[9].RowID}
	chosen := items(serve(t, options), "")
	require.Len(t, chosen, 2, "those that are there")
	require.Equal(t, shop.rows[3].RowID, chosen[0].RowID)
	require.Equal(t, shop.rows[9].RowID, chosen[1].RowID)

	shop.index(t, "r2", 0)
	require.Empty(t, items(serve(t, options), ""), "an index without a dress")
}

func TestSamplesAreSpreadOverALargeIndex(t *testing.T) {
	shop := newShopOf(t, 60, 40, 54)
	for i := range 60 {
		shop.rows = append(shop.rows, shop.row(t, i, studio.Shot{}))
	}
	shop.publish(t, "r1")
	e, err := NewEngine(t.Context(), shop.options())
	require.NoError(t, err)
	defer e.Close()
	rows, err := e.Samples(t.Context(), 100)
	require.NoError(t, err)
	require.Len(t, rows, sampleSize)
	seen := map[string]bool{}
	for _, row := range rows {
		require.False(t, seen[row.ProductID])
		seen[row.ProductID] = true
	}
}

func TestThumbnails(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 2)
	s := serve(t, shop.options())
	id := shop.rows[0].PhotoID
	r := s.get("/v1/thumbnails/" + id)
	require.Equal(t, http.StatusOK, r.status)
	require.Equal(t, shop.files[id], r.body)
	require.Equal(t, "image/jpeg", r.header.Get("Content-Type"))
	require.Contains(t, r.header.Get("Cache-Control"), "immutable")
	require.Equal(t, "nosniff", r.header.Get("X-Content-Type-Options"))
	require.Equal(t, "cross-origin", r.header.Get("Cross-Origin-Resource-Policy"), "a copy in a cache is good for the widget later on")
	s.get("/v1/thumbnails/"+strings.Repeat("0", 64)).problem(t, http.StatusNotFound, CodeNoThumbnail)

	options := shop.options()
	options.Thumbnails = nil
	serve(t, options).get("/v1/thumbnails/"+id).problem(t, http.StatusNotFound, CodeNoThumbnail)
}

func TestThumbnailsAreNoPaths(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 1)
	options := shop.options()
	asked := make(chan string, 100)
	options.Thumbnails = func(_ context.Context, id string) ([]byte, error) {
		asked <- id
		return []byte("secret"), nil
	}
	s := serve(t, options)
	id := shop.rows[0].PhotoID
	for _, path := range []string{
		"..%2f..%2fetc%2fpasswd", "../../etc/passwd", "..%5c..%5cwindows", "%2e%2e%2f" + id, id + "%00", id + ".jpg", id[:63], id + "0",
		strings.ToUpper(id), strings.Repeat("g", 64), "..%252f" + id, id + "%2f..%2f..", "%0a" + id, id + "%0a", "ab/" + id,
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/v1/thumbnails/x", nil)
		require.NoError(t, err)
		request.URL.Opaque = "//" + request.URL.Host + "/v1/thumbnails/" + path // sent as it is
		r := s.do(request)
		require.GreaterOrEqual(t, r.status, 400, path)
		require.Less(t, r.status, 500, path)
		require.Equal(t, problemType, r.header.Get("Content-Type"))
	}
	require.Empty(t, asked)
}

func TestEngineWithoutHTTP(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 6)
	e, err := NewEngine(t.Context(), Options{Store: shop.store, Embedder: shop.embedder})
	require.NoError(t, err)
	defer e.Close()
	row := shop.rows[2]
	a, err := e.SearchPhoto(t.Context(), shop.files[row.PhotoID], Request{K: 5000, EveryPhoto: true, Embedding: vectors.Unsupervised})
	require.NoError(t, err)
	require.Equal(t, row.PhotoID, a.Results[0].PhotoID)
	require.Len(t, a.Results, 12)
	require.Equal(t, "only 12 photos match", a.Note)
	_, err = e.SearchPhoto(t.Context(), shop.files[row.PhotoID], Request{K: MaxK})
	require.NoError(t, err, "the bound of a page is that of HTTP alone")
	_, err = e.SearchPhoto(t.Context(), shop.files[row.PhotoID], Request{K: MaxK + 1})
	require.ErrorContains(t, err, "use 1 to 16384")
	_, err = e.SearchPhoto(t.Context(), []byte("no photo"), Request{})
	var known *Error
	require.ErrorAs(t, err, &known)
	require.Equal(t, "photo_not_an_image", known.Code)
	require.NoError(t, e.Close())
	_, err = e.SearchPhoto(t.Context(), shop.files[row.PhotoID], Request{})
	require.ErrorIs(t, err, errClosed)
}
