package searcher

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/vectors"
)

func TestPhotoOfTheIndexComesFirst(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 12)
	s := serve(t, shop.options())
	for _, row := range shop.rows[:6] {
		a := s.upload(shop.files[row.PhotoID]).answer(t)
		require.Equal(t, catalog.StatusOK, a.Status)
		require.Equal(t, row.PhotoID, a.Results[0].PhotoID)
		require.GreaterOrEqual(t, a.Results[0].Similarity, float32(0.9999))
		require.Len(t, a.Results, DefaultK)
		require.Equal(t, 12, a.TotalMatches)
		require.True(t, a.Exact)
		require.False(t, a.Complete)
		require.Equal(t, "model-a", a.EmbeddingModel)
		require.Equal(t, "facets of model-a", a.FacetModel)
		require.Equal(t, "r1", a.Run)
		require.Equal(t, row.Box, a.Box)
		require.Len(t, a.Candidates, 2)
		require.Equal(t, Queried{PhotoID: row.PhotoID, Width: 90, Height: 120}, a.Query)
		require.Positive(t, a.Timing.Total)
		require.Equal(t, row.Facets["neckline"].Label, a.Facets["neckline"].Label)
		require.True(t, *a.Facets["neckline"].Confident)
		require.False(t, *a.Facets["occasion"].Confident)
		require.Equal(t, row.Facets["colour"].Label, a.Facets["colour"].Label)
		require.Equal(t, row.Colours, a.Colours)
		require.NotEmpty(t, a.Results[0].Colours)
		var sum float32
		for _, p := range a.Facets["neckline"].Probabilities {
			sum += p
		}
		require.InDelta(t, 1, sum, 1e-5)
		require.Equal(t, labelsOf(datasets.Facets(), "neckline"), a.Facets["neckline"].Labels, "in their order")
		seen := map[string]bool{}
		for i, r := range a.Results {
			require.False(t, seen[r.ProductID], "one result a product")
			seen[r.ProductID] = true
			require.Empty(t, r.EmbeddingDeepRank)
			require.NotEmpty(t, r.Title)
			if i > 0 {
				require.LessOrEqual(t, r.Similarity, a.Results[i-1].Similarity)
			}
		}
	}
}

func TestAnswerIsWhatTheDesignPromises(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 4)
	s := serve(t, shop.options())
	var a map[string]any
	s.upload(shop.files[shop.rows[0].PhotoID]).into(t, &a)
	for _, key := range []string{"status", "results", "total_matches", "exact", "complete", "facets", "box", "candidates", "embedding_model", "facet_model", "run", "timing", "note"} {
		require.Contains(t, a, key)
	}
	result := a["results"].([]any)[0].(map[string]any)
	for _, key := range []string{"row_id", "photo_id", "product_id", "source", "similarity", "facets", "title", "url", "price", "currency", "box", "width", "height"} {
		require.Contains(t, result, key)
	}
	require.NotContains(t, result, "embedding_deeprank")
	require.NotContains(t, a, "$schema")
}

func TestFiltersAreNeverBroken(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 12)
	s := serve(t, shop.options())
	query := shop.paint(t, 0, studio.Shot{Query: true})
	loose := s.upload(query, "k", "100", "one_per_product", "false").answer(t)
	require.Len(t, loose.Results, 24)
	best := map[string]float32{}
	for _, r := range loose.Results {
		best[r.RowID] = r.Similarity
	}
	for _, facet := range shop.embedder.Metadata().Facets {
		for _, label := range facet.Labels {
			want := 0
			for _, row := range shop.rows {
				if row.Facets[facet.Name].Label == label {
					want++
				}
			}
			for form, fields := range map[string][]string{
				"pair":      {"where", facet.Name + "=" + label},
				"shorthand": {facet.Name, label},
				"JSON":      {"where", fmt.Sprintf(`{%q:[%q]}`, facet.Name, label)},
			} {
				a := s.upload(query, append(fields, "k", "100", "one_per_product", "false")...).answer(t)
				require.Equal(t, want, a.TotalMatches, form)
				require.Len(t, a.Results, want)
				require.Equal(t, vectors.Filter{facet.Name: {label}}, a.Where)
				for _, r := range a.Results {
					require.Equal(t, label, facetsOf(r.Row)[facet.Name])
					require.Equal(t, best[r.RowID], r.Similarity, "a filter changes no similarity")
				}
				if want == 0 {
					require.Equal(t, "nothing matches: loosen the filter", a.Note)
				}
			}
		}
	}
}

