package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/searcher"
	"github.com/kleid-search/kleid/vectors"
)

func search(t *testing.T, args ...string) searcher.Answer {
	t.Helper()
	r := kleid(t, append([]string{"search", "--json"}, args...)...)
	require.Equal(t, exit.Done, r.code, r.stderr)
	return decodeLine[searcher.Answer](t, r)
}

// TestSearchFindsItself searches with photos of the catalogue.
func TestSearchFindsItself(t *testing.T) {
	s := newShop(t)
	for _, path := range s.photos(t)[:4] {
		for _, embedding := range []vectors.Embedding{vectors.DeepRank, vectors.Unsupervised} {
			answer := search(t, path, "--index", s.index, "--embedding", string(embedding))
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, catalog.StatusOK, answer.Status)
			require.Equal(t, photo.ID(data), answer.Results[0].PhotoID)
			require.GreaterOrEqual(t, answer.Results[0].Similarity, float32(0.9999))
			require.True(t, answer.Exact)
			require.NotNil(t, answer.Box)
			require.NotEmpty(t, answer.Facets)
		}
	}
}

// productsByLabel returns the facet that tells the shop's dresses apart best, and the products by its label.
func productsByLabel(t *testing.T, s shop) (facet string, products map[string]map[string]bool) {
	t.Helper()
	for _, f := range datasets.Facets() {
		byLabel := make(map[string]map[string]bool)
		for _, row := range rows(t, s.index) {
			label := row.Facets[f.Name].Label
			if byLabel[label] == nil {
				byLabel[label] = make(map[string]bool)
			}
			byLabel[label][row.ProductID] = true
		}
		if len(byLabel) > len(products) {
			facet, products = f.Name, byLabel
		}
	}
	require.Greater(t, len(products), 2, "two labels that leave others out")
	return facet, products
}

// TestSearchKeepsToFilters searches with every label of a facet.
func TestSearchKeepsToFilters(t *testing.T) {
	s := newShop(t)
	path := s.photos(t)[0]
	facet, products := productsByLabel(t, s)
	for label, of := range products {
		answer := search(t, path, "--index", s.index, "--where", facet+"="+label)
		require.Equal(t, len(of), answer.TotalMatches)
		require.Len(t, answer.Results, len(of))
		for _, r := range answer.Results {
			require.Equal(t, label, r.Facets[facet].Label)
		}
	}
	labels := slices.Sorted(maps.Keys(products))[:2]
	both := search(t, path, "--index", s.index, "--every-photo", "--where", facet+"="+labels[0], "--where", facet+"="+labels[1])
	found := make(map[string]bool)
	for _, r := range both.Results {
		require.Contains(t, labels, r.Facets[facet].Label)
		found[r.Facets[facet].Label] = true
	}
	require.Len(t, found, 2)
}

// TestSearchByPrice asks for both limits, for one, which may be 0, and for a currency.
func TestSearchByPrice(t *testing.T) {
	s := newShop(t)
	path := s.photos(t)[0]
	all := search(t, path, "--index", s.index, "--k", "100").Results
	slices.SortFunc(all, func(a, b searcher.Result) int { return cmp.Compare(*a.Price, *b.Price) })
	low, high := *all[1].Price, *all[len(all)-2].Price
	count := func(min, max float64) (n int) {
		for _, r := range all {
			if *r.Price >= min && *r.Price <= max {
				n++
			}
		}
		return n
	}
	for _, test := range []struct {
		args []string
		want int
	}{
		{[]string{"--price-min", fmt.Sprint(low), "--price-max", fmt.Sprint(high)}, count(low, high)},
		{[]string{"--price-max", "0"}, 0},
		{[]string{"--price-min", fmt.Sprint(high), "--price-currency", all[0].Currency}, count(high, math.Inf(1))},
		{[]string{"--price-currency", "XTS"}, 0},
	} {
		require.Equal(t, test.want, search(t, append([]string{path, "--index", s.index}, test.args...)...).TotalMatches, test.args)
	}
}

func TestSearchForMoreThanThereIs(t *testing.T) {
	s := newShop(t)
	path := s.photos(t)[0]
	answer := search(t, path, "--index", s.index, "--k", "100")
	require.Len(t, answer.Results, shopProducts)
	require.Equal(t, shopProducts, answer.TotalMatches)
	require.True(t, answer.Complete)
	require.NotEmpty(t, answer.Note)
	require.Contains(t, kleid(t, "search", path, "--index", s.index, "--k", "100").stdout, answer.Note)

	some := search(t, path, "--index", s.index, "--k", "3")
	require.Len(t, some.Results, 3)
	require.False(t, some.Complete)
	require.Empty(t, some.Note)
	next := search(t, path, "--index", s.index, "--k", "3", "--offset", "3")
	require.Equal(t, answer.Results[3:6], next.Results)
}

