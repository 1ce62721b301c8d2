package datasets

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestSplitOf is fixed for good: another function would learn from what others measured with.
func TestSplitOf(t *testing.T) {
	var test []string
	for i := range 20 {
		if product := fmt.Sprintf("product-%d", i); SplitOf(product) == Test {
			test = append(test, product)
		}
	}
	require.Equal(t, []string{"product-1", "product-8", "product-10", "product-14", "product-18"}, test)
	n := 0
	for i := range 10000 {
		if SplitOf(fmt.Sprint(i)) == Test {
			n++
		}
	}
	require.InDelta(t, 2000, n, 150)
}

// TestSplitExamples holds, for any examples, what a split promises.
func TestSplitExamples(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 30).Draw(t, "n")
		examples := make([]Example, n)
		for i := range examples {
			examples[i] = Example{
				Product: rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g"}).Draw(t, "product"),
				PhotoID: rapid.SampledFrom([]string{"1", "2", "3", "4", "5", "6", "7", "8"}).Draw(t, "photo"),
				Split:   rapid.SampledFrom([]Split{"", "", "", Train, Test}).Draw(t, "split"),
			}
		}
		given := append([]Example(nil), examples...)
		splitExamples(examples)
		photos, products, anyGiven := map[string]Split{}, map[string]Split{}, false
		for i, e := range examples {
			require.Contains(t, []Split{Train, Test}, e.Split)
			if other, ok := photos[e.PhotoID]; ok {
				require.Equal(t, other, e.Split, "a photo is learned from or measured with, not both")
			}
			photos[e.PhotoID] = e.Split
			if given[i].Split == Test {
				require.Equal(t, Test, e.Split)
			}
			anyGiven = anyGiven || given[i].Split != ""
			require.True(t, e.SplitGiven || given[i].Split == "")
		}
		for _, e := range examples {
			require.True(t, anyGiven || !e.SplitGiven)
			if other, ok := products[e.Product]; ok && !anyGiven {
				require.Equal(t, other, e.Split)
			}
			products[e.Product] = e.Split
		}
	})
}

// TestSplitOfNearDuplicates: products that share a photo are split as the first of them by name, their other photos, too.
func TestSplitOfNearDuplicates(t *testing.T) {
	train, test := productOfSplit(Train), productOfSplit(Test)
	examples := []Example{{Product: train, PhotoID: "x"}, {Product: test, PhotoID: "y"}}
	splitExamples(examples)
	require.Equal(t, []Split{Train, Test}, []Split{examples[0].Split, examples[1].Split}, "they share none")
	for _, prefixes := range [][2]string{{"a", "b"}, {"b", "a"}} {
		learned, measured := productLike(prefixes[0], Train), productLike(prefixes[1], Test)
		for _, examples := range [][]Example{
			{{Product: learned, PhotoID: "x"}, {Product: measured, PhotoID: "x"}, {Product: measured, PhotoID: "y"}, {Product: learned, PhotoID: "z"}},
			{{Product: measured, PhotoID: "y"}, {Product: learned, PhotoID: "z"}, {Product: measured, PhotoID: "x"}, {Product: learned, PhotoID: "x"}},
			{ // by a third one
				{Product: learned, PhotoID: "x"}, {Product: "c", PhotoID: "x"}, {Product: "c", PhotoID: "v"}, {Product: measured, PhotoID: "v"},
				{Product: measured, PhotoID: "y"}, {Product: learned, PhotoID: "z"},
			},
		} {
			splitExamples(examples)
			for _, e := range examples {
				require.Equal(t, SplitOf(min(learned, measured)), e.Split, "photo %s of %s", e.PhotoID, e.Product)
			}
		}
	}
}

// TestGivenSplit is that of all photos of the product that have none; where people gave both, they are measured with.
func TestGivenSplit(t *testing.T) {
	train := productOfSplit(Train)
	for _, given := range [][]Split{{Test}, {Test, Train}, {Train, Test}, {Train, Test, Train}, {"", Test, Train}} {
		examples := []Example{{Product: train, PhotoID: "x"}}
		for i, split := range given {
			examples = append(examples, Example{Product: train, PhotoID: fmt.Sprint(i), Split: split})
		}
		splitExamples(examples)
		require.Equal(t, Test, examples[0].Split, "%v", given)
		for i, split := range given {
			if split != "" {
				require.Equal(t, split, examples[i+1].Split, "what was given stays")
			}
		}
	}
	examples := []Example{{Product: productOfSplit(Test), PhotoID: "x"}, {Product: productOfSplit(Test), PhotoID: "y", Split: Train}}
	splitExamples(examples)
	require.Equal(t, Train, examples[0].Split)
}

// productLike is a product with a prefix whose split is the given one.
func productLike(prefix string, split Split) string {
	for i := 0; ; i++ {
		if product := fmt.Sprint(prefix, i); SplitOf(product) == split {
			return product
		}
	}
}

func productOfSplit(split Split) string { return productLike("", split) }
