package datasets

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/kleid-search/kleid/catalog"
)

// Dataset is labelled photos of one place, as far as they are there: whoever keeps photos with labels gives
// them to training and evaluation in this form. Nobody changes it.
type Dataset struct {
	Name string // for people: in mixtures, tables and reports
	// Facets that some example is labelled with, each with its labels in their order: those that somebody put in
	// order first, the others by name.
	Facets []catalog.Facet
	// Order has, by facet name, the labels that somebody put in order. There may be labels in it that no
	// example has.
	Order map[string][]string
	// Examples are in the order of the place. Their paths are those of files on this machine.
	Examples []Example
	// Bad are the photos and rows that cannot be learned from, found so far: nobody has looked into the photos.
	Bad []Bad
	// Fingerprint is the lower-case hex SHA-256 of what was read, the photos' bytes included, wherever it lies.
	Fingerprint string
}

// Bad is a photo, or a row of a manifest, that cannot be learned from.
type Bad struct {
	Photo  string `json:"photo"` // path or URL, or file and line of a row that names none
	Reason string `json:"reason"`
}

// Size is the number of photos that the place has, bad ones included.
func (d *Dataset) Size() int { return len(d.Examples) + len(d.Bad) }

// finish completes a dataset whose examples have labels, products, photo ids and splits: facets and fingerprint.
func (d *Dataset) finish() error {
	used := map[string]map[string]bool{}
	for _, e := range d.Examples {
		for facet, label := range e.Labels {
			if used[facet] == nil {
				used[facet] = map[string]bool{}
			}
			used[facet][label] = true
		}
	}
	d.Facets = nil
	for facet, labels := range used {
		if len(labels) > maxLabels {
			return fmt.Errorf("%s: facet %s has %d labels, more than %d: that is text, not a facet", d.Name, facet, len(labels), maxLabels)
		}
		f := catalog.Facet{Name: facet}
		for _, label := range d.Order[facet] {
			if labels[label] {
				f.Labels = append(f.Labels, label)
				delete(labels, label)
			}
		}
		ordered := len(f.Labels)
		for label := range labels {
			f.Labels = append(f.Labels, label)
		}
		slices.Sort(f.Labels[ordered:])
		d.Facets = append(d.Facets, f)
	}
	slices.SortFunc(d.Facets, func(a, b catalog.Facet) int { return cmp.Compare(a.Name, b.Name) })
	d.Fingerprint = d.fingerprint()
	return nil
}

// maxLabels of a facet: a column with more holds text.
const maxLabels = 1000

// fingerprint hashes all that is known, but where the files lie.
func (d *Dataset) fingerprint() string {
	h := sha256.New()
	out := json.NewEncoder(h)
	put := func(v any) {
		if err := out.Encode(v); err != nil {
			panic(err) // texts and numbers encode
		}
	}
	put(d.Order)
	for _, e := range d.Examples {
		e.Path = ""
		put(e)
	}
	put(d.Bad)
	return hex.EncodeToString(h.Sum(nil))
}

// FacetName makes a facet's name of a column's, a folder's or a person's: in lower case, with - for spaces.
// It fails for what cannot be a column of a Parquet file.
func FacetName(text string) (string, error) {
	name := strings.ToLower(strings.Join(strings.Fields(text), "-"))
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
		return "", fmt.Errorf("%q cannot be the name of a facet: use letters, digits, _ and -", text)
	}
	return name, nil
}