func TestLabelsOfOneFacetAddUp(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 12)
	s := serve(t, shop.options())
	labels := shop.embedder.Metadata().Facets[0].Labels
	name := shop.embedder.Metadata().Facets[0].Name
	query := shop.paint(t, 0, studio.Shot{Query: true})
	one := s.upload(query, "where", name+"="+labels[0], "one_per_product", "false").answer(t).TotalMatches
	other := s.upload(query, "where", name+"="+labels[1], "one_per_product", "false").answer(t).TotalMatches
	both := s.upload(query, "where", name+"="+labels[0], "where", name+"="+labels[1], "one_per_product", "false").answer(t).TotalMatches
	require.Equal(t, one+other, both)
}

func TestPagesOfResults(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 12)
	s := serve(t, shop.options())
	query := shop.paint(t, 3, studio.Shot{Query: true})
	all := s.upload(query, "k", "12").answer(t)
	require.Len(t, all.Results, 12)
	require.True(t, all.Complete)
	require.Empty(t, all.Note)
	tests := []struct {
		k, offset, want int
		complete        bool
		note            string
	}{
		{5, 0, 5, false, ""},
		{5, 5, 5, false, ""},
		{5, 7, 5, true, ""},
		{5, 10, 2, true, "only 12 dresses match"},
		{100, 0, 12, true, "only 12 dresses match"},
		{5, 12, 0, true, "only 12 dresses match: the offset of 12 is beyond that"},
		{5, 900, 0, true, "only 12 dresses match: the offset of 900 is beyond that"},
	}
	for _, test := range tests {
		a := s.upload(query, "k", fmt.Sprint(test.k), "offset", fmt.Sprint(test.offset)).answer(t)
		require.Len(t, a.Results, test.want)
		require.Equal(t, test.complete, a.Complete)
		require.Equal(t, test.note, a.Note)
		for i, r := range a.Results {
			require.Equal(t, all.Results[test.offset+i], r)
		}
	}
}

func TestNote(t *testing.T) {
	require.Equal(t, "only 1 dress matches", note(Answer{K: 10, TotalMatches: 1, OnePerProduct: true}))
	require.Equal(t, "only 1 photo matches", note(Answer{K: 10, TotalMatches: 1}))
	require.Equal(t, "only 3 photos match", note(Answer{K: 10, TotalMatches: 3}))
	require.Equal(t, "there is nothing to compare with in the index", note(Answer{K: 10}))
	require.Empty(t, note(Answer{K: 3, TotalMatches: 3}))
}

func TestNoDress(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 2)
	s := serve(t, shop.options())
	r := s.upload(shop.room(t))
	a := r.answer(t)
	require.Equal(t, catalog.StatusNoDress, a.Status)
	require.NotNil(t, a.Results)
	require.Empty(t, a.Results)
	require.Zero(t, a.TotalMatches)
	require.Nil(t, a.Box)
	require.Contains(t, string(r.body), `"results":[]`)
}

