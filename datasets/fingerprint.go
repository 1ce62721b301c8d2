package datasets

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
)

// PhotosFingerprint tells apart the photos that figures are measured on: a few hexadecimal digits that follow from lines,
// in any order, each of which names a photo and what is known of it. It is empty without lines.
func PhotosFingerprint(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	h := sha256.New()
	for _, line := range slices.Sorted(slices.Values(lines)) {
		fmt.Fprintf(h, "%q\n", line)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// Identity names a photo by its bytes, or, where those are not known, as the dataset calls it.
func (e *Example) Identity() string {
	if e.PhotoID != "" {
		return e.PhotoID
	}
	return e.Name
}
