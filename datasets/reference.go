package datasets

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/kleid-search/kleid/photo"
)

// Reference is the folder of real photos that Kleid is trained and measured with: home photos of
// garments (clothing), street photos (ccp), facet labels and triplets over both. Its README says what
// may be used for what; HeldBack photos are left out everywhere here.
type Reference struct {
	Dir      string
	heldBack map[string]bool
}

// OpenReference reads which photos are held back.
func OpenReference(dir string) (*Reference, error) {
	f, err := os.Open(filepath.Join(dir, "held_back.txt"))
	if err != nil {
		return nil, fmt.Errorf("reference photos: %w", err)
	}
	defer f.Close()
	r := &Reference{Dir: dir, heldBack: map[string]bool{}}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if name := strings.TrimSpace(lines.Text()); name != "" {
			r.heldBack[name] = true
		}
	}
	return r, lines.Err()
}

// HeldBack says whether a photo, named by its path below the folder, may not be labelled or trained
// on.
func (r *Reference) HeldBack(name string) bool { return r.heldBack[name] }

// Garments are the home photos: those of other garments are known to show no dress, those of dresses
// have a box where one was judged.
func (r *Reference) Garments() ([]Example, error) {
	boxes := map[string]*photo.Box{}
	folds := map[string]int{}
	t, err := readTable(filepath.Join(r.Dir, "clothing", "dress_boxes.csv"), "photo", "x_min", "fold")
	if err != nil {
		return nil, err
	}
	for row := range t.rows {
		name := "clothing/images/" + t.get(row, "photo")
		if boxes[name], err = t.box(row); err != nil {
			return nil, err
		}
		if folds[name], err = t.fold(row); err != nil {
			return nil, err
		}
	}
	var examples []Example
	for _, part := range []struct{ table, folder string }{{"labels.csv", "images"}, {"more.csv", "more"}} {
		t, err := readTable(filepath.Join(r.Dir, "clothing", part.table), "image", "label")
		if err != nil {
			return nil, err
		}
		for row := range t.rows {
			name := "clothing/" + part.folder + "/" + t.get(row, "image")
			if r.HeldBack(name) {
				continue
			}
			e := Example{Path: filepath.Join(r.Dir, filepath.FromSlash(name)), Name: name, NoDress: t.get(row, "label") != "Dress", Fold: -1}
			if b := boxes[name]; b != nil {
				e.Box, e.Fold = b, folds[name]
			}
			examples = append(examples, e)
		}
	}
	return examples, nil
}

// Street are the street photos: with the box of a dress, or known to show none. Photos whose mask was
// judged to be a skirt are left out.
func (r *Reference) Street() ([]Example, error) {
	judged, err := r.Facets()
	if err != nil {
		return nil, err
	}
	dress := map[string]bool{}
	for _, e := range judged {
		dress[e.Name] = !e.NoDress
	}
	t, err := readTable(filepath.Join(r.Dir, "ccp", "dress_boxes.csv"), "photo", "x_min", "fold")
	if err != nil {
		return nil, err
	}
	var examples []Example
	for row := range t.rows {
		name := "ccp/photos/" + t.get(row, "photo")
		e := Example{Path: filepath.Join(r.Dir, filepath.FromSlash(name)), Name: name}
		if e.Box, err = t.box(row); err != nil {
			return nil, err
		}
		if e.Fold, err = t.fold(row); err != nil {
			return nil, err
		}
		e.NoDress = e.Box == nil
		if is, ok := dress[name]; (ok && !is) || r.HeldBack(name) {
			continue
		}
		examples = append(examples, e)
	}
	return examples, nil
}

// Facets are the photos whose facets were judged. Those that are no dress have NoDress set.
func (r *Reference) Facets() ([]Example, error) {
	t, err := readTable(filepath.Join(r.Dir, "facets", "labels.csv"), "photo", "is_dress", "fold")
	if err != nil {
		return nil, err
	}
	var examples []Example
	for row := range t.rows {
		name := t.get(row, "photo")
		if r.HeldBack(name) {
			continue
		}
		e := Example{Path: filepath.Join(r.Dir, filepath.FromSlash(name)), Name: name, NoDress: t.get(row, "is_dress") == "no", Labels: map[string]string{}}
		if e.Box, err = t.box(row); err != nil {
			return nil, err
		}
		if e.Fold, err = t.fold(row); err != nil {
			return nil, err
		}
		for _, facet := range Facets() {
			if label := t.get(row, facet.Name); label != "" {
				e.Labels[facet.Name] = label
			}
		}
		examples = append(examples, e)
	}
	return examples, nil
}

// Triplets are those on which the judges agreed, with both photos' boxes where they are known.
// Triplets with a photo that is held back are left out.
func (r *Reference) Triplets() ([]Triplet, error) {
	judged, err := r.Facets()
	if err != nil {
		return nil, err
	}
	known := map[string]Example{}
	for _, e := range judged {
		known[e.Name] = e
	}
	t, err := readTable(filepath.Join(r.Dir, "triplets", "triplets.csv"), "query", "a", "b", "closer", "confidence", "fold")
	if err != nil {
		return nil, err
	}
	var triplets []Triplet
	for row := range t.rows {
		var ends [3]Example
		skip := t.get(row, "closer") == ""
		for i, column := range []string{"query", "a", "b"} {
			name := t.get(row, column)
			skip = skip || r.HeldBack(name)
			e, ok := known[name]
			if !ok {
				e = Example{Path: filepath.Join(r.Dir, filepath.FromSlash(name)), Name: name, Fold: -1}
			}
			ends[i] = e
		}
		if skip {
			continue
		}
		if t.get(row, "closer") == "b" {
			ends[1], ends[2] = ends[2], ends[1]
		}
		fold, err := t.fold(row)
		if err != nil {
			return nil, err
		}
		confidence, err := strconv.ParseFloat(t.get(row, "confidence"), 64)
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: confidence: %w", t.path, row+2, err)
		}
		triplets = append(triplets, Triplet{Query: ends[0], Near: ends[1], Far: ends[2], Confidence: confidence, Fold: fold})
	}
	return triplets, nil
}