func TestBoxOfAPerson(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 4)
	s := serve(t, shop.options())
	data := shop.paint(t, 0, studio.Shot{Query: true})
	a := s.upload(data, "box", "10,20,60,100").answer(t)
	require.Equal(t, &catalog.Box{XMin: 10, YMin: 20, XMax: 60, YMax: 100}, a.Box)
	require.Equal(t, float32(1), a.BoxConfidence)
	p := s.upload(data, "box", "500,500,600,600").problem(t, http.StatusUnprocessableEntity, CodeInvalid)
	require.Contains(t, p.Detail, "90 x 120 pixels")
	// What was seen in the chosen box is remembered apart from what was found.
	again := s.json(fmt.Sprintf(`{"photo_id":%q,"box":"10,20,60,100"}`, a.Query.PhotoID)).answer(t)
	require.Equal(t, a.Box, again.Box)
	require.Equal(t, a.Results, again.Results)
	s.json(fmt.Sprintf(`{"photo_id":%q,"box":"10,20,60,101"}`, a.Query.PhotoID)).problem(t, http.StatusNotFound, CodeUnknownPhoto)
}

func TestRecentPhotoIsNotEmbeddedAgain(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 4)
	s := serve(t, shop.options())
	data := shop.paint(t, 0, studio.Shot{Query: true})
	before := shop.embedder.embedded()
	first := s.upload(data).answer(t)
	require.Equal(t, before+1, shop.embedder.embedded())
	second := s.upload(data, "k", "3").answer(t)
	third := s.json(fmt.Sprintf(`{"photo_id":%q,"k":3,"where":{"sleeve":["long","short"]}}`, first.Query.PhotoID)).answer(t)
	require.Equal(t, before+1, shop.embedder.embedded())
	require.Equal(t, first.Results[:3], second.Results)
	require.Equal(t, first.Facets, third.Facets)
}

func TestRecentForgets(t *testing.T) {
	r := newRecent(2)
	for _, id := range []string{"a", "b"} {
		r.put(newSeenKey(id, nil), seen{photoID: id})
	}
	_, ok := r.get(newSeenKey("a", nil))
	require.True(t, ok)
	r.put(newSeenKey("c", nil), seen{photoID: "c"})
	for id, want := range map[string]bool{"a": true, "b": false, "c": true} {
		_, ok := r.get(newSeenKey(id, nil))
		require.Equal(t, want, ok, id)
	}
	none := newRecent(-1)
	none.put(newSeenKey("a", nil), seen{})
	_, ok = none.get(newSeenKey("a", nil))
	require.False(t, ok)
}

func TestSearchByJSON(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 12)
	s := serve(t, shop.options())
	row := shop.rows[4]

	a := s.json(fmt.Sprintf(`{"photo_id":%q}`, row.PhotoID)).answer(t)
	require.Equal(t, row.PhotoID, a.Results[0].PhotoID)
	require.GreaterOrEqual(t, a.Results[0].Similarity, float32(0.9999))
	require.Equal(t, row.Facets["sleeve"].Label, a.Facets["sleeve"].Label)

	for _, embedding := range []vectors.Embedding{vectors.DeepRank, vectors.Unsupervised} {
		vector := row.EmbeddingDeepRank
		if embedding == vectors.Unsupervised {
			vector = row.EmbeddingUnsupervised
		}
		long := make([]float32, len(vector))
		for i, v := range vector {
			long[i] = 3 * v // the length does not matter
		}
		body, err := json.Marshal(map[string]any{"vector": long, "embedding": embedding, "k": 2})
		require.NoError(t, err)
		a := s.json(string(body)).answer(t)
		require.Equal(t, row.RowID, a.Results[0].RowID)
		require.Equal(t, embedding, a.Embedding)
		require.InDelta(t, 1, a.Results[0].Similarity, 1e-4)
		require.Len(t, a.Results, 2)
		require.Nil(t, a.Box)
	}

	similar := s.json(fmt.Sprintf(`{"row_id":%q}`, row.RowID)).answer(t)
	require.Equal(t, s.get("/v1/items/"+row.RowID+"/similar").answer(t).Results, similar.Results)
	product := s.json(fmt.Sprintf(`{"product_id":%q}`, row.ProductID)).answer(t)
	require.Equal(t, s.get("/v1/products/"+row.ProductID+"/similar").answer(t).Results, product.Results)

	products := func(body string) (products, photos int) {
		of := map[string]bool{}
		results := s.json(fmt.Sprintf(body, row.PhotoID)).answer(t).Results
		for _, r := range results {
			of[r.ProductID] = true
		}
		return len(of), len(results)
	}
	one, photos := products(`{"photo_id":%q,"k":50}`)
	require.Equal(t, one, photos)
	one, photos = products(`{"photo_id":%q,"k":50,"one_per_product":false}`)
	require.Less(t, one, photos)
	_, photos = products(`{"photo_id":%q,"k":1}`)
	require.Equal(t, 1, photos)

	label := row.Facets["sleeve"].Label
	for _, body := range []string{`{"photo_id":%q,"where":{"sleeve":[%q]}}`, `{"photo_id":%q,"where":{"sleeve":%q}}`} {
		a := s.json(fmt.Sprintf(body, row.PhotoID, label)).answer(t)
		require.NotEmpty(t, a.Results)
		for _, r := range a.Results {
			require.Equal(t, label, r.Facets["sleeve"].Label)
		}
	}
}

