package catalog

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func testMetadata() Metadata {
	return Metadata{
		Run:            "20260102T030405Z",
		EmbeddingModel: "e0123456789abcdef",
		FacetModel:     "f0123456789abcdef",
		Facets: []Facet{
			{Name: "neckline", Labels: []string{"v-neck", "round", "boat"}},
			{Name: "sleeve", Labels: []string{"short", "long"}},
		},
		UnsupervisedSize: 5,
		DeepRankSize:     3,
		CreatedAt:        time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

// anyRow draws rows of all statuses, as far as Parquet can tell them apart: no empty map, no embedding
// without numbers.
func anyRow(meta Metadata) *rapid.Generator[Row] {
	return rapid.Custom(func(t *rapid.T) Row {
		text := rapid.String().Filter(utf8.ValidString)
		row := Row{
			ProductID: text.Draw(t, "product"),
			Source:    text.Draw(t, "source"),
			PhotoID:   text.Draw(t, "photo"),
			Title:     text.Draw(t, "title"),
			URL:       text.Draw(t, "url"),
			Currency:  rapid.SampledFrom([]string{"", "EUR", "USD"}).Draw(t, "currency"),
			Status:    rapid.SampledFrom([]Status{StatusOK, StatusNoDress, StatusUnreadable}).Draw(t, "status"),
			Error:     text.Draw(t, "error"),
			Width:     rapid.Int32().Draw(t, "width"),
			Height:    rapid.Int32().Draw(t, "height"),

			EmbeddingModel: meta.EmbeddingModel,
			FacetModel:     meta.FacetModel,
			IndexedAt:      time.UnixMilli(rapid.Int64Range(0, 1<<45).Draw(t, "at")).UTC(),
		}
		row.RowID = NewRowID(row.ProductID, row.Source)
		if rapid.Bool().Draw(t, "has price") {
			row.Price = new(rapid.Float64().Draw(t, "price"))
		}
		if rapid.Bool().Draw(t, "has box") {
			row.Box = &Box{rapid.Int32().Draw(t, "x"), rapid.Int32().Draw(t, "y"), rapid.Int32().Draw(t, "X"), rapid.Int32().Draw(t, "Y")}
			row.BoxConfidence = rapid.Float32().Draw(t, "confidence")
		}
		if m := rapid.MapOfN(text, text, 0, 4).Draw(t, "attributes"); len(m) > 0 {
			row.Attributes = m
		}
		for _, f := range meta.Facets {
			if rapid.Bool().Draw(t, "has "+f.Name) {
				if row.Facets == nil {
					row.Facets = make(map[string]FacetValue)
				}
				row.Facets[f.Name] = FacetValue{
					Label:       rapid.SampledFrom(f.Labels).Draw(t, "label"),
					Probability: rapid.Float32Range(0, 1).Draw(t, "probability"),
					Source:      rapid.SampledFrom([]FacetSource{Predicted, Human}).Draw(t, "by"),
				}
			}
		}
		for range rapid.IntRange(0, 5).Draw(t, "colours") {
			row.Colours = append(row.Colours, Colour{
				Name: text.Draw(t, "colour"), L: rapid.Float32().Draw(t, "L"), A: rapid.Float32().Draw(t, "a"),
				B: rapid.Float32().Draw(t, "b"), Share: rapid.Float32().Draw(t, "share"),
			})
		}
		embedding := func(n int) []float32 {
			if !rapid.Bool().Draw(t, "has embedding") {
				return nil
			}
			return rapid.SliceOfN(rapid.Float32(), n, n).Draw(t, "embedding")
		}
		row.EmbeddingUnsupervised = embedding(meta.UnsupervisedSize)
		row.EmbeddingDeepRank = embedding(meta.DeepRankSize)
		return row
	})
}

func write(t require.TestingT, meta Metadata, rows []Row) []byte {
	var b bytes.Buffer
	w, err := NewWriter(&b, meta)
	require.NoError(t, err)
	require.NoError(t, w.Write(rows))
	require.NoError(t, w.Close())
	return b.Bytes()
}

func read(t require.TestingT, file []byte, options ReadOptions) (Metadata, []Row) {
	r, err := Read(bytes.NewReader(file), int64(len(file)))
	require.NoError(t, err)
	rows, err := r.All(options)
	require.NoError(t, err)
	require.EqualValues(t, r.NumRows(), len(rows))
	return r.Metadata(), rows
}

func TestRowsComeBackAsTheyWere(t *testing.T) {
	meta := testMetadata()
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(anyRow(meta), 0, 40).Draw(t, "rows")
		gotMeta, got := read(t, write(t, meta, rows), ReadOptions{batchSize: rapid.IntRange(0, 7).Draw(t, "batch")})
		require.Equal(t, meta, gotMeta)
		require.Len(t, got, len(rows))
		for i := range rows {
			require.Equal(t, rows[i], got[i])
		}
	})
}