func TestSearchWithoutADress(t *testing.T) {
	s := newShop(t)
	path := write(t, filepath.Join(t.TempDir(), "wall.jpg"), greyPhoto(t))
	r := kleid(t, "search", path, "--index", s.index, "--json")
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Contains(t, r.stdout, `"status":"no_dress"`)
	require.Contains(t, r.stdout, `"results":[]`)
	r = kleid(t, "search", path, "--index", s.index)
	require.Equal(t, exit.Done, r.code)
	require.Equal(t, "There is no dress in the photo.\n", r.stdout)
}

// TestSearchWhereAPersonSaysSo gives the box that the model would not find.
func TestSearchWhereAPersonSaysSo(t *testing.T) {
	s := newShop(t)
	path := write(t, filepath.Join(t.TempDir(), "wall.jpg"), greyPhoto(t))
	answer := search(t, path, "--index", s.index, "--box", "10,10,60,90")
	require.Equal(t, catalog.StatusOK, answer.Status)
	require.Equal(t, &catalog.Box{XMin: 10, YMin: 10, XMax: 60, YMax: 90}, answer.Box)
}

func TestSearchTable(t *testing.T) {
	s := newShop(t)
	path := s.photos(t)[0]
	r := kleid(t, "search", path, "--index", s.index, "--k", "2")
	require.Equal(t, exit.Done, r.code, r.stderr)
	product := strings.TrimSuffix(filepath.Base(path), "-1.jpg")
	for _, text := range []string{"A dress at x 0 to", "neckline", "similarity", "1.0000", product, "EUR", "9 match in all."} {
		require.Contains(t, r.stdout, text)
	}
	r = kleid(t, "search", path, "--index", s.index, "--ignore", "neckline")
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Contains(t, r.stdout, "Its own neckline counts all the same", "the model has learned no directions")
	r = kleid(t, "search", path, "--index", s.index, "--ignore", "neckline", "--ignore", "colour")
	require.Regexp(t, "Its own (neckline and colour|colour and neckline) count all the same", r.stdout)
}

func TestSearchReadsStandardInput(t *testing.T) {
	s := newShop(t)
	data, err := os.ReadFile(s.photos(t)[0])
	require.NoError(t, err)
	r := kleidReading(t, bytes.NewReader(data), "search", "-", "--index", s.index, "--json")
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Equal(t, photo.ID(data), decodeLine[searcher.Answer](t, r).Results[0].PhotoID)
}

// TestStoresAreURLs writes the same store in its two ways.
func TestStoresAreURLs(t *testing.T) {
	s := newShop(t)
	short := search(t, s.photos(t)[0], "--index", s.index)
	long := search(t, s.photos(t)[0], "--store", "embedded:"+s.index)
	require.Equal(t, short.Results, long.Results)
}

func TestSearchFails(t *testing.T) {
	s := newShop(t)
	good := s.photos(t)[0]
	text := write(t, filepath.Join(t.TempDir(), "text.jpg"), []byte("a text"))
	other := filepath.Join(t.TempDir(), "other.safetensors")
	require.NoError(t, writeTinyModel(other, 2))
	tests := []struct {
		name string
		args []string
		code int
		says string
	}{
		{"no such photo", []string{"nowhere.jpg", "--index", s.index}, exit.Failed, "nowhere.jpg: the file cannot be read"},
		{"a folder", []string{s.dir, "--index", s.index}, exit.Failed, "the file cannot be read: a folder, not a file\n"},
		{"unreadable photo", []string{text, "--index", s.index}, exit.Failed, "is no JPEG, PNG, WebP, GIF or BMP image"},
		{"no index", []string{good, "--index", t.TempDir()}, exit.Failed, "run `kleid index` first"},
		{"index of another model", []string{good, "--index", s.index, "--models", other}, exit.Failed, "model"},
		{"unknown facet", []string{good, "--index", s.index, "--where", "mood=sad"}, exit.Usage, "silhouette, neckline"},
		{"unknown label", []string{good, "--index", s.index, "--where", "neckline=plunging"}, exit.Usage, "v-neck"},
		{"unknown embedding", []string{good, "--index", s.index, "--embedding", "taste"}, exit.Usage, `"taste"`},
		{"no such price", []string{good, "--index", s.index, "--price-min", "150", "--price-max", "50"}, exit.Usage, "the lowest price, 150, is above the highest, 50"},
		{"too many results", []string{good, "--index", s.index, "--k", "100000"}, exit.Usage, "k is 100000"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := kleid(t, append([]string{"search", "--json"}, test.args...)...)
			require.Equal(t, test.code, r.code, r.stderr)
			require.Contains(t, r.stderr, test.says)
			require.Empty(t, r.stdout)
			if test.code == exit.Usage {
				requireUsageForm(t, r)
			}
		})
	}
}