func TestOptionsInTheAddress(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 12)
	s := serve(t, shop.options())
	data := shop.files[shop.rows[0].PhotoID]
	label := shop.rows[0].Facets["sleeve"].Label
	kind, body := form(t, data, "k", "3")
	a := s.post("/v1/search?k=5&where=sleeve%3D"+label, kind, body).answer(t)
	require.Equal(t, 3, a.K, "what the form says counts")
	require.Equal(t, vectors.Filter{"sleeve": {label}}, a.Where)
	a = s.post("/v1/search?k=5&sleeve="+label, "application/json", []byte(fmt.Sprintf(`{"photo_id":%q}`, shop.rows[0].PhotoID))).answer(t)
	require.Equal(t, 5, a.K)
	require.Equal(t, vectors.Filter{"sleeve": {label}}, a.Where)
}

func TestRefusedSearches(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 2)
	s := serve(t, shop.options())
	good := shop.files[shop.rows[0].PhotoID]
	id := shop.rows[0].PhotoID
	tests := []struct {
		name   string
		reply  func() reply
		status int
		code   string
		says   string
	}{
		{"no photo", func() reply { return s.upload(nil, "k", "3") }, 422, CodeInvalid, "0 photos"},
		{"empty photo", func() reply { return s.upload([]byte{}) }, 422, "photo_empty", "empty"},
		{"a text", func() reply { return s.upload([]byte("this is no photo")) }, 422, "photo_not_an_image", "JPEG"},
		{"half a photo", func() reply { return s.upload(good[:len(good)/2]) }, 422, "photo_truncated", "again"},
		{"unknown facet", func() reply { return s.upload(good, "where", "hemline=mini") }, 422, CodeUnknownFacet, "neckline"},
		{"unknown facet to ignore", func() reply { return s.upload(good, "ignore", "hemline") }, 422, CodeUnknownFacet, "neckline"},
		{"ignored in JSON", func() reply { return s.json(`{"photo_id":"x","ignore":7}`) }, 400, CodeMalformed, "an array of names"},
		{"unknown label", func() reply { return s.upload(good, "where", "neckline=wide") }, 422, CodeUnknownLabel, "v-neck"},
		{"a misspelt option", func() reply { return s.upload(good, "kk", "3") }, 422, CodeUnknownFacet, "kk"},
		{"no condition", func() reply { return s.upload(good, "where", "v-neck") }, 422, CodeInvalid, "facet=label"},
		{"bad JSON filter", func() reply { return s.upload(good, "where", `{"neckline":3}`) }, 422, CodeInvalid, "form"},
		{"empty JSON filter", func() reply { return s.upload(good, "where", `{"neckline":[]}`) }, 422, CodeInvalid, "leave the facet out"},
		{"k of 0", func() reply { return s.upload(good, "k", "0") }, 422, CodeInvalid, "1 to 1000, and offset for more"},
		{"k of 1001", func() reply { return s.upload(good, "k", "1001") }, 422, CodeInvalid, "1 to 1000, and offset for more"},
		{"k in words", func() reply { return s.upload(good, "k", "ten") }, 422, CodeInvalid, `k is "ten": use a whole number`},
		{"k in words in the address", func() reply { return s.get("/v1/items/" + shop.rows[0].RowID + "/similar?k=ten") }, 422, CodeInvalid, `k is "ten": use a whole number`},
		{"maybe in the address", func() reply { return s.get("/v1/items/" + shop.rows[0].RowID + "/similar?one_per_product=maybe") }, 422, CodeInvalid, `one_per_product is "maybe": use true or false`},
		{"k twice", func() reply { return s.upload(good, "k", "1", "k", "2") }, 422, CodeInvalid, "once"},
		{"negative offset", func() reply { return s.upload(good, "offset", "-1") }, 422, CodeInvalid, "offset"},
		{"deep offset", func() reply { return s.upload(good, "offset", "16384") }, 422, CodeInvalid, "use 0 to 16374, as offset and k are 16384 at most together"},
		{"unknown embedding", func() reply { return s.upload(good, "embedding", "best") }, 422, CodeInvalid, "deeprank"},
		{"half a box", func() reply { return s.upload(good, "box", "1,2,3") }, 422, CodeInvalid, "x_min"},
		{"a box inside out", func() reply { return s.upload(good, "box", "30,30,10,60") }, 422, CodeInvalid, "x_min"},
		{"photo as text", func() reply { return s.upload(nil, "photo", "abc") }, 422, CodeInvalid, "as a file"},
		{"maybe", func() reply { return s.upload(good, "one_per_product", "maybe") }, 422, CodeInvalid, "true or false"},
		{"no form", func() reply { return s.post("/v1/search", "multipart/form-data", good) }, 400, CodeMalformed, "form"},
		{"broken form", func() reply { return s.post("/v1/search", "multipart/form-data; boundary=x", good) }, 400, CodeMalformed, "form"},
		{"bare photo", func() reply { return s.post("/v1/search", "image/jpeg", good) }, 415, CodeUnsupportedType, "multipart/form-data"},
		{"broken JSON", func() reply { return s.json(`{"photo_id":`) }, 400, CodeMalformed, "JSON"},
		{"JSON twice", func() reply { return s.json(`{"photo_id":"a"} {}`) }, 400, CodeMalformed, "follows"},
		{"unknown field", func() reply { return s.json(`{"photo_id":"a","filter":{}}`) }, 400, CodeMalformed, "filter"},
		{"a long filter", func() reply {
			return s.json(`{"photo_id":"a","where":{"sleeve":["long"` + strings.Repeat(`,"long"`, 1000) + `]}}`)
		}, 422, CodeInvalid, "1001 conditions: use 1000 at most"},
		{"a long filter in the form", func() reply { return s.upload(good, "where", `{"sleeve":["long"`+strings.Repeat(`,"long"`, 1000)+`]}`) }, 422, CodeInvalid, "1000 at most"},
		{"much to ignore", func() reply {
			return s.json(`{"photo_id":"` + id + `","ignore":["sleeve"` + strings.Repeat(`,"sleeve"`, 64) + `]}`)
		}, 422, CodeInvalid, "65 facets: use 64 at most"},
		{"long JSON", func() reply { return s.json(`{"photo_id":"` + strings.Repeat("a", 1<<20) + `"}`) }, 413, CodeTooLarge, "1048576 at most"},
		{"a long form", func() reply {
			return s.upload(good, "where", strings.Repeat("a", 1<<19), "sleeve", strings.Repeat("a", 1<<19))
		}, 413, CodeTooLarge, "1048576 at most"},
		{"an array", func() reply { return s.json(`[]`) }, 400, CodeMalformed, "the body cannot be array: send an object"},
		{"k as text", func() reply { return s.json(`{"k":"3"}`) }, 400, CodeMalformed, "k cannot be string: send a whole number"},
		{"half a result", func() reply { return s.json(`{"k":1.5}`) }, 400, CodeMalformed, "k cannot be number 1.5: send a whole number"},
		{"a number for a name", func() reply { return s.json(`{"row_id":3}`) }, 400, CodeMalformed, "row_id cannot be number: send a string"},
		{"perhaps", func() reply { return s.json(`{"one_per_product":"yes"}`) }, 400, CodeMalformed, "one_per_product cannot be string: send true or false"},
		{"vector as text", func() reply { return s.json(`{"vector":"1,2"}`) }, 400, CodeMalformed, "vector cannot be string: send an array of numbers"},
		{"words in a vector", func() reply { return s.json(`{"vector":["1"]}`) }, 400, CodeMalformed, "vector cannot be string: send numbers"},
		{"a large number", func() reply { return s.json(`{"vector":[1e99]}`) }, 400, CodeMalformed, "vector cannot be number 1e99: send numbers that are not too large"},
		{"where as a list", func() reply { return s.json(`{"where":["sleeve=long"]}`) }, 400, CodeMalformed, "where cannot be array: send an object of facets"},
		{"a number for a label", func() reply { return s.json(`{"where":{"sleeve":[3]}}`) }, 422, CodeInvalid, "where has for a facet what is no label: send a string"},
		{"nothing to search with", func() reply { return s.json(`{}`) }, 422, CodeInvalid, "0 things"},
		{"two things to search with", func() reply { return s.json(`{"photo_id":"a","vector":[1]}`) }, 422, CodeInvalid, "2 things"},
		{"unknown photo", func() reply { return s.json(`{"photo_id":"` + strings.Repeat("0", 64) + `"}`) }, 404, CodeUnknownPhoto, "send the photo"},
		{"unknown row", func() reply { return s.json(`{"row_id":"nobody"}`) }, 404, CodeUnknownItem, "nobody"},
		{"unknown product", func() reply { return s.json(`{"product_id":"nobody"}`) }, 404, CodeUnknownProduct, "nobody"},
		{"short vector", func() reply { return s.json(`{"vector":[1,2]}`) }, 422, CodeInvalid, "72"},
		{"zero vector", func() reply { return s.json(`{"vector":[` + strings.Repeat("0,", 71) + `0]}`) }, 422, CodeInvalid, "direction"},
		{"empty filter", func() reply { return s.json(`{"photo_id":"` + id + `","where":{"sleeve":[]}}`) }, 422, CodeInvalid, "sleeve"},
		{"box without a photo", func() reply { return s.json(`{"product_id":"x","box":"1,1,2,2"}`) }, 422, CodeInvalid, "photo"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s.t = t
			detail := test.reply().problem(t, test.status, test.code).Detail
			require.Contains(t, detail, test.says)
			require.NotContains(t, detail, "json:")
			require.NotContains(t, detail, "Go ")
		})
	}
}

