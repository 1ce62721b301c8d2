package searcher_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kleid-search/kleid/compute"
	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/searcher"
	"github.com/kleid-search/kleid/vectors"
	"github.com/kleid-search/kleid/vectors/embedded"
)

// A night and a search in one program: painted dresses are indexed, and a customer's photo of the third is searched for.
func ExampleEngine() {
	if err := indexAndSearch(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// dresses in the index: 6
	// the nearest is the same dress: true
	// with another neckline: true
	// with another neckline: true
}

func indexAndSearch(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "kleid-example-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	dresses := studio.Products("demo", 1, 6)
	if err := studio.WriteCatalogue(ctx, dir, dresses, 1, nil); err != nil {
		return err
	}

	model, err := models.Default()
	if err != nil {
		return err
	}
	backend, err := compute.New("")
	if err != nil {
		return err
	}
	defer backend.Finalize()
	embedder, err := embedding.New(backend, model)
	if err != nil {
		return err
	}
	out := filepath.Join(dir, "index")
	store, err := embedded.Open(out)
	if err != nil {
		return err
	}
	defer store.Close()

	report, err := indexer.Run(ctx, indexer.Options{Catalogue: filepath.Join(dir, "catalogue.csv"), Out: out, Store: store, Embedder: embedder})
	if err != nil {
		return err
	}
	fmt.Println("dresses in the index:", report.OK)

	engine, err := searcher.NewEngine(ctx, searcher.Options{Store: store, Embedder: embedder})
	if err != nil {
		return err
	}
	defer engine.Close()
	customers, err := dresses[2].Paint(studio.Shot{Query: true}).JPEG()
	if err != nil {
		return err
	}
	answer, err := engine.SearchPhoto(ctx, customers, searcher.Request{K: 3})
	if err != nil {
		return err
	}
	fmt.Println("the nearest is the same dress:", answer.Results[0].ProductID == dresses[2].ID)

	neckline := answer.Results[1].Facets["neckline"].Label
	answer, err = engine.SearchPhoto(ctx, customers, searcher.Request{K: 3, Where: vectors.Filter{"neckline": {neckline}}, Ignore: []string{"neckline"}})
	if err != nil {
		return err
	}
	for _, r := range answer.Results {
		fmt.Println("with another neckline:", r.Facets["neckline"].Label == neckline)
	}
	return nil
}
