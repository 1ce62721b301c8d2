package milvus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

const (
	// batchBytes keeps a request below what a server takes at once (64 MiB) and the memory small.
	batchBytes = 8 << 20
	batchRows  = 4096
	// flatRows is up to how many rows every search looks at all of them: exact, and fast enough.
	flatRows = 100_000
	// The graph of HNSW (Malkov and Yashunin, https://arxiv.org/abs/1603.09320).
	hnswNeighbours = 32
	hnswBuildWidth = 256
)

var errDone = errors.New("the index has been finished or aborted: nothing can be added")

// writer sends rows in batches.
type writer struct {
	store      *store
	collection string
	meta       catalog.Metadata
	batch      []catalog.Row
	texts      []string       // JSON of the rows in the batch
	places     map[string]int // row id to its place in the batch
	bytes      int
	sent       map[string]string // row id to product id
	err        error             // the first failure, or errDone
	over       bool              // nothing is left for Abort to do
}

func newWriter(s *store, collection string, meta catalog.Metadata) *writer {
	return &writer{store: s, collection: collection, meta: meta, places: make(map[string]int), sent: make(map[string]string)}
}

func (w *writer) Add(ctx context.Context, rows []catalog.Row) error {
	if w.err != nil {
		return w.err
	}
	clean := make([]catalog.Row, len(rows))
	texts := make([]string, len(rows))
	for i := range rows {
		if err := vectors.CheckRow(w.meta, &rows[i]); err != nil {
			return err
		}
		clean[i] = vectors.CleanText(rows[i])
		text, err := rowText(clean[i])
		if err != nil {
			return fmt.Errorf("row %s (%s): %w", rows[i].RowID, rows[i].Source, err)
		}
		texts[i] = text
	}
	for i, row := range clean {
		// The caller may use its memory again before the batch is sent.
		row.EmbeddingUnsupervised = slices.Clone(vectors.Stored(row.EmbeddingUnsupervised))
		row.EmbeddingDeepRank = slices.Clone(vectors.Stored(row.EmbeddingDeepRank))
		row.Facets = maps.Clone(row.Facets)
		if row.Price != nil {
			row.Price = new(*row.Price)
		}
		if err := w.add(ctx, row, texts[i]); err != nil {
			w.err = fmt.Errorf("the collection %s: %w", w.collection, err)
			return w.err
		}
	}
	return nil
}

func (w *writer) add(ctx context.Context, row catalog.Row, text string) error {
	if at, ok := w.places[row.RowID]; ok {
		w.bytes += len(text) - len(w.texts[at])
		w.batch[at], w.texts[at] = row, text
		return nil
	}
	w.places[row.RowID] = len(w.batch)
	w.batch = append(w.batch, row)
	w.texts = append(w.texts, text)
	w.bytes += len(text) + 4*(w.meta.UnsupervisedSize+w.meta.DeepRankSize)
	if len(w.batch) >= batchRows || w.bytes >= batchBytes {
		return w.send(ctx)
	}
	return nil
}

// send writes the batch. Milvus does not look for a key when it inserts, so rows that were sent before
// are upserted, apart from those that were not.
func (w *writer) send(ctx context.Context) error {
	var fresh, again []int
	for i := range w.batch {
		if _, ok := w.sent[w.batch[i].RowID]; ok {
			again = append(again, i)
		} else {
			fresh = append(fresh, i)
		}
	}
	for _, part := range []struct {
		rows  []int
		write func(ctx context.Context, collection, partition string, columns ...entity.Column) (entity.Column, error)
	}{{fresh, w.store.client.Insert}, {again, w.store.client.Upsert}} {
		if len(part.rows) == 0 {
			continue
		}
		columns := w.columns(part.rows)
		ids, err := part.write(ctx, w.collection, "", columns...)
		if unanswered(err) { // the rows may be there, or some of them
			ids, err = w.store.client.Upsert(ctx, w.collection, "", columns...)
		}
		if err != nil {
			return fmt.Errorf("writing %d rows: %w", len(part.rows), err)
		}
		if ids.Len() != len(part.rows) {
			return fmt.Errorf("%d rows were sent, the server took %d", len(part.rows), ids.Len())
		}
	}
	for i := range w.batch {
		w.sent[w.batch[i].RowID] = w.batch[i].ProductID
	}
	clear(w.batch)
	clear(w.texts)
	clear(w.places)
	w.batch, w.texts, w.bytes = w.batch[:0], w.texts[:0], 0
	return nil
}

