package training

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/compute"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/linear"
	"github.com/kleid-search/kleid/models/training/loop"
)

// rankPool has products of two crops each, the first of them painted, with vectors of size numbers: a product's own
// in the first half, and chance in the second.
func rankPool(painted, real, size int) (*Pool, rankSamples) {
	rng := rand.New(rand.NewPCG(1, 2))
	pool, samples := &Pool{}, rankSamples{vectors: linear.Matrix{Columns: size}}
	for product := range painted + real {
		own := make([]float32, size/2)
		for i := range own {
			own[i] = float32(rng.NormFloat64())
		}
		var crops []int
		for range 2 {
			crops = append(crops, len(pool.Crops))
			pool.Crops = append(pool.Crops, Crop{Product: product, Real: product >= painted})
			samples.vectors.Data = append(samples.vectors.Data, own...)
			for range size - len(own) {
				samples.vectors.Data = append(samples.vectors.Data, float32(rng.NormFloat64()))
			}
			samples.vectors.Rows++
			samples.crops = append(samples.crops, crops[len(crops)-1])
		}
		pool.Products, pool.Siblings = append(pool.Products, crops), append(pool.Siblings, -1)
		samples.products = append(samples.products, crops)
	}
	return pool, samples
}

// TestDrawRanks draws two looks of each product, half of them a shop's, as far as there are such.
func TestDrawRanks(t *testing.T) {
	pool, samples := rankPool(40, 10, 4)
	var painted, real []int
	for p := range 50 {
		if p < 40 {
			painted = append(painted, p)
		} else {
			real = append(real, p)
		}
	}
	for p := 0; p < 20; p += 2 { // half of the painted dresses have a sibling, which comes along
		pool.Siblings[p], pool.Siblings[p+1] = p+1, p
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		shops := 0
		x, products := drawRanks(rng, pool, samples, painted, real, 16)
		require.Len(t, x, 16*4)
		require.Len(t, products, 16)
		seen := map[int32]bool{}
		for i := 0; i < 16; i += 2 {
			require.Equal(t, products[i], products[i+1])
			require.False(t, seen[products[i]], "a product stands in a batch once")
			require.NotEqual(t, x[i*4:i*4+4], x[i*4+4:i*4+8], "two looks")
			seen[products[i]] = true
			if products[i] >= 40 {
				shops++
			}
		}
		require.Equal(t, 4, shops)
	}

	_, all := drawRanks(rng, pool, samples, painted, real, 100)
	require.Len(t, all, 100, "all products, when a batch has room for them")
	_, all = drawRanks(rng, pool, samples, painted, nil, 80)
	require.Len(t, all, 80)
	_, all = drawRanks(rng, pool, samples, nil, real, 20)
	require.Len(t, all, 20)
}

// TestDeepRankSteps are as many as a shop's products and people's triplets need, and without a shop what they were.
func TestDeepRankSteps(t *testing.T) {
	for _, test := range []struct{ triplets, shop, want int }{{0, 0, 300}, {4200, 0, 2100}, {0, 200, 300}, {0, 20000, 2500}, {6000, 20000, 3000}} {
		require.Equal(t, test.want, deepRankSteps(test.triplets, test.shop))
	}
}

// TestMining learns, either way, to look at what a product's photos have in common.
func TestMining(t *testing.T) {
	require.ErrorContains(t, Mining("hardest").Check(), "must be one of [batch-hard semi-hard]")
	backend, err := compute.New("")
	require.NoError(t, err)
	pool, samples := rankPool(20, 20, 32)
	shop := shopProducts{crops: pool.Crops, products: pool.Products}
	identity := models.NewTensor(32, 32)
	for i := range 32 {
		identity.Data[33*i] = 1
	}
	before, queries := shop.recall(ranked(samples.vectors, models.Weights{"deeprank.weight": identity}))
	require.Equal(t, 80, queries)
	require.Less(t, before.At1, 0.9)
	trained := map[Mining]models.Weights{}
	for _, mining := range Minings() {
		weights, err := trainDeepRank(context.Background(), backend, pool, samples, mining, headOptions{Seed: 1, Steps: 150, Batch: 40, LearningRate: 1e-2}, func(loop.Progress) {})
		require.NoError(t, err)
		after, _ := shop.recall(ranked(samples.vectors, weights))
		require.Greater(t, after.At1, 0.97, mining)
		trained[mining] = weights
	}
	require.NotEqual(t, trained[BatchHard], trained[SemiHard])
}

