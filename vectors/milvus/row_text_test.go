package milvus

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
)

func TestRowText(t *testing.T) {
	long := strings.Repeat("<&ü", maxText)
	many := make(map[string]string)
	for i := range 3000 {
		many[fmt.Sprintf("name %04d", i)] = "some value of it"
	}
	for name, test := range map[string]struct {
		change func(*catalog.Row)
		check  func(t *testing.T, got catalog.Row)
	}{
		"attribute": {
			func(r *catalog.Row) { r.Title, r.Attributes = "x", map[string]string{"long": long, "colour": "red"} },
			func(t *testing.T, got catalog.Row) {
				require.Equal(t, []string{"x", "red"}, []string{got.Title, got.Attributes["colour"]})
				kept, ok := strings.CutSuffix(got.Attributes["long"], cut)
				require.True(t, ok)
				require.True(t, strings.HasPrefix(long, kept))
			},
		},
		"two attributes": {
			func(r *catalog.Row) { r.Attributes = map[string]string{"a": long, "b": long + long} },
			func(t *testing.T, got catalog.Row) {
				require.NotContains(t, got.Attributes, "b")
				require.NotEmpty(t, got.Attributes["a"])
			},
		},
		"title": {
			func(r *catalog.Row) { r.Title, r.URL = long, "https://x.example/" },
			func(t *testing.T, got catalog.Row) {
				require.True(t, strings.HasSuffix(got.Title, cut))
				require.Equal(t, "https://x.example/", got.URL)
			},
		},
		"URL": {
			func(r *catalog.Row) { r.Title, r.URL = "x", long },
			func(t *testing.T, got catalog.Row) {
				require.Equal(t, "x", got.Title)
				require.Empty(t, got.URL, "a part of a URL leads elsewhere")
			},
		},
		"many attributes": {
			func(r *catalog.Row) { r.Attributes = many },
			func(t *testing.T, got catalog.Row) {
				require.Contains(t, got.Attributes, "name 2999")
				require.NotContains(t, got.Attributes, "name 0000")
			},
		},
		"long name": {
			func(r *catalog.Row) { r.Title, r.Attributes = "x", map[string]string{long: "red"} },
			func(t *testing.T, got catalog.Row) {
				require.Equal(t, "x", got.Title)
				require.Empty(t, got.Attributes)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			row := testRows(1)[0]
			test.change(&row)
			before, err := json.Marshal(&row)
			require.NoError(t, err)
			require.Greater(t, len(before), maxText)
			text, err := rowText(row)
			require.NoError(t, err)
			require.LessOrEqual(t, len(text), maxText)
			again, err := rowText(row)
			require.NoError(t, err)
			require.Equal(t, text, again)
			after, err := json.Marshal(&row)
			require.NoError(t, err)
			require.Equal(t, before, after, "the caller's row stays what it is")
			var got catalog.Row
			require.NoError(t, json.Unmarshal([]byte(text), &got))
			test.check(t, got)
			require.Equal(t, row.ProductID, got.ProductID)
			require.Equal(t, row.Facets, got.Facets)
		})
	}
	row := testRows(1)[0]
	row.Source = long
	_, err := rowText(row)
	require.ErrorContains(t, err, "without title and attributes")
}