// manyRows is enough for several row groups and pages.
func manyRows(meta Metadata, n int) []Row {
	rows := make([]Row, n)
	for i := range rows {
		rows[i] = Row{
			ProductID: fmt.Sprintf("product-%d", i/3), Source: fmt.Sprintf("photos/%d.jpg", i), Status: StatusOK,
			PhotoID: NewRowID("", fmt.Sprint(i)), Width: 400, Height: 533,
			Box: &Box{1, 2, 300, int32(i)}, BoxConfidence: 0.5,
			Attributes: map[string]string{"shop": fmt.Sprint(i % 7), "stock": fmt.Sprint(i)},
			Facets: map[string]FacetValue{
				"neckline": {meta.Facets[0].Labels[i%3], 0.75, Predicted},
			},
			Colours:               []Colour{{"red", 40, 60, 30, 0.75}, {"white", 95, 0, float32(i), 0.25}}[:i%3],
			EmbeddingUnsupervised: make([]float32, meta.UnsupervisedSize),
			EmbeddingDeepRank:     make([]float32, meta.DeepRankSize),
			IndexedAt:             time.UnixMilli(int64(i)).UTC(),
		}
		for j := range rows[i].EmbeddingUnsupervised {
			rows[i].EmbeddingUnsupervised[j] = float32((i*31+j*17)%1009) / 1009
		}
		rows[i].EmbeddingDeepRank[0] = float32(i)
		rows[i].RowID = NewRowID(rows[i].ProductID, rows[i].Source)
		if i%5 == 0 {
			rows[i].Attributes = nil
		}
		if i%3 == 0 {
			rows[i].Colours = nil
		}
	}
	return rows
}

func TestManyRowGroupsAndPages(t *testing.T) {
	meta := testMetadata()
	meta.UnsupervisedSize = 2048
	rows := manyRows(meta, 9000)
	file := write(t, meta, rows)
	r, err := Read(bytes.NewReader(file), int64(len(file)))
	require.NoError(t, err)
	require.Greater(t, len(r.file.RowGroups()), 1)
	_, got := read(t, file, ReadOptions{})
	require.Equal(t, rows, got)

	_, got = read(t, file, ReadOptions{WithoutEmbeddings: true})
	for i := range got {
		require.Nil(t, got[i].EmbeddingUnsupervised)
		require.Nil(t, got[i].EmbeddingDeepRank)
		got[i].EmbeddingUnsupervised, got[i].EmbeddingDeepRank = rows[i].EmbeddingUnsupervised, rows[i].EmbeddingDeepRank
	}
	require.Equal(t, rows, got)

	_, got = read(t, file, ReadOptions{Columns: []string{"product_id", "price"}})
	for i := range got {
		require.Equal(t, Row{ProductID: rows[i].ProductID, Price: rows[i].Price}, got[i])
	}
}

// TestFilesWithoutColours reads a file from before there were colours.
func TestFilesWithoutColours(t *testing.T) {
	meta := testMetadata()
	rows := manyRows(meta, 5)
	var b bytes.Buffer
	w, err := newWriter(&b, meta, slices.DeleteFunc(columnsOf(meta.Facets), func(c column) bool { return c.name == columnColours }))
	require.NoError(t, err)
	require.NoError(t, w.Write(rows))
	require.NoError(t, w.Close())
	_, got := read(t, b.Bytes(), ReadOptions{})
	for i := range rows {
		rows[i].Colours = nil
	}
	require.Equal(t, rows, got)
}