// TestMessagesRepeatLittle sends what a message would repeat, and what would grow with it.
func TestMessagesRepeatLittle(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 2)
	s := serve(t, shop.options())
	photo := shop.files[shop.rows[0].PhotoID]
	long := strings.Repeat("\x01", 100_000)
	quoted, err := json.Marshal(long)
	require.NoError(t, err)
	replies := map[string]reply{}
	for _, name := range []string{"where", "k", "offset", "embedding", "one_per_product", "box", "ignore", "neckline", long} {
		replies[name] = s.upload(photo, name, long)
	}
	replies["condition"] = s.upload(photo, "where", "neckline="+long)
	replies["filter"] = s.upload(photo, "where", "{"+long)
	replies["labels"] = s.upload(photo, "where", `{`+string(quoted)+`:[]}`)
	for _, body := range []string{`{"photo_id":%s}`, `{"row_id":%s}`, `{"product_id":%s}`, `{"embedding":%s,"photo_id":"x"}`, `{%s:1}`, `{"where":{%s:"x"},"photo_id":"x"}`} {
		replies[body] = s.json(fmt.Sprintf(body, quoted))
	}
	for name, r := range replies {
		require.GreaterOrEqual(t, r.status, 400, name[:1])
		require.Less(t, r.status, 500, name[:1])
		require.Less(t, len(r.body), 3000, "%.20q", name)
	}
	require.Contains(t, s.upload(photo, "k", long).problem(t, 422, CodeInvalid).Detail, "…")
}

