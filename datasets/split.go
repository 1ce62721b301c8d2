package datasets

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
)

// Split says what an example is for.
type Split string

// The splits. What is not learned from is for measuring.
const (
	Train Split = "train"
	Test  Split = "test"
)

// testShare: of so many products one is for measuring.
const testShare = 5

// SplitOf is the split of a product where nobody gave one: a function of its id alone, so that a photo never
// changes its split, whatever comes and goes beside it.
func SplitOf(product string) Split {
	sum := sha256.Sum256([]byte("split\x00" + product))
	if binary.BigEndian.Uint64(sum[:])%testShare == 0 {
		return Test
	}
	return Train
}

// parseSplit reads a split as people write it; "" is one that is not given. What others validate with is not
// learned from here either.
func parseSplit(text string) (Split, error) {
	switch strings.ToLower(text) {
	case "":
		return "", nil
	case "train", "training":
		return Train, nil
	case "test", "testing", "val", "valid", "validation":
		return Test, nil
	}
	return "", fmt.Errorf("the split is %q, but must be train or test", text)
}

// splitExamples gives a split to the examples that have none. Products that share a photo, byte for byte, are
// near-duplicates: they are split as one product, and a photo that is for measuring somewhere is never
// learned from.
func splitExamples(examples []Example) {
	groups := Groups{}
	owner := map[string]string{} // a product of each photo
	for _, e := range examples {
		groups.Join(e.Product, cmp.Or(owner[e.PhotoID], e.Product))
		owner[e.PhotoID] = e.Product
	}
	given := map[string]Split{}
	for _, e := range examples {
		if of := groups.First(e.Product); e.Split != "" && given[of] != Test {
			given[of] = e.Split
		}
	}
	measured := map[string]bool{} // photos
	for i := range examples {
		e := &examples[i]
		of := groups.First(e.Product)
		e.SplitGiven = given[of] != ""
		if e.Split == "" {
			e.Split = cmp.Or(given[of], SplitOf(of))
		}
		if e.Split == Test {
			measured[e.PhotoID] = true
		}
	}
	for i := range examples {
		if measured[examples[i].PhotoID] {
			examples[i].Split = Test
		}
	}
}
