package catalog

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// python returns the interpreter of the tests' own environment.
func python(t *testing.T) string {
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		require.NotEqual(t, dir, filepath.Dir(dir), "no go.mod above the test")
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(dir, ".venv", "bin", "python")
	if _, err := os.Stat(path); err != nil {
		t.Skip("needs duckdb, pyarrow and polars: run scripts/venv")
	}
	return path
}

func TestReadersOfAnalysts(t *testing.T) {
	interpreter := python(t)
	meta := testMetadata()
	rows := []Row{
		{
			RowID: "a", PhotoID: "p1", ProductID: "dress-1", Source: "photos/größe 1\n.jpg", Title: "Summer", URL: "https://shop.example/1",
			Price: new(19.99), Currency: "EUR", Attributes: map[string]string{"colour": "red", "brand": "x"}, Status: StatusOK,
			Width: 400, Height: 533, Box: &Box{10, 20, 300, 500}, BoxConfidence: 0.5,
			Facets: map[string]FacetValue{
				"neckline": {"v-neck", 0.75, Predicted},
				"sleeve":   {"long", 1, Human},
			},
			Colours:               []Colour{{"red", 40, 60, 30.5, 0.75}, {"white", 95, 0, 1, 0.25}},
			EmbeddingUnsupervised: []float32{1, 2, 3, 4, 5}, EmbeddingDeepRank: []float32{0.5, 0.25, 0.125},
			EmbeddingModel: meta.EmbeddingModel, FacetModel: meta.FacetModel,
			IndexedAt: time.Date(2026, 3, 4, 5, 6, 7, 89e6, time.UTC),
		},
		{
			RowID: "b", ProductID: "dress-2", Source: "photos/2.jpg", Status: StatusUnreadable, Error: "the file is empty",
			EmbeddingModel: meta.EmbeddingModel, FacetModel: meta.FacetModel,
			IndexedAt: time.Date(2026, 3, 4, 5, 6, 8, 0, time.UTC),
		},
	}
	path := filepath.Join(t.TempDir(), "part-000.parquet")
	require.NoError(t, os.WriteFile(path, write(t, meta, rows), 0o600))

	command := exec.Command(interpreter, filepath.Join("testdata", "readers.py"), path)
	command.Stderr = os.Stderr
	out, err := command.Output()
	require.NoError(t, err)
	var got struct {
		DuckDBTypes      map[string]string   `json:"duckdb_types"`
		DuckDBRows       [][]*string         `json:"duckdb_rows"`
		ArrowTypes       map[string]string   `json:"arrow_types"`
		ArrowNullable    map[string]bool     `json:"arrow_nullable"`
		ArrowMetadata    map[string]string   `json:"arrow_metadata"`
		ArrowEmbeddings  [][]float32         `json:"arrow_embeddings"`
		ArrowColours     [][]Colour          `json:"arrow_colours"`
		ArrowAttributes  []map[string]string `json:"arrow_attributes"`
		PolarsTypes      map[string]string   `json:"polars_types"`
		PolarsEmbeddings [][]float32         `json:"polars_embeddings"`
		RowGroups        int                 `json:"row_groups"`
		Columns          map[string]struct {
			Compression string
			Bounds      bool
			Nulls       *int
		}
	}
	require.NoError(t, json.Unmarshal(out, &got))

	kinds := []struct {
		columns               []string
		optional              bool
		duckdb, arrow, polars string
	}{
		{[]string{"row_id", "product_id", "source", "status", "embedding_model", "facet_model"}, false, "VARCHAR", "string", "String"},
		{[]string{"photo_id", "title", "url", "currency", "error", "facet_neckline", "facet_neckline_source", "facet_sleeve", "facet_sleeve_source"}, true, "VARCHAR", "string", "String"},
		{[]string{"price"}, true, "DOUBLE", "double", "Float64"},
		{[]string{"attributes"}, true, "MAP(VARCHAR, VARCHAR)", "map<string, string ('attributes')>", "Map(String, String)"},
		{[]string{"colours"}, true, `STRUCT("name" VARCHAR, l FLOAT, a FLOAT, b FLOAT, "share" FLOAT)[]`,
			"list<element: struct<name: string not null, l: float not null, a: float not null, b: float not null, share: float not null> not null>",
			"List(Struct({'name': String, 'l': Float32, 'a': Float32, 'b': Float32, 'share': Float32}))"},
		{[]string{"width", "height", "box_x_min", "box_y_min", "box_x_max", "box_y_max"}, true, "INTEGER", "int32", "Int32"},
		{[]string{"box_confidence", "facet_neckline_probability", "facet_sleeve_probability"}, true, "FLOAT", "float", "Float32"},
		{[]string{"embedding_unsupervised", "embedding_deeprank"}, true, "FLOAT[]", "list<element: float not null>", "List(Float32)"},
		{[]string{"indexed_at"}, false, "TIMESTAMP WITH TIME ZONE", "timestamp[ms, tz=UTC]", "Datetime(time_unit='ms', time_zone='UTC')"},
	}
	count := 0
	for _, k := range kinds {
		for _, name := range k.columns {
			count++
			require.Equal(t, k.duckdb, got.DuckDBTypes[name], "DuckDB: %s", name)
			require.Equal(t, k.arrow, got.ArrowTypes[name], "pyarrow: %s", name)
			require.Equal(t, k.polars, got.PolarsTypes[name], "polars: %s", name)
			require.Equal(t, k.optional, got.ArrowNullable[name], "optional: %s", name)
		}
	}
	require.Len(t, got.DuckDBTypes, count)

	text := func(values ...any) []*string {
		row := make([]*string, len(values))
		for i, v := range values {
			if s, ok := v.(string); ok {
				row[i] = &s
			}
		}
		return row
	}
	require.Equal(t, [][]*string{
		text("a", "19.99", "red", "300", "v-neck", "0.75", "15.0", "3", "2026-03-04 05:06:07.089+00", "Summer", "white"),
		text("b", nil, nil, nil, nil, nil, nil, nil, "2026-03-04 05:06:08+00", nil, nil),
	}, got.DuckDBRows)
	require.Equal(t, [][]float32{{1, 2, 3, 4, 5}, nil}, got.ArrowEmbeddings)
	require.Equal(t, got.ArrowEmbeddings, got.PolarsEmbeddings)
	require.Equal(t, [][]Colour{rows[0].Colours, nil}, got.ArrowColours)
	require.Equal(t, []map[string]string{{"colour": "red", "brand": "x"}, nil}, got.ArrowAttributes)

	var metadata Metadata
	require.NoError(t, json.Unmarshal([]byte(got.ArrowMetadata["kleid.metadata"]), &metadata))
	require.Equal(t, meta, metadata)
	require.Equal(t, meta.EmbeddingModel, got.ArrowMetadata["kleid.embedding_model"])
	require.Equal(t, "5", got.ArrowMetadata["kleid.embedding_unsupervised_size"])

	require.Equal(t, 1, got.RowGroups)
	for _, name := range []string{"row_id", "price", "status", "facet_neckline", "width", "indexed_at"} {
		require.True(t, got.Columns[name].Bounds, "bounds of %s", name)
	}
	for name, c := range got.Columns {
		require.Equal(t, "ZSTD", c.Compression, name)
	}
	require.Equal(t, 1, *got.Columns["price"].Nulls)
}
