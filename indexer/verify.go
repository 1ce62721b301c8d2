package indexer

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

// contentError says that a new index does not hold what was put into it.
type contentError struct{ message string }

func (e *contentError) Error() string { return e.message }

func missing(format string, args ...any) error { return &contentError{fmt.Sprintf(format, args...)} }

// probes is how many rows a new index is asked for.
const probes = 16

// probeSimilarity is what a row's own vector must reach. Stores may round to less than float32.
const probeSimilarity = 0.999

func rowKey(rowID string) (key [32]byte) {
	_, _ = hex.Decode(key[:], []byte(rowID)) // cannot fail: NewRowID made it
	return key
}

// verify asks a finished index for what was put into it: the number of rows, and for some of them that
// their own vectors find them. What is missing is a contentError.
func verify(ctx context.Context, index vectors.Index, meta catalog.Metadata, rows int, sample []catalog.Row) error {
	if got := index.Metadata(); got.EmbeddingModel != meta.EmbeddingModel || got.FacetModel != meta.FacetModel {
		return missing("the new index says that it is of model %s with facets of %s, not of %s with %s", got.EmbeddingModel, got.FacetModel, meta.EmbeddingModel, meta.FacetModel)
	}
	n, err := index.Count(ctx)
	if err != nil {
		return fmt.Errorf("the new index cannot be counted: %w", err)
	}
	if n != rows {
		return missing("the new index has %d rows, but %d were written", n, rows)
	}
	for _, row := range sample {
		if err := probe(ctx, index, row); err != nil {
			return fmt.Errorf("the new index fails a probe: %w", err)
		}
	}
	return nil
}

// probe searches with a row's own vectors. The nearest row is that one, or one just as near: other rows
// may have the same photo.
func probe(ctx context.Context, index vectors.Index, row catalog.Row) error {
	if _, err := index.Get(ctx, row.RowID); errors.Is(err, vectors.ErrNotFound) {
		return missing("row %s: %v", row.RowID, err)
	} else if err != nil {
		return fmt.Errorf("row %s: %w", row.RowID, err)
	}
	for _, q := range []vectors.Query{
		{Embedding: vectors.Unsupervised, Vector: row.EmbeddingUnsupervised, K: 1},
		{Embedding: vectors.DeepRank, Vector: row.EmbeddingDeepRank, K: 1},
	} {
		result, err := index.Search(ctx, q)
		if err != nil {
			return err
		}
		if len(result.Matches) == 0 {
			return missing("row %s: its own %s vector finds nothing", row.RowID, q.Embedding)
		}
		if best := result.Matches[0]; best.Similarity < probeSimilarity {
			return missing("row %s: its own %s vector finds %s first, with a similarity of %.4f", row.RowID, q.Embedding, best.Row.RowID, best.Similarity)
		}
	}
	return nil
}

// verifyLabels counts the rows that a search finds with each label of a facet. Any row will do to search with.
func verifyLabels(ctx context.Context, index vectors.Index, sample []catalog.Row, facet FacetCounts) error {
	if len(sample) == 0 {
		return nil
	}
	for i, label := range facet.Labels {
		result, err := index.Search(ctx, vectors.Query{
			Embedding: vectors.DeepRank, Vector: sample[0].EmbeddingDeepRank, K: 1, Where: vectors.Filter{facet.Name: {label}},
		})
		if err != nil {
			return err
		}
		if want := facet.Counts[i]; result.TotalMatches != want {
			return missing("the index has %d rows with the %s %s, and should have %d", result.TotalMatches, facet.Name, label, want)
		}
	}
	return nil
}
