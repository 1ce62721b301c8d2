package searcher

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// checkFuzzed requires what holds for every request that was understood.
func checkFuzzed(t *testing.T, request Request, err error) {
	t.Helper()
	if err != nil {
		var known *Error
		require.ErrorAs(t, err, &known)
		require.NotEmpty(t, known.Message)
		return
	}
	for facet, labels := range request.Where {
		require.NotEmpty(t, facet)
		require.NotEmpty(t, labels)
		require.NotContains(t, labels, "")
	}
	require.LessOrEqual(t, request.K, maxPage)
	if request.Box != nil {
		require.False(t, request.Box.Empty())
	}
	if request.complete() == nil {
		require.Positive(t, request.K)
		require.LessOrEqual(t, request.Offset+request.K, MaxK)
	}
}

func FuzzParameters(f *testing.F) {
	for _, query := range []string{
		"", "k=5&offset=10&embedding=unsupervised&one_per_product=false", "where=neckline%3Dv-neck&where=neckline%3Dround&sleeve=long",
		`where={"neckline":["v-neck"],"sleeve":"long"}`, "box=1,2,3,4", "box=-9223372036854775808,0,9223372036854775807,1", "k=99999999999999999999",
		"where={}", "where={", "=x", "where==", "k=&offset=", "price_min=1&price_max=NaN&price_currency=EUR",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return // the server refuses it
		}
		request, err := parseRequest(values)
		checkFuzzed(t, request, err)
	})
}

func FuzzSearchBody(f *testing.F) {
	for _, body := range []string{
		`{"photo_id":"a","where":{"neckline":["v-neck"]},"k":3}`, `{"vector":[1,2e30],"embedding":"deeprank"}`, `{"where":null}`,
		`{"where":{"":[""]}}`, `{"k":null,"box":"1,2,3,4","one_per_product":false}`, `{"where":{"a":"b=c"}}`, `{"price_min":5,"price_max":1e308,"price_currency":"EUR"}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var body searchBody
		if json.Unmarshal(data, &body) != nil {
			return
		}
		request, err := body.request(url.Values{})
		checkFuzzed(t, request, err)
	})
}