// TestShopRecall asks each photo whose product has another one, as far as there is something to compare with.
func TestShopRecall(t *testing.T) {
	// The first a is nearer to b than to the other a; both c are alike; b is asked by nobody.
	vectors := linear.Matrix{Rows: 5, Columns: 2, Data: []float32{1, 0, 0.6, 0.8, 0.8, 0.6, 0, -1, 0, -1}}
	far := linear.Matrix{Rows: 2, Columns: 2, Data: []float32{1, 0, -1, 0}}
	many := linear.Matrix{Rows: 7, Columns: 2, Data: []float32{1, 0, -1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1}}
	for name, test := range map[string]struct {
		products []string
		vectors  linear.Matrix
		queries  int
		want     *RecallPair
	}{
		"fewer than five others":               {[]string{"a", "a", "b", "c", "c"}, vectors, 4, &RecallPair{At1: 0.5}},
		"no other product":                     {[]string{"a", "a"}, far, 0, nil},
		"one photo each":                       {[]string{"a", "b"}, far, 0, nil},
		"five others, all nearer, is a figure": {[]string{"a", "a", "b", "c", "d", "e", "f"}, many, 2, &RecallPair{At5: new(0.0)}},
	} {
		var s shopProducts
		for _, product := range test.products {
			s.add(product, Crop{})
		}
		r, queries := s.recall(test.vectors)
		require.Equal(t, test.queries, queries, name)
		require.Equal(t, test.want, r, name)
	}
	figures, err := json.Marshal(ShopFigures{Queries: 2, Gallery: 6, Unsupervised: &RecallPair{At5: new(0.0)}})
	require.NoError(t, err)
	require.JSONEq(t, `{"queries": 2, "gallery": 6, "unsupervised": {"recall_at_1": 0, "recall_at_5": 0}}`, string(figures))
}

// shopPhoto is a grey photo of a product; photos of one shade are the same byte for byte.
func shopPhoto(t *testing.T, product, name string, shade uint8) ShopPhoto {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 90, 120))
	for i := range m.Pix {
		m.Pix[i] = shade
	}
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, m))
	return ShopPhoto{Product: product, Name: name, Read: func() ([]byte, error) { return b.Bytes(), nil }}
}

// readShop reads photos with the shipped model.
func readShop(t *testing.T, photos []ShopPhoto) (*Shop, Options) {
	t.Helper()
	backend, err := compute.New("")
	require.NoError(t, err)
	from, err := models.Default()
	require.NoError(t, err)
	options := Options{Backend: backend, From: from, Watch: func(string, loop.Progress) {}}
	s, err := ReadShop(t.Context(), options, photos)
	require.NoError(t, err)
	return s, options
}

// TestShop counts what cannot be read, and keeps products apart whole.
func TestShop(t *testing.T) {
	var photos []ShopPhoto
	for i := range 20 {
		product := strconv.Itoa(i / 2)
		photos = append(photos, shopPhoto(t, product, product+".jpg", uint8(100+i)))
	}
	photos[3].Read = func() ([]byte, error) { return nil, errors.New("it is torn") }
	photos[4].Read = func() ([]byte, error) { return []byte("no photo"), nil }
	s, options := readShop(t, photos)
	require.Equal(t, 20, s.Total)
	require.Len(t, s.Bad, 2)
	require.Equal(t, "1.jpg", s.Bad[0].Photo)
	require.Equal(t, "it is torn", s.Bad[0].Reason)
	require.Equal(t, "2.jpg", s.Bad[1].Photo)
	require.Equal(t, 10, s.Learned()+s.Apart())
	require.Positive(t, s.Apart())
	require.Equal(t, 18, s.Whole, "a grey wall is no dress")
	require.Len(t, s.learned.crops, 18-len(s.apart.crops))
	require.Zero(t, s.Repeated+s.Joined+s.Common)

	bare := &models.Model{Config: options.From.Config, Weights: options.From.Weights.Clone()}
	delete(bare.Weights, "unsupervised.weight")
	_, err := s.Measure(t.Context(), options, bare)
	require.ErrorContains(t, err, "without embeddings")

	pool := &Pool{Products: [][]int{{0}}, Siblings: []int{-1}, Crops: make([]Crop, 1)}
	pool.addShop(s)
	require.Len(t, pool.Products, 1+s.Learned())
	for i, crops := range pool.Products[1:] {
		for _, c := range crops {
			require.Equal(t, i+1, pool.Crops[c].Product)
			require.True(t, pool.Crops[c].Real)
			require.Nil(t, pool.Crops[c].Whole, "which no embedding reads")
		}
	}
}

// productOf names a product by its split, and by n.
func productOf(split datasets.Split, n int) string {
	for i := 0; ; i++ {
		id := fmt.Sprintf("%02d-%d", n, i)
		if datasets.SplitOf(id) == split {
			return id
		}
	}
}

