package searcher

import (
	"bytes"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets/studio"
)

// TestWhatIsNotPublic asks by every address that answers with rows.
func TestWhatIsNotPublic(t *testing.T) {
	shop := newShop(t)
	for i := range 3 {
		row := shop.row(t, i, studio.Shot{})
		row.Source = "https://shop:pass@bucket.example/a.jpg?X-Amz-Signature=secret"
		row.Attributes = map[string]string{"fabric": "silk", "purchase_price": "9.90", "supplier": "A"}
		shop.rows = append(shop.rows, row)
	}
	shop.publish(t, "r1")
	row := shop.rows[0]
	ask := func(hidden ...string) []catalog.Row {
		options := shop.options()
		options.HideAttributes = hidden
		s := serve(t, options)
		var one catalog.Row
		s.get("/v1/items/"+row.RowID).into(t, &one)
		var list struct{ Items []catalog.Row }
		s.get("/v1/items").into(t, &list)
		rows := append(list.Items, one)
		for _, a := range []Answer{
			s.get("/v1/items/" + row.RowID + "/similar").answer(t), s.get("/v1/products/" + row.ProductID + "/similar").answer(t),
			s.upload(shop.files[row.PhotoID]).answer(t), s.json(`{"photo_id":"` + row.PhotoID + `"}`).answer(t),
		} {
			for _, r := range a.Results {
				rows = append(rows, r.Row)
			}
		}
		require.Len(t, rows, 4+2+2+3+3)
		for _, r := range rows {
			require.Equal(t, "https://bucket.example/a.jpg", r.Source)
		}
		return rows
	}
	for hidden, want := range map[string]map[string]string{
		"":                        row.Attributes,
		"purchase_price,supplier": {"fabric": "silk"},
		"Fabric":                  row.Attributes,
		"*":                       nil,
		"supplier,*":              nil,
	} {
		var names []string
		if hidden != "" {
			names = strings.Split(hidden, ",")
		}
		for _, r := range ask(names...) {
			require.True(t, maps.Equal(want, r.Attributes), "%q hidden: %v", hidden, r.Attributes)
		}
	}

	// Programs see all of it.
	e, err := NewEngine(t.Context(), shop.options())
	require.NoError(t, err)
	defer e.Close()
	kept, err := e.Item(t.Context(), row.RowID)
	require.NoError(t, err)
	require.Equal(t, row.Source, kept.Source)
	require.Equal(t, row.Attributes, kept.Attributes)
}

// TestMisspeltColumns warns of what is hidden and not there, of each index.
func TestMisspeltColumns(t *testing.T) {
	shop := newShop(t)
	row := shop.row(t, 0, studio.Shot{})
	row.Attributes = map[string]string{"fabric": "silk", "purchase_price": "9.90"}
	shop.rows = append(shop.rows, row)
	shop.publish(t, "r1")
	warned := func(hidden ...string) string {
		var logs bytes.Buffer
		options := shop.options()
		options.HideAttributes, options.Logger = hidden, slog.New(slog.NewTextHandler(&logs, nil))
		e, err := NewEngine(t.Context(), options)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, e.Close()) })
		return logs.String()
	}
	text := warned("purchase_prise", "fabric")
	require.Contains(t, text, "level=ERROR")
	require.Contains(t, text, "column=purchase_prise")
	require.Contains(t, text, `columns="[fabric purchase_price]"`)
	require.NotContains(t, text, "column=fabric ")
	for _, hidden := range [][]string{nil, {"purchase_price"}, {"*", "purchase_prise"}} {
		require.Empty(t, warned(hidden...))
	}

	// A night without the column.
	var logs bytes.Buffer
	options := shop.options()
	options.HideAttributes, options.Logger = []string{"purchase_price"}, slog.New(slog.NewTextHandler(&logs, nil))
	e, err := NewEngine(t.Context(), options)
	require.NoError(t, err)
	defer e.Close()
	require.Empty(t, logs.String())
	shop.rows[0].Attributes = map[string]string{"fabric": "silk"}
	shop.publish(t, "r2")
	changed, err := e.Refresh(t.Context())
	require.NoError(t, err)
	require.True(t, changed)
	require.Contains(t, logs.String(), "column=purchase_price")
}
