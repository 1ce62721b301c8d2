package source

import (
	"path"
	"strings"

	"github.com/kleid-search/kleid/catalog"
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
	return catalog.ValidText(name)
}
