package searcher

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/vectors"
)

// A range of prices is the same question in a form, an address and JSON, and adds to the filter by labels.
func TestPrices(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 12)
	s := serve(t, shop.options())
	prices := make([]float64, len(shop.rows))
	for i, row := range shop.rows {
		prices[i] = *row.Price
	}
	slices.Sort(prices)
	low, high := prices[len(prices)/4], prices[3*len(prices)/4]
	neckline := shop.rows[0].Facets["neckline"].Label
	expect := func(product string, min, max float64, labels ...string) int {
		n := 0
		for _, row := range shop.rows {
			if row.ProductID != product && *row.Price >= min && *row.Price <= max && (len(labels) == 0 || slices.Contains(labels, row.Facets["neckline"].Label)) {
				n++
			}
		}
		return n
	}
	require.Greater(t, expect("", 0, 1e9), expect("", low, high))

	limits := []string{"price_min", fmt.Sprint(low), "price_max", fmt.Sprint(high), "k", "100", "one_per_product", "false"}
	photo := shop.paint(t, 0, studio.Shot{Query: true})
	a := s.upload(photo, limits...).answer(t)
	require.Equal(t, expect("", low, high), a.TotalMatches)
	require.Equal(t, vectors.PriceRange{Min: &low, Max: &high}, a.Price)
	require.Len(t, a.Results, a.TotalMatches)
	for _, r := range a.Results {
		require.True(t, *r.Price >= low && *r.Price <= high)
	}
	require.Equal(t, expect("", low, high, neckline), s.upload(photo, append(limits, "neckline", neckline)...).answer(t).TotalMatches)

	id := a.Query.PhotoID
	a = s.json(fmt.Sprintf(`{"photo_id":%q,"price_min":%v,"price_max":%v,"k":100,"one_per_product":false}`, id, low, high)).answer(t)
	require.Equal(t, expect("", low, high), a.TotalMatches)

	address := make(url.Values)
	for i := 0; i < len(limits); i += 2 {
		address.Set(limits[i], limits[i+1])
	}
	row := shop.rows[0]
	for _, path := range []string{"/v1/items/" + row.RowID, "/v1/products/" + url.PathEscape(row.ProductID)} {
		a = s.get(path + "/similar?" + address.Encode()).answer(t)
		require.Equal(t, expect(row.ProductID, low, high), a.TotalMatches, path)
	}

	a = s.json(fmt.Sprintf(`{"photo_id":%q,"price_currency":"XTS"}`, id)).answer(t)
	require.Equal(t, "nothing matches: loosen the filter", a.Note)
	a = s.json(fmt.Sprintf(`{"photo_id":%q,"price_max":%v,"price_currency":%q,"k":100,"one_per_product":false}`, id, high, row.Currency)).answer(t)
	require.Equal(t, expect("", 0, high), a.TotalMatches)
	var plain map[string]any
	s.json(fmt.Sprintf(`{"photo_id":%q}`, id)).into(t, &plain)
	require.NotContains(t, plain, "price", "a range that was not asked for")
}

func TestRefusedPrices(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 2)
	s := serve(t, shop.options())
	photo := shop.paint(t, 0, studio.Shot{Query: true})
	path := "/v1/items/" + shop.rows[0].RowID + "/similar?"
	for name, test := range map[string]struct {
		ask    func() reply
		status int
		code   string
		says   string
	}{
		"form":      {func() reply { return s.upload(photo, "price_min", "49,95") }, 422, CodeInvalid, `price_min is "49,95": use a number, such as 49.95`},
		"twice":     {func() reply { return s.upload(photo, "price_max", "1", "price_max", "2") }, 422, CodeInvalid, "price_max is given 2 times"},
		"backwards": {func() reply { return s.upload(photo, "price_min", "150", "price_max", "50") }, 422, CodeInvalid, "the lowest price, 150, is above the highest, 50"},
		"NaN":       {func() reply { return s.upload(photo, "price_min", "NaN") }, 422, CodeInvalid, "not a finite number"},
		"address":   {func() reply { return s.get(path + "price_min=cheap") }, 422, CodeInvalid, `price_min is "cheap": use a number, such as 49.95`},
		"infinite":  {func() reply { return s.get(path + "price_max=Inf") }, 422, CodeInvalid, "not a finite number"},
		"JSON":      {func() reply { return s.json(`{"photo_id":"a","price_min":"50"}`) }, 400, CodeMalformed, "price_min cannot be string: send a number"},
		"large":     {func() reply { return s.json(`{"photo_id":"a","price_max":1e999}`) }, 400, CodeMalformed, "price_max cannot be number 1e999: send a number that is not too large"},
		"samples":   {func() reply { return s.get("/v1/items?price_min=5") }, 422, CodeInvalid, `there is no parameter "price_min" here`},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			require.Contains(t, test.ask().problem(t, test.status, test.code).Detail, test.says)
		})
	}
}

// Pages show fields for prices where there are some.
func TestFacetsSayWhetherThereArePrices(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 2)
	s := serve(t, shop.options())
	var d Description
	s.get("/v1/facets").into(t, &d)
	require.True(t, d.Prices)

	for i := range shop.rows {
		shop.rows[i].Price = nil
	}
	shop.publish(t, "r2")
	s = serve(t, shop.options())
	s.get("/v1/facets").into(t, &d)
	require.Equal(t, "r2", d.Run)
	require.False(t, d.Prices)
}

// An index that was made before prices could be filtered by is served, and says so to whoever asks for a price.
func TestPricesOfAnOlderIndex(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 2)
	shop.forgetPrices(t, "r1")
	s := serve(t, shop.options())
	var d Description
	s.get("/v1/facets").into(t, &d)
	require.False(t, d.Prices)
	similar := "/v1/items/" + shop.rows[0].RowID + "/similar"
	require.NotEmpty(t, s.get(similar).answer(t).Results)
	require.Contains(t, s.get(similar+"?price_max=50").problem(t, 422, CodeInvalid).Detail, "run `kleid index` again")
}

// forgetPrices makes a run one that was made before prices could be filtered by.
func (s *shop) forgetPrices(t *testing.T, run string) {
	t.Helper()
	path := filepath.Join(s.dir, "vectors", run, "manifest.json")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var manifest map[string]any
	require.NoError(t, json.Unmarshal(data, &manifest))
	require.Contains(t, manifest, "currencies")
	delete(manifest, "currencies")
	data, err = json.Marshal(manifest)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data, 0o600))
}
