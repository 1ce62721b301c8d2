package datasets

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"
)

// requireSane checks what every example of a manifest promises.
func requireSane(t *testing.T, name string, data []byte) {
	parsed, bad, err := manifestFormats["."+name](name, data)
	if err != nil {
		return
	}
	examples, more, err := labelledByRow(parsed, OpenOptions{Known: []string{"cut"}})
	if err != nil {
		return
	}
	require.Equal(t, len(parsed.rows), len(examples)+len(more))
	for _, b := range append(bad, more...) {
		require.NotEmpty(t, b.Photo)
		require.NotEmpty(t, b.Reason)
	}
	for _, e := range examples {
		require.NotEmpty(t, e.source)
		require.NotEmpty(t, e.Product)
		require.True(t, utf8.ValidString(e.Name) && utf8.ValidString(e.Product))
		require.True(t, e.Box == nil || !e.Box.Empty())
		for facet, label := range e.Labels {
			name, err := FacetName(facet)
			require.NoError(t, err)
			require.Equal(t, name, facet)
			require.NotEmpty(t, label)
			require.True(t, utf8.ValidString(label))
		}
	}
}

func FuzzCSV(f *testing.F) {
	for _, text := range []string{
		"photo,facet_cut\na.jpg,\"x\ny\"\n\"b", "\ufeffimage;cut;x_min;y_min;x_max;y_max\r\na;1;1;2;3;4\r\n",
		"path\tcut\tfold\n\"\"\"\t\"\n", "photo,photo,,facet_cut\n,,,,\n", "file,is_dress,facet_cut,facet_cut_source\n\x00,no,\xff,human\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) { requireSane(t, "csv", data) })
}

func FuzzJSONL(f *testing.F) {
	for _, text := range []string{
		"{\"photo\": \"a.jpg\", \"facet_cut\": \"x\"}\n{}\nnull\n[]\n", "{\"Photo\": 1, \"photo\": \"b\", \"cut\": {\"a\": 1}, \"x_min\": 1e99}", "{\"photo\": \"\\ud800\", \"cut\": \"\\u0000\"}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) { requireSane(t, "jsonl", data) })
}

func FuzzParquet(f *testing.F) {
	type row struct {
		Photo string   `parquet:"photo,dict"`
		Cut   *string  `parquet:"cut,optional"`
		XMin  *int32   `parquet:"x_min,optional"`
		List  []string `parquet:"list,list"`
	}
	cut, x := "a", int32(3)
	for _, rows := range [][]row{nil, {{"a.jpg", &cut, &x, []string{"x", "y"}}, {"b.jpg", nil, nil, nil}}} {
		var b bytes.Buffer
		if err := parquet.Write(&b, rows); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) { requireSane(t, "parquet", data) })
}

func FuzzOrder(f *testing.F) {
	f.Add([]byte(`{"neckline": ["round", "v-neck"], "Sleeve Length": []}`))
	f.Add([]byte(`{"a": null} {}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		order, err := parseOrder(data)
		if err != nil {
			return
		}
		for facet, labels := range order {
			name, err := FacetName(facet)
			require.NoError(t, err)
			require.Equal(t, name, facet)
			for _, label := range labels {
				require.NotEmpty(t, label)
			}
		}
	})
}

func FuzzFolder(f *testing.F) {
	f.Add("neckline/round/a.jpg\nneckline/v-neck/p/b.jpg", "neckline")
	f.Add("train/round/a.jpg\ntest/v-neck/b.jpg", "neckline")
	f.Add("a.jpg\n/\n//x", "")
	f.Fuzz(func(t *testing.T, paths, facet string) {
		var facets []string
		if facet != "" {
			facets = append(facets, facet)
		}
		var keys []string
		for _, key := range bytes.Split([]byte(paths), []byte("\n")) {
			keys = append(keys, string(key))
		}
		examples, err := labelledByFolder(keys, facets)
		if err != nil {
			return
		}
		for _, e := range examples {
			require.NotEmpty(t, e.Product)
			require.Len(t, e.Labels, 1)
		}
	})
}
