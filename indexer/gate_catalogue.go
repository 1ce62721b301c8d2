package indexer

import (
	"fmt"

	"github.com/kleid-search/kleid/catalog"
)

// descriptions are the columns of a catalogue that the gate knows, as Report.Described counts them. A column that the shop
// calls otherwise from one night on is an attribute from then on, and no price, link or name is left.
var descriptions = []struct {
	name string
	of   func(*catalog.Row) bool
}{
	{"title", func(row *catalog.Row) bool { return row.Title != "" }},
	{"url", func(row *catalog.Row) bool { return row.URL != "" }},
	{"price", func(row *catalog.Row) bool { return row.Price != nil }},
	{"currency", func(row *catalog.Row) bool { return row.Currency != "" }},
}

// compareCatalogues judges what the catalogue says by what it said in the run before: the columns that it fills, and which
// products it has. What has become less with the number of rows or products is another check.
func (v *Verdict) compareCatalogues(gate Gate, yesterday, today *Report) {
	for _, d := range descriptions {
		before, now := yesterday.Described[d.name], today.Described[d.name]
		if yesterday.OK == 0 || today.OK == 0 || before < fewPhotos {
			continue
		}
		was, is := float64(before)/float64(yesterday.OK), float64(now)/float64(today.OK)
		if is < gate.MinKept*was {
			v.refuse(CheckCatalogue, "%.0f%% of the dresses have a %s, and %.0f%% had: is the catalogue's column called otherwise?", 100*is, d.name, 100*was)
		}
	}
	if could := min(v.ProductsBefore, today.Products); could >= fewPhotos && float64(v.ProductsKept) < gate.MinKept*float64(could) {
		v.refuse(CheckCatalogue, "%d of %d products are those of the run before, which had %d: does the catalogue call its product_id, or its products, otherwise?",
			v.ProductsKept, today.Products, v.ProductsBefore)
	}
}

// countProducts counts the products of a run's Parquet file, and those of them that there are today.
func countProducts(parquet string, today map[string]bool) (before, kept int, err error) {
	f, reader, err := openParquet(parquet)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	seen := make(map[string]bool)
	for batch, err := range reader.Batches(catalog.ReadOptions{Columns: []string{"product_id"}}) {
		if err != nil {
			return 0, 0, fmt.Errorf("the products of the run before: %w", err)
		}
		for _, row := range batch {
			if seen[row.ProductID] {
				continue
			}
			seen[row.ProductID] = true
			if today[row.ProductID] {
				kept++
			}
		}
	}
	return len(seen), kept, nil
}
