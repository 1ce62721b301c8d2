package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
)

func TestExport(t *testing.T) {
	s := newShop(t)
	all := rows(t, s.index)
	necklines := map[string]int{}
	for _, row := range all {
		necklines[row.Facets["neckline"].Label]++
	}
	neckline := all[0].Facets["neckline"].Label
	where := `facet_neckline == "` + neckline + `" and status == "ok"`

	r := kleid(t, "export", "--index", s.index, "--where", where, "--columns", "product_id,facet_neck*,price,attributes")
	require.Equal(t, exit.Done, r.code, r.stderr)
	records, err := csv.NewReader(strings.NewReader(r.stdout)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"product_id", "facet_neckline", "facet_neckline_probability", "facet_neckline_source", "price", "attributes"}, records[0])
	require.Len(t, records, 1+necklines[neckline])
	require.Equal(t, neckline, records[1][1])
	require.Contains(t, records[1][5], `"colour":`)

	r = kleid(t, "export", "--index", s.index, "--format", "jsonl", "--columns", "row_id,embedding_deeprank,colours,title", "--where", `len(colours) > 0 and embedding_deeprank[0] > -2`)
	require.Equal(t, exit.Done, r.code, r.stderr)
	lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
	require.Len(t, lines, len(all))
	require.True(t, strings.HasPrefix(lines[0], `{"row_id":"`), "in the order that was asked for")
	var object struct {
		ID        string    `json:"row_id"`
		Embedding []float32 `json:"embedding_deeprank"`
	}
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &object))
	require.Equal(t, all[0].EmbeddingDeepRank, object.Embedding)

	r = kleid(t, "export", "--index", s.index, "--columns", "attributes.colour,product_id,attributes.no-such")
	require.Equal(t, exit.Done, r.code, r.stderr)
	records, err = csv.NewReader(strings.NewReader(r.stdout)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"attributes.colour", "product_id", "attributes.no-such"}, records[0])
	require.Equal(t, []string{all[0].Attributes["colour"], all[0].ProductID, ""}, records[1])
	require.Contains(t, r.stderr, `no row has "no-such" among its attributes`)
	require.NotContains(t, r.stderr, `"colour"`)
	require.NotEmpty(t, records[1][0])

	to := filepath.Join(t.TempDir(), "dresses.parquet")
	r = kleid(t, "export", "--index", s.index, "--to", to, "--columns", "source,width,embedding_unsupervised", "--where", "width > 0 and not (price < 0)")
	require.Equal(t, exit.Done, r.code, r.stderr)
	data, err := os.ReadFile(to)
	require.NoError(t, err)
	type row struct {
		Source    string    `parquet:"source"`
		Width     *int32    `parquet:"width,optional"`
		Embedding []float32 `parquet:"embedding_unsupervised,list"`
	}
	exported, err := parquet.Read[row](bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	require.Len(t, exported, len(all))
	require.Equal(t, all[0].Source, exported[0].Source)
	require.Equal(t, all[0].Width, *exported[0].Width)

	for problem, args := range map[string][]string{
		`there is no column "colour"`:      {"--columns", "colour"},
		"the condition cannot be under":    {"--where", "facet_neckline = 'v-neck'"},
		"unknown name sleeves":             {"--where", `sleeves == "long"`},
		`there is no format "xlsx"`:        {"--to", filepath.Join(t.TempDir(), "x.xlsx")},
		"the condition fails for row":      {"--where", `split(title, "")[1000] == "x"`},
		"kleid export needs --index":       nil,
		"run 2020 is not in " + s.index:    {"--run", "2020"},
		"no index has been published yet:": {"--index", t.TempDir()},
	} {
		if args != nil && args[0] != "--index" {
			args = append(args, "--index", s.index)
		}
		r := kleid(t, append([]string{"export"}, args...)...)
		require.NotEqual(t, exit.Done, r.code, problem)
		require.Contains(t, r.stderr, problem)
	}
}
