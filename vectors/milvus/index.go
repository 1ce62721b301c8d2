package milvus

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

// index is a collection under its own name.
type index struct {
	client     client.Client
	lite       bool
	collection string
	metadata   catalog.Metadata
	kinds      map[vectors.Embedding]entity.IndexType

	priced       bool // whether there are fields of the price, which an older Kleid did not make
	products     int  // how many there are, or -1
	productsPage int  // rows
	fewRows      int
	mostRows     int
	counts       counts
	special      counts // of conditions on products and prices, of which there are so many that they would displace the others
}

func (x *index) Metadata() catalog.Metadata { return x.metadata }

// Close leaves the collection loaded: others may be reading it.
func (x *index) Close() error { return nil }

func (x *index) Count(ctx context.Context) (int, error) { return x.countRows(ctx, "") }

// HasPrices implements vectors.Index.
func (x *index) HasPrices(ctx context.Context) (bool, error) {
	if !x.priced {
		return false, nil
	}
	n, err := x.countRows(ctx, fieldPriced+" == true")
	return n > 0, err
}

// loaded runs a call, and once more after loading when the server has lost the collection from memory,
// as it does when it restarts.
func (x *index) loaded(ctx context.Context, call func() error) error {
	err := readable(call)
	if isNotLoaded(err) {
		if err = x.client.LoadCollection(ctx, x.collection, false); err == nil {
			err = readable(call)
		}
	}
	if isNotFound(err) {
		return fmt.Errorf("run %s has been dropped: open the current index", x.metadata.Run)
	}
	return err
}

// readable runs a call. The client library believes what a reply says of itself, and panics where it does not hold.
func readable(call func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("Milvus: the reply cannot be read (%v): is it Milvus 2.4 or later?", cause)
		}
	}()
	return call()
}

// expression is a condition as the server reads it.
func (x *index) expression(condition string) string {
	if x.lite {
		return condition
	}
	return escapeWide(condition)
}

// query returns the fields of the rows that meet a condition. options may limit them.
func (x *index) query(ctx context.Context, condition string, fields []string, options ...client.SearchQueryOptionFunc) (rows client.ResultSet, err error) {
	err = x.loaded(ctx, func() error {
		rows, err = x.client.Query(ctx, x.collection, nil, x.expression(condition), fields, options...)
		return err
	})
	return rows, err
}

// texts returns the values of a text field of a reply; an error when there are not n.
func texts(rows client.ResultSet, field string, n int) ([]string, error) {
	column, ok := rows.GetColumn(field).(*entity.ColumnVarChar)
	if !ok && n == 0 {
		return nil, nil
	}
	if !ok || len(column.Data()) != n {
		return nil, fmt.Errorf("Milvus: the reply does not have %d values of %s", n, field)
	}
	return column.Data(), nil
}

func floats(rows client.ResultSet, field string, size, n int) ([][]float32, error) {
	column, ok := rows.GetColumn(field).(*entity.ColumnFloatVector)
	if !ok && n == 0 {
		return nil, nil
	}
	if !ok || len(column.Data()) != n || column.Dim() != size {
		return nil, fmt.Errorf("Milvus: the reply does not have %d vectors %s of %d numbers", n, field, size)
	}
	return column.Data(), nil
}

var wholeRow = []string{fieldRow, fieldUnsupervised, fieldDeepRank}

// whole returns the rows that meet a condition, with embeddings, ordered by row id.
func (x *index) whole(ctx context.Context, condition string) ([]catalog.Row, error) {
	reply, err := x.query(ctx, condition, wholeRow)
	if err != nil {
		return nil, err
	}
	rows, err := parseRows(reply)
	if err != nil {
		return nil, err
	}
	unsupervised, err := floats(reply, fieldUnsupervised, x.metadata.UnsupervisedSize, len(rows))
	if err != nil {
		return nil, err
	}
	deepRank, err := floats(reply, fieldDeepRank, x.metadata.DeepRankSize, len(rows))
	if err != nil {
		return nil, err
	}
	for i := range rows {
		rows[i].EmbeddingUnsupervised, rows[i].EmbeddingDeepRank = unsupervised[i], deepRank[i]
	}
	slices.SortFunc(rows, func(a, b catalog.Row) int { return cmp.Compare(a.RowID, b.RowID) })
	return rows, nil
}

// parseRows returns the rows of a reply, without embeddings.
func parseRows(reply client.ResultSet) ([]catalog.Row, error) {
	column, ok := reply.GetColumn(fieldRow).(*entity.ColumnVarChar)
	if !ok {
		return nil, nil // a reply without rows has no columns either
	}
	rows := make([]catalog.Row, column.Len())
	for i, text := range column.Data() {
		if err := json.Unmarshal([]byte(text), &rows[i]); err != nil {
			return nil, fmt.Errorf("a row in Milvus was not written by Kleid: %w", err)
		}
	}
	return rows, nil
}

// idsPerQuery keeps conditions and replies at a size that servers take.
const idsPerQuery = 256

func (x *index) Get(ctx context.Context, rowIDs ...string) ([]catalog.Row, error) {
	return x.byID(rowIDs, func(some []string) ([]catalog.Row, error) { return x.whole(ctx, isIn(fieldRowID, some)) })
}

// withoutEmbeddings is Get for results.
func (x *index) withoutEmbeddings(ctx context.Context, rowIDs []string) ([]catalog.Row, error) {
	return x.byID(rowIDs, func(some []string) ([]catalog.Row, error) {
		reply, err := x.query(ctx, isIn(fieldRowID, some), []string{fieldRow})
		if err != nil {
			return nil, err
		}
		return parseRows(reply)
	})
}

// byID fetches rows in portions and puts them into the order of the ids.
func (x *index) byID(rowIDs []string, fetch func(some []string) ([]catalog.Row, error)) ([]catalog.Row, error) {
	found := make(map[string]catalog.Row, len(rowIDs))
	clean := make([]string, len(rowIDs))
	for i, id := range rowIDs {
		clean[i] = vectors.CleanID(id)
	}
	for some := range slices.Chunk(clean, idsPerQuery) {
		rows, err := fetch(some)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			found[row.RowID] = row
		}
	}
	rows := make([]catalog.Row, len(rowIDs))
	for i, id := range clean {
		row, ok := found[id]
		if !ok {
			return nil, fmt.Errorf("row %s: %w", rowIDs[i], vectors.ErrNotFound)
		}
		rows[i] = row
	}
	return rows, nil
}

func (x *index) ByPhoto(ctx context.Context, photoID string) ([]catalog.Row, error) {
	return x.byField(ctx, fieldPhotoID, photoID)
}

func (x *index) ByProduct(ctx context.Context, productID string) ([]catalog.Row, error) {
	return x.byField(ctx, fieldProductID, productID)
}

func (x *index) byField(ctx context.Context, field, value string) ([]catalog.Row, error) {
	if value == "" {
		return nil, nil
	}
	return x.whole(ctx, isIn(field, []string{vectors.CleanID(value)}))
}