// columns lays out rows of the batch as Milvus takes them.
func (w *writer) columns(rows []int) []entity.Column {
	text := func(name string, of func(i int) string) entity.Column {
		values := make([]string, len(rows))
		for j, i := range rows {
			values[j] = of(i)
		}
		return entity.NewColumnVarChar(name, values)
	}
	vector := func(name string, size int, of func(row *catalog.Row) []float32) entity.Column {
		values := make([][]float32, len(rows))
		for j, i := range rows {
			values[j] = of(&w.batch[i])
		}
		return entity.NewColumnFloatVector(name, size, values)
	}
	priced, prices := make([]bool, len(rows)), make([]float64, len(rows))
	for j, i := range rows {
		if price := w.batch[i].Price; price != nil {
			priced[j], prices[j] = true, *price
		}
	}
	columns := []entity.Column{
		text(fieldRowID, func(i int) string { return w.batch[i].RowID }),
		text(fieldProductID, func(i int) string { return w.batch[i].ProductID }),
		text(fieldPhotoID, func(i int) string { return w.batch[i].PhotoID }),
		text(fieldRow, func(i int) string { return w.texts[i] }),
		entity.NewColumnBool(fieldPriced, priced),
		entity.NewColumnDouble(fieldPrice, prices),
		text(fieldCurrency, func(i int) string { return w.batch[i].Currency }),
		vector(fieldUnsupervised, w.meta.UnsupervisedSize, func(row *catalog.Row) []float32 { return row.EmbeddingUnsupervised }),
		vector(fieldDeepRank, w.meta.DeepRankSize, func(row *catalog.Row) []float32 { return row.EmbeddingDeepRank }),
	}
	for _, facet := range w.meta.Facets {
		columns = append(columns, text(facetField(facet.Name), func(i int) string { return w.batch[i].Facets[facet.Name].Label }))
	}
	return columns
}

func (w *writer) Finish(ctx context.Context) error {
	if w.err != nil {
		return w.err
	}
	if err := w.finish(ctx); err != nil {
		w.err = fmt.Errorf("finishing the collection %s: %w", w.collection, err)
		return w.err
	}
	w.err, w.over = errDone, true
	return nil
}

// finish makes the rows durable before the indexes, so that an index says that all rows are there.
func (w *writer) finish(ctx context.Context) error {
	if len(w.batch) > 0 {
		if err := w.send(ctx); err != nil {
			return err
		}
	}
	c := w.store.client
	if err := flush(ctx, c, w.collection); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	if err := w.noteProducts(ctx); err != nil {
		return err
	}
	filtered := []string{fieldProductID, fieldPhotoID, fieldPriced, fieldPrice, fieldCurrency}
	for _, facet := range w.meta.Facets {
		filtered = append(filtered, facetField(facet.Name))
	}
	for _, field := range filtered {
		if err := c.CreateIndex(ctx, w.collection, field, entity.NewScalarIndexWithType(entity.Inverted), false); err != nil {
			return fmt.Errorf("index of %s: %w", field, err)
		}
	}
	for _, embedding := range []vectors.Embedding{vectors.Unsupervised, vectors.DeepRank} {
		index, err := w.vectorIndex()
		if err != nil {
			return err
		}
		if err := c.CreateIndex(ctx, w.collection, vectorField(embedding), index, false); err != nil {
			return fmt.Errorf("index of %s: %w", vectorField(embedding), err)
		}
	}
	if err := c.LoadCollection(ctx, w.collection, false); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	n, err := countRows(ctx, c, w.collection, "", client.WithSearchQueryConsistencyLevel(entity.ClStrong))
	if err == nil && n != len(w.sent) {
		err = fmt.Errorf("%d rows were added, %d are there", len(w.sent), n)
	}
	return err
}

// noteProducts keeps how many products there are beside the rows. Readers count them where a server does not
// let properties be changed.
func (w *writer) noteProducts(ctx context.Context) error {
	products := make(map[string]struct{})
	for _, id := range w.sent {
		products[id] = struct{}{}
	}
	err := w.store.client.AlterCollection(ctx, w.collection, property{productsProperty, strconv.Itoa(len(products))})
	var refused *serverError
	if errors.As(err, &refused) || status.Code(err) == codes.Unimplemented {
		return nil
	}
	return err
}

func (w *writer) vectorIndex() (entity.Index, error) {
	kind := w.store.address.index
	if kind == "" && len(w.sent) > flatRows {
		kind = entity.HNSW
	}
	if kind == entity.HNSW {
		return entity.NewIndexHNSW(entity.COSINE, hnswNeighbours, hnswBuildWidth)
	}
	return entity.NewIndexFlat(entity.COSINE)
}

func (w *writer) Abort(ctx context.Context) error {
	if w.over {
		return nil
	}
	w.err = errDone
	err := w.store.dropCollection(ctx, w.collection)
	w.over = err == nil
	return err
}
