package embedded

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/vectors"
)

// asOfBefore takes files, and what the manifest says of them, from an index.
func asOfBefore(t *testing.T, folder, field string, files []string) {
	path := filepath.Join(folder, manifestFile)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var m map[string]any
	require.NoError(t, json.Unmarshal(data, &m))
	delete(m, field)
	for _, name := range files {
		delete(m["files"].(map[string]any), name)
		require.NoError(t, os.Remove(filepath.Join(folder, name)))
	}
	data, err = json.Marshal(m)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data, 0o644))
}

// An index that was made before prices could be filtered by serves as before, and never answers a price wrongly.
func TestIndexWithoutPrices(t *testing.T) {
	s := open(t)
	asOfBefore(t, s.runFolder("old"), "currencies", priceFiles)

	require.NoError(t, s.Publish(t.Context(), "old"))
	x, err := s.Current(t.Context())
	require.NoError(t, err)
	defer x.Close()
	has, err := x.HasPrices(t.Context())
	require.NoError(t, err)
	require.False(t, has)
	q := vectors.Query{Vector: []float32{1, 2, 3}, Embedding: vectors.Unsupervised, K: 100}
	result, err := x.Search(t.Context(), q)
	require.NoError(t, err)
	require.Len(t, result.Matches, 4)
	q.Price.Min = new(0.0)
	_, err = x.Search(t.Context(), q)
	require.ErrorIs(t, err, vectors.ErrNoPriceFilter)
	require.ErrorContains(t, err, "run `kleid index` again")
}

// Prices that lie outside their file's promise are refused when the index is opened, not met in a search.
func TestDamagedPrices(t *testing.T) {
	m := &manifest{Rows: 3, Currencies: []currency{{"EUR", 2}, {"SEK", 1}}}
	nan := []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x7f}
	for message, damaged := range map[string]struct{ values, rows []byte }{
		`prices.f64: the prices in "EUR" are not in order`: {appendNumbers(nil, []float64{2, 1, 5}), appendNumbers(nil, []uint32{0, 1, 2})},
		`prices.f64: the prices in "SEK" are not in order`: {append(appendNumbers(nil, []float64{1, 2}), nan...), appendNumbers(nil, []uint32{0, 1, 2})},
		"price_rows.u32: row 3 of 3":                       {appendNumbers(nil, []float64{1, 2, 1}), appendNumbers(nil, []uint32{0, 3, 2})},
	} {
		_, err := parsePrices(damaged.values, damaged.rows, m)
		require.EqualError(t, err, message)
	}
	_, err := parseManifest([]byte(`{"format":1,"rows":3,"currencies":[{"rows":2},{"rows":2}],"metadata":{"run":"r","embedding_unsupervised_size":1,"embedding_deeprank_size":1}}`))
	require.ErrorContains(t, err, "2 of 3 rows with prices")
}