// TestIgnore takes the neckline out of the query: what is near changes, what passes does not.
func TestIgnore(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 12)
	engine, err := NewEngine(t.Context(), shop.options())
	require.NoError(t, err)
	defer engine.Close()
	row := shop.rows[4]
	ask := func(request Request) Answer {
		a, err := engine.SimilarToItem(t.Context(), row.RowID, request)
		require.NoError(t, err)
		return a
	}
	plain, ignoring := ask(Request{}), ask(Request{Ignore: []string{"sleeve", "neckline"}})
	require.Empty(t, plain.Ignored)
	require.Equal(t, []string{"neckline"}, ignoring.Ignored, "the model does not know how to take sleeves out")
	require.Equal(t, []string{"sleeve"}, ignoring.NotIgnored)
	require.Empty(t, plain.NotIgnored)
	require.Equal(t, plain.TotalMatches, ignoring.TotalMatches)
	require.NotEqual(t, plain.Results[0].Similarity, ignoring.Results[0].Similarity)
	rest, _, err := shop.embedder.Ignore("deeprank", row.EmbeddingDeepRank, []string{"neckline"})
	require.NoError(t, err)
	for _, r := range ignoring.Results {
		i := slices.IndexFunc(shop.rows, func(other catalog.Row) bool { return other.RowID == r.RowID })
		var want float64
		for k, v := range vectors.Unit(rest) {
			want += float64(v) * float64(shop.rows[i].EmbeddingDeepRank[k])
		}
		require.InDelta(t, want, r.Similarity, 1e-4)
	}
	// What was found lately is looked at with another vector, too.
	require.Equal(t, plain.Results, ask(Request{}).Results)
	require.Equal(t, plain.Results, ask(Request{Ignore: []string{"length"}}).Results)

	s := serve(t, shop.options())
	require.Equal(t, ignoring.Results, s.get("/v1/items/"+row.RowID+"/similar?ignore=neckline").answer(t).Results)
	require.Equal(t, []string{"neckline"}, s.json(fmt.Sprintf(`{"row_id":%q,"ignore":["neckline"]}`, row.RowID)).answer(t).Ignored)
	require.Equal(t, []string{"neckline"}, s.upload(shop.files[row.PhotoID], "ignore", "neckline", "ignore", "sleeve").answer(t).Ignored)

	twice := Request{Ignore: []string{"sleeve", "neckline", "sleeve"}}
	require.NoError(t, twice.complete())
	require.Equal(t, []string{"sleeve", "neckline"}, twice.Ignore)

	_, err = engine.SimilarToItem(t.Context(), row.RowID, Request{Ignore: []string{"nose"}})
	var told *Error
	require.ErrorAs(t, err, &told)
	require.Equal(t, CodeUnknownFacet, told.Code)

	options := shop.options()
	options.Embedder = struct{ Embedder }{shop.embedder} // which cannot take anything out
	engine, err = NewEngine(t.Context(), options)
	require.NoError(t, err)
	defer engine.Close()
	ignoring = ask(Request{Ignore: []string{"neckline"}})
	require.Equal(t, []string{"neckline"}, ignoring.NotIgnored)
	require.Equal(t, plain.Results, ignoring.Results)
}
