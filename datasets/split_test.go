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
		}
		for _, e := range examples {
			if other, ok := products[e.Product]; ok && !anyGiven {
				require.Equal(t, other, e.Split)
			}
			products[e.Product] = e.Split
		}
	})
}

func TestSplitOfNearDuplicates(t *testing.T) {
	train, test := productOfSplit(Train), productOfSplit(Test)
	examples := []Example{{Product: train, PhotoID: "x"}, {Product: test, PhotoID: "y"}}
	splitExamples(examples)
	require.Equal(t, []Split{Train, Test}, []Split{examples[0].Split, examples[1].Split})
	examples = []Example{{Product: train, PhotoID: "x"}, {Product: test, PhotoID: "x"}, {Product: test, PhotoID: "y"}}
	splitExamples(examples)
	require.Equal(t, examples[0].Split, examples[1].Split)
	require.Equal(t, examples[0].Split, examples[2].Split)
	examples = []Example{{Product: train, PhotoID: "x"}, {Product: train, PhotoID: "y", Split: Test}}
	splitExamples(examples)
	require.Equal(t, Test, examples[0].Split, "another photo of a product that is for measuring")
}

func productOfSplit(split Split) string {
	for i := 0; ; i++ {
		if product := fmt.Sprint(i); SplitOf(product) == split {
			return product
		}
	}
}