// TestShopRepeats takes a photo once, however often a catalogue has it, and a dress with several ids for one.
func TestShopRepeats(t *testing.T) {
	learned, apart, other := productOf(datasets.Train, 0), productOf(datasets.Test, 1), productOf(datasets.Test, 2)
	photos := []ShopPhoto{
		shopPhoto(t, learned, "size-s.jpg", 1), shopPhoto(t, learned, "size-m.jpg", 1), // a row for each size
		shopPhoto(t, learned, "front.jpg", 2), shopPhoto(t, apart, "again.jpg", 2), shopPhoto(t, apart, "back.jpg", 3), // two ids
		shopPhoto(t, other, "other.jpg", 4),
	}
	s, _ := readShop(t, photos)
	require.Equal(t, []int{2, 1, 0}, []int{s.Repeated, s.Joined, s.Common})
	require.Equal(t, [][]int{{0, 1, 2}}, s.learned.products, "the split of a group is that of its first product")
	require.Equal(t, [][]int{{0}}, s.apart.products)
	require.Equal(t, []string{"size-s.jpg", "front.jpg", "back.jpg"}, []string{s.learned.crops[0].Name, s.learned.crops[1].Name, s.learned.crops[2].Name})
	require.Equal(t, 1, s.Pairs())

	triplet := func(query, near, far string) datasets.Triplet {
		return datasets.Triplet{Query: datasets.Example{Name: query}, Near: datasets.Example{Name: near}, Far: datasets.Example{Name: far}, Confidence: 1}
	}
	s.AddTriplets([]datasets.Triplet{
		triplet("size-m.jpg", "again.jpg", "back.jpg"), triplet("size-s.jpg", "size-m.jpg", "back.jpg"), triplet("back.jpg", "front.jpg", "other.jpg"),
	})
	require.Equal(t, []cropTriplet{{[3]int{0, 1, 2}, 1}}, s.triplets, "by any name of a photo")
	require.Equal(t, 1, s.Held())
	require.Equal(t, 1, s.Dropped, "a photo is like itself")
	clicks := filepath.Join(t.TempDir(), "clicks.csv")
	require.NoError(t, os.WriteFile(clicks, []byte("query,a,b,closer,confidence,fold\nfront.jpg,front.jpg,other.jpg,a,1,\nfront.jpg,other.jpg,other.jpg,b,1,\n"), 0o600))
	itself, err := datasets.ReadTriplets(clicks)
	require.NoError(t, err)
	s.AddTriplets(itself)
	require.Equal(t, 3, s.Dropped, "also under one name")
	typo := triplet("size-m.jpg", "typo.jpg", "back.jpg")
	typo.Source = "clicks.csv: line 9"
	s.AddTriplets([]datasets.Triplet{typo})
	require.Equal(t, []datasets.Bad{{Photo: "typo.jpg", Reason: "clicks.csv: line 9: the photo, or product, is not in the catalogue"}}, s.BadTriplets)
	require.Equal(t, 6, s.TotalTriplets)
	require.Equal(t, []int{1, 3}, []int{s.Triplets(), s.Dropped}, "and nothing else became of it")
}

// TestTripletsOfProducts are of their first photos, as the clicks of a shop's customers are known.
func TestTripletsOfProducts(t *testing.T) {
	a, b, c := productOf(datasets.Train, 0), productOf(datasets.Train, 1), productOf(datasets.Train, 2)
	broken := ShopPhoto{Product: "broken", Name: "broken.jpg", Read: func() ([]byte, error) { return []byte("no photo"), nil }}
	s, _ := readShop(t, []ShopPhoto{
		shopPhoto(t, a, "a.jpg", 1), shopPhoto(t, a, "a-back.jpg", 2), shopPhoto(t, b, "b.jpg", 3), shopPhoto(t, c, b, 4), broken,
	})
	triplet := func(query, near, far string) datasets.Triplet {
		return datasets.Triplet{Query: datasets.Example{Name: query}, Near: datasets.Example{Name: near}, Far: datasets.Example{Name: far}, Confidence: 1}
	}
	s.AddTriplets([]datasets.Triplet{triplet(a, c, "b.jpg"), triplet("a.jpg", b, "b.jpg"), triplet(a, "broken", c), triplet(a, "none", c)})
	require.Equal(t, []cropTriplet{{[3]int{0, 3, 2}, 1}, {[3]int{0, 3, 2}, 1}}, s.triplets, "a photo's own name comes first")
	require.Equal(t, 1, s.Dropped)
	require.Len(t, s.BadTriplets, 1)
	require.Equal(t, "none", s.BadTriplets[0].Photo)
}

