package studio

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/photo"
)

func readRows(t *testing.T, path string) []map[string]string {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	var out []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, name := range rows[0] {
			m[name] = row[i]
		}
		out = append(out, m)
	}
	return out
}

// TestWriteCatalogue: every photo is there, decodes, and is described; the shop's table gives no
// facet away.
func TestWriteCatalogue(t *testing.T) {
	dir := t.TempDir()
	products := Products("test", 8, 3)
	calls := 0
	require.NoError(t, WriteCatalogue(t.Context(), filepath.Join(dir, "shop"), products, 2, func(done, total int) {
		if done == total {
			calls++
		}
		require.Equal(t, 6, total)
	}))
	require.Equal(t, 1, calls)
	rows := readRows(t, filepath.Join(dir, "shop", "catalogue.csv"))
	truth := readRows(t, filepath.Join(dir, "shop", "truth.csv"))
	require.Len(t, rows, 6)
	require.Len(t, truth, 6)
	for i, row := range rows {
		require.Equal(t, products[i/2].ID, row["product_id"])
		require.Equal(t, row["photo"], truth[i]["photo"])
		data, err := os.ReadFile(filepath.Join(dir, "shop", row["photo"]))
		require.NoError(t, err)
		m, err := photo.Decode(data, photo.DefaultLimits())
		require.NoError(t, err)
		require.Equal(t, [2]int{defaultWidth, defaultHeight}, [2]int{m.Width, m.Height})
		for _, f := range datasets.Facets() {
			require.Equal(t, products[i/2].Facets[f.Name], truth[i][f.Name])
			require.NotContains(t, row, f.Name)
		}
		x, err := strconv.Atoi(truth[i]["x_max"])
		require.NoError(t, err)
		require.LessOrEqual(t, x, defaultWidth)
	}

	require.NoError(t, WriteQueries(t.Context(), filepath.Join(dir, "queries"), products, 4, nil))
	queries := readRows(t, filepath.Join(dir, "queries", "truth.csv"))
	require.Len(t, queries, 4)
	require.Equal(t, products[0].ID, queries[3]["product"], "after one photo of each product comes a second")
	require.Error(t, WriteQueries(t.Context(), filepath.Join(dir, "none"), nil, 4, nil))
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.Error(t, WriteCatalogue(t.Context(), file, products, 1, nil), "a file is in the way")
}
