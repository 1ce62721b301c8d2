package indexer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// manifestOf writes a manifest beside the photos, whose first line is head: photo, product, title, url, price and currency.
func (b *bench) manifestOf(t *testing.T, head string, products int) string {
	lines := []string{head}
	for i := range products {
		lines = append(lines, fmt.Sprintf("%s,p%d,Dress,https://shop.example/%d,%d.95,EUR", pictureName(i), i/2, i, 40+i))
	}
	path := filepath.Join(b.photos, "catalogue.csv")
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644))
	return path
}

// A catalogue that calls its columns otherwise from one night on has all its rows, and none of the shop's products, links
// or prices.
func TestGateSeesRenamedColumns(t *testing.T) {
	b := newBench(t, pictures(0, 24))
	options := b.options()
	night := func(head string, products int) Report {
		options.Catalogue = b.manifestOf(t, head, products)
		report, err := Run(t.Context(), options)
		require.NoError(t, err)
		return report
	}
	first := night("photo,product_id,title,url,price,currency", 24)
	require.Equal(t, map[string]int{"title": 24, "url": 24, "price": 24, "currency": 24}, first.Described)
	for head, reasons := range map[string][]string{
		"photo,productId,title,url,price,currency":  {"0 of 24 products are those of the run before, which had 12"},
		"photo,product_id,title,url,preis,currency": {"0% of the dresses have a price, and 100% had"},
		"photo,product_id,name,link,price,curr":     {"have a title", "have a url", "have a currency"},
	} {
		refused := night(head, 24)
		require.False(t, refused.Published)
		require.Len(t, refused.Gate.Reasons, len(reasons), "%s: %v", head, refused.Gate.Reasons)
		for i, reason := range reasons {
			require.Equal(t, CheckCatalogue, refused.Gate.Reasons[i].Check)
			require.Contains(t, refused.Gate.Reasons[i].Detail, reason)
		}
	}

	grown := night("photo,product_id,title,url,price,currency", 20)
	require.True(t, grown.Published, "%v", grown.Gate.Reasons)
	require.Equal(t, []int{12, 10}, []int{grown.Gate.ProductsBefore, grown.Gate.ProductsKept})
	require.Equal(t, "Products of before that are still there", grown.checks(&first, options.Gate)[4].Name)
}

// The report of a run of an older version says nothing of titles and prices.
func TestGateOfARunWithoutDescriptions(t *testing.T) {
	b := newBench(t, pictures(0, 10))
	options := b.options()
	options.Catalogue = b.manifestOf(t, "photo,product_id,title,url,price,currency", 10)
	first, err := Run(t.Context(), options)
	require.NoError(t, err)
	first.Described = nil
	require.NoError(t, first.writeJSON(layout{b.out}.report(first.Run)))
	options.Catalogue = b.manifestOf(t, "photo,product_id,name,link,preis,waehrung", 10)
	next, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.True(t, next.Published, "%v", next.Gate.Reasons)
}
