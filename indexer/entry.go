package indexer

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/kleid-search/kleid/storage"
)

// Entry is one photo of the catalogue: it becomes exactly one row, whatever its file holds.
type Entry struct {
	ProductID string
	Named     bool   // the catalogue gives ProductID; otherwise it is the name of the file
	Source    string // as the catalogue gave it; for a folder the path inside it, with slashes
	IsLine    bool   // Source is that of a line of the catalogue that names no photo
	Location  string // where its bytes are: a file's path, or a URL
	// Info is what a listing said of them; the zero Info where the catalogue is none.
	Info storage.Info

	Title, URL, Currency string
	Price                *float64
	Attributes           map[string]string

	Err string // why there is nothing to read, if it is known already
}

// Skipped is something of the catalogue that is no photo and yet worth telling an operator.
type Skipped struct {
	Source string `json:"source"`
	Reason string `json:"reason"`
}

// Listing is what a catalogue holds.
type Listing struct {
	Entries []Entry // in the catalogue's order; those of a folder are sorted by source
	Skipped []Skipped
	Others  int // files of a folder that are no photos by name nor by their first bytes
	// Filtered is how many entries a Filter left out.
	Filtered int
}

// productOf is the product's id where the catalogue gives none: the name of the file, whose path has
// slashes, without extension.
func productOf(file string) string {
	name := path.Base(file)
	if stem := strings.TrimSuffix(name, path.Ext(name)); stem != "" {
		name = stem
	}
	return validText(name)
}

// validText writes bytes that are no UTF-8, which a file name may have, as \xff: Parquet, JSON and the
// stores take text only, and two names must stay two.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&b, `\x%02x`, s[0])
		} else {
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}
