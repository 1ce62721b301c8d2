package datasets

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
)

// Facets are the photos whose facets were judged. Those that are no dress have NoDress set. A dress at home whose row has
// no box has that of clothing/dress_boxes.csv, if there is one: such photos show one garment and much besides.
func (r *Reference) Facets() ([]Example, error) {
	votes, err := r.votes()
	if err != nil {
		return nil, err
	}
	boxes, err := r.homeBoxes()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	examples, err := r.dresses(filepath.Join(r.Dir, "facets", "labels.csv"))
	for i := range examples {
		e := &examples[i]
		e.Votes = votes[e.Name]
		if e.Box == nil && !e.NoDress {
			if b := boxes[e.Name]; b.box != nil {
				e.Box, e.at = b.box, b.at
			}
		}
	}
	return examples, err
}

// AllFacets are Facets and MoreDresses.
func (r *Reference) AllFacets() ([]Example, error) {
	all, err := r.Facets()
	known := map[string]bool{}
	for _, e := range all {
		known[e.Name] = true
	}
	for _, path := range r.MoreDresses {
		if err != nil {
			break
		}
		var more []Example
		if more, err = r.dresses(path); err != nil {
			break
		}
		for _, e := range more {
			if !known[e.Name] {
				known[e.Name] = true
				all = append(all, e)
			}
		}
	}
	return all, err
}

// dresses reads a file as facets/labels.csv.
func (r *Reference) dresses(file string) ([]Example, error) {
	t, err := readTable(file, "photo", "is_dress", "fold")
	if err != nil {
		return nil, err
	}
	var examples []Example
	for row := range t.rows {
		name, err := nameBelow(t, row, "photo")
		if err != nil {
			return nil, err
		}
		if r.HeldBack(name) {
			continue
		}
		e := Example{Path: filepath.Join(r.Dir, filepath.FromSlash(name)), Name: name, Street: strings.HasPrefix(name, "ccp/"), Labels: facetsOf(t, row), at: t.at(row)}
		if e.NoDress, err = t.noDress(row); err != nil {
			return nil, err
		}
		if e.Box, err = t.box(row); err != nil {
			return nil, err
		}
		if e.Fold, err = t.referenceFold(row); err != nil {
			return nil, err
		}
		examples = append(examples, e)
	}
	return examples, nil
}

// votes are what each judge said of the facets of photos, by the photos' names; none without a table.
func (r *Reference) votes() (map[string][]map[string]string, error) {
	t, err := readTable(filepath.Join(r.Dir, "facets", "votes.csv"), "photo")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	votes := map[string][]map[string]string{}
	for row := range t.rows {
		name, err := nameBelow(t, row, "photo")
		if err != nil {
			return nil, err
		}
		votes[name] = append(votes[name], facetsOf(t, row))
	}
	return votes, nil
}

// facetsOf are the facets that a row tells.
func facetsOf(t *table, row int) map[string]string {
	labels := map[string]string{}
	for _, facet := range Facets() {
		if label := t.get(row, facet.Name); label != "" && label != "unknown" {
			labels[facet.Name] = label
		}
	}
	return labels
}
