package datasets

import (
	"bytes"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"
)

// parquetManifest opens a manifest with one row, a value for each column.
func parquetManifest(t *testing.T, options OpenOptions, columns parquet.Group, values map[string]any) (*Dataset, error) {
	t.Helper()
	schema := parquet.NewSchema("manifest", columns)
	var row parquet.Row
	for i, path := range schema.Columns() {
		leaf, _ := schema.Lookup(path...)
		row = append(row, parquet.ValueOf(values[path[0]]).Level(0, leaf.MaxDefinitionLevel, i))
	}
	var file bytes.Buffer
	w := parquet.NewWriter(&file, schema)
	_, err := w.WriteRows([]parquet.Row{row})
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return Open(t.Context(), withManifest(t, "shop.parquet", file.String()), options)
}

// TestParquetManifestTypes: what a value means is in its column's type.
func TestParquetManifestTypes(t *testing.T) {
	d, err := parquetManifest(t, OpenOptions{}, parquet.Group{
		"photo": parquet.String(), "product_id": parquet.UUID(), "fold": parquet.Decimal(0, 20, parquet.ByteArrayType), "x_min": parquet.Decimal(1, 9, parquet.Int32Type),
		"y_min": parquet.Uint(8), "x_max": parquet.Int(64), "y_max": parquet.Leaf(parquet.DoubleType), "is_dress": parquet.Leaf(parquet.BooleanType),
		"facet_day": parquet.Date(), "facet_size": parquet.Int(32), "facet_number": parquet.Uint(32), "facet_width": parquet.Decimal(2, 9, parquet.Int32Type),
		"facet_cut": parquet.Leaf(parquet.ByteArrayType),
	}, map[string]any{
		"photo": "b.jpg", "product_id": [16]byte{0x12, 15: 0xff}, "fold": []byte{3}, "x_min": int32(15), "y_min": uint32(200), "x_max": int64(30), "y_max": 300.0, "is_dress": true,
		"facet_day": int32(20787), "facet_size": int32(-38), "facet_number": ^uint32(0), "facet_width": int32(9250), "facet_cut": []byte("a"),
	})
	require.NoError(t, err)
	require.Empty(t, d.Bad)
	e := d.Examples[0]
	require.Equal(t, "12000000-0000-0000-0000-0000000000ff", e.Product)
	require.Equal(t, 3, e.Fold)
	require.Equal(t, [4]int{2, 200, 30, 300}, [4]int{e.Box.XMin, e.Box.YMin, e.Box.XMax, e.Box.YMax})
	require.Equal(t, map[string]string{"day": "2026-11-30", "size": "-38", "number": "4294967295", "width": "92.50", "cut": "a"}, e.Labels)
}

// TestParquetManifestWithoutText: a column without a text is refused where it would be read, and costs nothing where it would
// not, or where another one says the same.
func TestParquetManifestWithoutText(t *testing.T) {
	nested := parquet.Group{"bytes": parquet.Leaf(parquet.ByteArrayType)}
	list := parquet.List(parquet.String())
	const text, lists = ", of type BSON, have no text: write it as strings or numbers", " has lists or structures, and one value a row is read: write it as strings"
	for name, test := range map[string]struct {
		options OpenOptions
		columns parquet.Group // empty, beside image and facet_cut
		err     string
		labels  map[string]string
	}{
		"nobody's":                     {columns: parquet.Group{"shape": parquet.BSON(), "tags": list}},
		"photo beside the photo":       {columns: parquet.Group{"photo": nested}},
		"product":                      {columns: parquet.Group{"product_id": list}, err: "the column product_id" + lists},
		"product beside the product":   {columns: parquet.Group{"product_id": list, "product": parquet.String()}},
		"fold":                         {columns: parquet.Group{"Fold": parquet.BSON()}, err: "the values of the column Fold" + text},
		"side of a box":                {columns: parquet.Group{"box_x_min": parquet.BSON()}, err: "the values of the column box_x_min" + text},
		"side beside the side":         {columns: parquet.Group{"box_x_min": parquet.BSON(), "x_min": parquet.String()}},
		"facet":                        {columns: parquet.Group{"facet_sleeve": parquet.BSON()}, err: "the values of the column facet_sleeve" + text},
		"facet that is asked for":      {options: OpenOptions{Facets: []string{"sleeve"}}, columns: parquet.Group{"sleeve": list}, err: "the column sleeve" + lists},
		"facet that is not asked for":  {options: OpenOptions{Facets: []string{"cut"}}, columns: parquet.Group{"facet_sleeve": list}},
		"facet beside the facet":       {options: OpenOptions{Facets: []string{"cut"}}, columns: parquet.Group{"cut": list}},
		"facet where none is read":     {options: OpenOptions{NoLabels: true}, columns: parquet.Group{"facet_sleeve": list}, labels: map[string]string{}},
		"who said so":                  {columns: parquet.Group{"facet_cut_source": parquet.BSON()}, err: "the values of the column facet_cut_source" + text},
		"how sure of it":               {columns: parquet.Group{"facet_cut_probability": parquet.BSON()}},
		"who said so, of no one facet": {columns: parquet.Group{"cut_source": parquet.BSON()}},
	} {
		t.Run(name, func(t *testing.T) {
			columns, values := parquet.Group{"image": parquet.String(), "facet_cut": parquet.String()}, map[string]any{"image": "b.jpg", "facet_cut": "a"}
			for name, column := range test.columns {
				columns[name], values[name] = column, ""
			}
			d, err := parquetManifest(t, test.options, columns, values)
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				return
			}
			require.NoError(t, err)
			require.Empty(t, d.Bad)
			require.Len(t, d.Examples, 1)
			if test.labels == nil {
				test.labels = map[string]string{"cut": "a"}
			}
			require.Equal(t, test.labels, d.Examples[0].Labels)
		})
	}
	_, err := parquetManifest(t, OpenOptions{}, parquet.Group{"photo": nested, "facet_cut": parquet.String()}, map[string]any{"photo": "b.jpg", "facet_cut": "a"})
	require.ErrorContains(t, err, "the column photo"+lists)
	_, err = parquetManifest(t, OpenOptions{}, parquet.Group{"photo": nested}, map[string]any{"photo": "b.jpg"})
	require.ErrorContains(t, err, "the Parquet file has no columns with one value a row")
}
