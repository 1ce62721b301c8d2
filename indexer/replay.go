package indexer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/kleid-search/kleid/vectors"
)

// Replay is what recent searches answer in the new index beside the one before it.
type Replay struct {
	// Queries is how many were read, Compared how many both indexes could answer.
	Queries  int `json:"queries"`
	Compared int `json:"compared"`
	// Overlap is the mean share of the products that both answers have.
	Overlap float64 `json:"overlap"`
	// Least are the queries whose answers have least in common.
	Least []ReplayedQuery `json:"least"`
}

// ReplayedQuery is a line of the file of queries.
type ReplayedQuery struct {
	// ProductID or Vector is what is searched with: a product by its first photo's vector in each index.
	ProductID string              `json:"product_id,omitempty"`
	Vector    []float32           `json:"vector,omitempty"`
	Embedding vectors.Embedding   `json:"embedding,omitempty"` // deeprank, if none is said
	Where     map[string][]string `json:"where,omitempty"`
	// PriceMin, PriceMax and PriceCurrency are those of a vectors.PriceRange.
	PriceMin      *float64 `json:"price_min,omitempty"`
	PriceMax      *float64 `json:"price_max,omitempty"`
	PriceCurrency string   `json:"price_currency,omitempty"`
	K             int      `json:"k,omitempty"` // 10, if none is said
	Overlap       float64  `json:"overlap"`
}

// maxReplayed is how many queries are replayed, maxLeast how many are listed.
const maxReplayed, maxLeast = 1000, 10

// readQueries reads the JSON lines of recent queries.
func readQueries(path string) ([]ReplayedQuery, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the queries to replay: %w", err)
	}
	var queries []ReplayedQuery
	for decoder := json.NewDecoder(bytes.NewReader(data)); len(queries) < maxReplayed; {
		var q ReplayedQuery
		err := decoder.Decode(&q)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && (q.ProductID == "") == (len(q.Vector) == 0) {
			err = errors.New("it needs either product_id or vector")
		}
		if err != nil {
			return nil, fmt.Errorf("the queries to replay, %s: query %d: %w", path, len(queries)+1, err)
		}
		if q.Embedding == "" {
			q.Embedding = vectors.DeepRank
		}
		if q.K <= 0 {
			q.K = 10
		}
		queries = append(queries, q)
	}
	return queries, nil
}

// replay asks both indexes and compares their answers.
func replay(ctx context.Context, queries []ReplayedQuery, old, now vectors.Index) (*Replay, error) {
	r := &Replay{Queries: len(queries), Least: []ReplayedQuery{}}
	for _, q := range queries {
		before, ok, err := q.answer(ctx, old)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		after, ok, err := q.answer(ctx, now)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		common := 0
		for product := range after {
			if before[product] {
				common++
			}
		}
		q.Overlap = 1
		if n := max(len(before), len(after)); n > 0 {
			q.Overlap = float64(common) / float64(n)
		}
		r.Compared++
		r.Overlap += q.Overlap
		q.Vector = nil // which nobody reads
		r.Least = append(r.Least, q)
	}
	r.Overlap /= float64(max(r.Compared, 1))
	slices.SortStableFunc(r.Least, func(a, b ReplayedQuery) int {
		switch {
		case a.Overlap < b.Overlap:
			return -1
		case a.Overlap > b.Overlap:
			return 1
		}
		return 0
	})
	r.Least = r.Least[:min(len(r.Least), maxLeast)]
	return r, nil
}

// answer are the products that an index finds. It is false where the index cannot be asked: the product is not in it,
// the vector is of another model, a label is not among its own, or it does not know rows by their prices.
func (q *ReplayedQuery) answer(ctx context.Context, index vectors.Index) (map[string]bool, bool, error) {
	vector := q.Vector
	if q.ProductID != "" {
		rows, err := index.ByProduct(ctx, q.ProductID)
		if err != nil || len(rows) == 0 {
			return nil, false, err
		}
		vector = rows[0].EmbeddingDeepRank
		if q.Embedding == vectors.Unsupervised {
			vector = rows[0].EmbeddingUnsupervised
		}
	}
	query := vectors.Query{
		Vector: vector, Embedding: q.Embedding, Where: q.Where, Price: vectors.PriceRange{Min: q.PriceMin, Max: q.PriceMax, Currency: q.PriceCurrency},
		K: q.K, OnePerProduct: true, ExcludeProduct: q.ProductID,
	}
	if query.Check(index.Metadata()) != nil {
		return nil, false, nil
	}
	result, err := index.Search(ctx, query)
	if errors.Is(err, vectors.ErrNoPriceFilter) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	products := map[string]bool{}
	for _, m := range result.Matches {
		products[m.Row.ProductID] = true
	}
	return products, true, nil
}