// TestJoin groups the products of shops as they are; of each photo it says which products have it.
func TestJoin(t *testing.T) {
	for name, test := range map[string]struct {
		photos []string
		groups string // the products that are one
		common []string
	}{
		"a dress of one id":                       {[]string{"a", "a"}, "a", nil},
		"sizes":                                   {[]string{"abc", "abc"}, "abc", nil},
		"sizes with the first photo alone":        {[]string{"abc", "a", "a"}, "abc", nil},
		"sizes with several of the photos":        {[]string{"abc", "ab", "a"}, "abc", nil},
		"two ids, a photo in common":              {[]string{"ab", "a", "b"}, "ab", nil},
		"two ids, photos of their own":            {[]string{"ab", "ab", "a", "b"}, "ab", nil},
		"two ids, and sizes of the second":        {[]string{"ab", "ab", "a", "bc"}, "abc", nil},
		"two dresses on one photo":                {[]string{"ab", "a", "a", "b", "b"}, "a b", []string{"ab"}},
		"a photo of two dresses has an id":        {[]string{"abc", "a", "a", "b", "b"}, "ac b", []string{"abc"}},
		"three dresses in a row":                  {[]string{"a", "ab", "b", "bc", "c", "a", "c"}, "a b c", []string{"ab", "bc"}},
		"in a row without photos of their own":    {[]string{"ab", "bc", "cd", "de"}, "abc de", []string{"cd"}},
		"a size chart":                            {[]string{"abcde", "a", "b", "c", "d", "e"}, "a b c d e", []string{"abcde"}},
		"a size chart, three photos":              {[]string{"abc", "a", "a", "a", "b", "b", "b", "c", "c", "c"}, "a b c", []string{"abc"}},
		"a size chart, and sizes":                 {[]string{"abcdef", "ab", "cd", "ef"}, "ab cd ef", []string{"abcdef"}},
		"a size chart, and an id of nothing else": {[]string{"abcd", "a", "b", "c"}, "a b c d", []string{"abcd"}},
		"charts, banners and one photo":           {[]string{"abc", "abc", "abc", "abc", "a", "b", "c"}, "a b c", []string{"abc", "abc", "abc", "abc"}},
		"charts, and a dress whose ids have one":  {[]string{"abcd", "abcd", "ab", "a", "c", "d"}, "ab c d", []string{"abcd", "abcd"}},
		"no photo yet":                            {[]string{"abcd", "a", "b", "c", "e"}, "a b c d e", []string{"abcd"}},
	} {
		var files []*shopFile
		products := map[string]bool{}
		for i, of := range test.photos {
			f := &shopFile{id: fmt.Sprint(i), products: strings.Split(of, "")}
			files = append(files, f)
			for _, product := range f.products {
				products[product] = true
			}
		}
		groups, common := join(files)
		members := map[string]string{}
		for _, product := range slices.Sorted(maps.Keys(products)) {
			members[groups.First(product)] += product
		}
		require.Equal(t, test.groups, strings.Join(slices.Sorted(maps.Values(members)), " "), name)
		var left []string
		for i, f := range files {
			if common[f] {
				left = append(left, test.photos[i])
			}
		}
		require.Equal(t, test.common, left, name)
		require.Len(t, common, len(left), name)
	}
}

// TestJoinLongRows: however many products have a photo with the next one on it, too, they stay what they are.
func TestJoinLongRows(t *testing.T) {
	const n = 500
	var files []*shopFile
	product := func(i int) string { return fmt.Sprintf("%03d", i) }
	for i := range n {
		for range 2 {
			files = append(files, &shopFile{products: []string{product(i)}})
		}
		if i > 0 {
			files = append(files, &shopFile{products: []string{product(i - 1), product(i)}})
		}
	}
	groups, common := join(files)
	for i := range n {
		require.Equal(t, product(i), groups.First(product(i)))
	}
	require.Len(t, common, n-1)
}

// TestShopCommon leaves out a size chart, which would make one product of all, and keeps a dress whose sizes have ids.
func TestShopCommon(t *testing.T) {
	var photos []ShopPhoto
	for i := range mostDresses + 1 {
		product := productOf(datasets.Train, i)
		photos = append(photos, shopPhoto(t, product, "dress.jpg", uint8(i)), shopPhoto(t, product, "chart.jpg", 200))
	}
	for i := range 2 * mostDresses { // sizes
		photos = append(photos, shopPhoto(t, productOf(datasets.Train, 50+i), "sizes.jpg", 100))
	}
	s, _ := readShop(t, photos)
	require.Equal(t, 1, s.Common)
	require.Equal(t, mostDresses+2, s.Learned())
	require.Equal(t, 2*mostDresses-1, s.Joined)
	chart := datasets.Example{Name: "chart.jpg"}
	s.AddTriplets([]datasets.Triplet{{Query: chart, Near: datasets.Example{Name: "dress.jpg"}, Far: chart}})
	require.Equal(t, 1, s.Dropped)
}

// TestShopNeedsLocation says what to do about a trunk alone.
func TestShopNeedsLocation(t *testing.T) {
	_, err := ReadShop(t.Context(), Options{From: &models.Model{Config: models.DefaultConfig(), Weights: models.Weights{}}}, nil)
	require.ErrorContains(t, err, "kleid train heads")
}
