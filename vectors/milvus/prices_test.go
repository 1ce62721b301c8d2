package milvus

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/vectors"
	"github.com/kleid-search/kleid/vectors/milvus/milvustest"
)

func TestPriceExpression(t *testing.T) {
	for want, r := range map[string]vectors.PriceRange{
		"": {},
		"priced == true and price >= 5e+01 and price <= 1.505e+02": {Min: new(50.0), Max: new(150.5)},
		"priced == true and price <= -1.7976931348623157e+308":     {Max: new(-math.MaxFloat64)},
		`priced == true and currency in ["\"E\n"]`:                 {Currency: "\"E\n"},
	} {
		require.Equal(t, want, priceExpression(r))
	}
}

// A collection that was made before prices could be filtered by serves as before, and never answers a price wrongly.
func testCollectionWithoutPrices(t *testing.T, server *milvustest.Server) {
	ctx := t.Context()
	s := open(t, milvustest.URL(server.Address, "unpriced"))
	meta := testMetadata("r-1")
	collection := collectionOf(s.address.alias, meta.Run)
	description, err := json.Marshal(meta)
	require.NoError(t, err)
	newer := []string{fieldPriced, fieldPrice, fieldCurrency}
	schema := schemaOf(collection, string(description), meta)
	schema.Fields = slices.DeleteFunc(schema.Fields, func(f *entity.Field) bool { return slices.Contains(newer, f.Name) })
	require.NoError(t, s.client.CreateCollection(ctx, schema, 1, client.WithCollectionProperty(metadataProperty, string(description))))
	w := newWriter(s, collection, meta)
	w.batch, w.texts = testRows(4), make([]string, 4)
	for i, row := range w.batch {
		w.texts[i], err = rowText(row)
		require.NoError(t, err)
	}
	columns := slices.DeleteFunc(w.columns([]int{0, 1, 2, 3}), func(c entity.Column) bool { return slices.Contains(newer, c.Name()) })
	_, err = s.client.Insert(ctx, collection, "", columns...)
	require.NoError(t, err)
	require.NoError(t, flush(ctx, s.client, collection))
	for _, embedding := range []vectors.Embedding{vectors.Unsupervised, vectors.DeepRank} {
		flat, err := entity.NewIndexFlat(entity.COSINE)
		require.NoError(t, err)
		require.NoError(t, s.client.CreateIndex(ctx, collection, vectorField(embedding), flat, false))
	}
	require.NoError(t, s.Publish(ctx, meta.Run))

	index, err := s.Current(ctx)
	require.NoError(t, err)
	has, err := index.HasPrices(ctx)
	require.NoError(t, err)
	require.False(t, has)
	q := everything
	result, err := index.Search(ctx, q)
	require.NoError(t, err)
	require.Len(t, result.Matches, 4)
	q.Price.Max = new(10.0)
	_, err = index.Search(ctx, q)
	require.ErrorIs(t, err, vectors.ErrNoPriceFilter)
}
