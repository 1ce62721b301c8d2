package embedded_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
	"github.com/kleid-search/kleid/vectors/embedded"
)

// An index of three rows is written, published and searched, with and without a filter. Vectors here have two numbers.
func Example() {
	if err := writeAndSearch(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// night-1
	// red: 1.0
	// rust: 0.8
	// of those with long sleeves
	// rust: 0.8
	// blue: 0.0
}

func writeAndSearch(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "kleid-example-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	store, err := embedded.Open(dir)
	if err != nil {
		return err
	}
	defer store.Close()

	writer, err := store.Create(ctx, catalog.Metadata{
		Run: "night-1", EmbeddingModel: "example", FacetModel: "example", CreatedAt: time.Now(),
		Facets:           []catalog.Facet{{Name: "sleeve", Labels: []string{"short", "long"}}},
		UnsupervisedSize: 2, DeepRankSize: 2,
	})
	if err != nil {
		return err
	}
	var rows []catalog.Row
	for _, dress := range []struct {
		product, sleeve string
		vector          []float32 // of unit length
	}{{"red", "short", []float32{1, 0}}, {"rust", "long", []float32{0.8, 0.6}}, {"blue", "long", []float32{0, 1}}} {
		source := dress.product + ".jpg"
		rows = append(rows, catalog.Row{
			RowID: catalog.NewRowID(dress.product, source), ProductID: dress.product, Source: source, Status: catalog.StatusOK,
			Facets:                map[string]catalog.FacetValue{"sleeve": {Label: dress.sleeve, Probability: 0.9, Source: catalog.Predicted}},
			EmbeddingUnsupervised: dress.vector, EmbeddingDeepRank: dress.vector,
			EmbeddingModel: "example", FacetModel: "example",
		})
	}
	if err := writer.Add(ctx, rows); err != nil {
		return err
	}
	if err := writer.Finish(ctx); err != nil {
		return err
	}
	if err := store.Publish(ctx, "night-1"); err != nil {
		return err
	}

	index, err := store.Current(ctx)
	if err != nil {
		return err
	}
	defer index.Close()
	fmt.Println(index.Metadata().Run)
	for _, where := range []vectors.Filter{nil, {"sleeve": {"long"}}} {
		if where != nil {
			fmt.Println("of those with long sleeves")
		}
		result, err := index.Search(ctx, vectors.Query{Vector: []float32{1, 0}, Embedding: vectors.DeepRank, Where: where, K: 2})
		if err != nil {
			return err
		}
		for _, match := range result.Matches {
			fmt.Printf("%s: %.1f\n", match.Row.ProductID, match.Similarity)
		}
	}
	return nil
}
