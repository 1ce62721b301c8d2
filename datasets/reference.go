package datasets

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Folds is how many folds the photos of a Reference are parted into.
const Folds = 5

// Reference is a folder of labelled real photos that a model is trained and measured with: home photos
// of garments (clothing), street photos (ccp), facet labels and triplets over both. Its layout:
//
//	clothing/images/, clothing/more/  photos of one garment each, at home
//	clothing/labels.csv               of clothing/images: image, label; the label of dresses is Dress
//	clothing/more.csv                 of clothing/more: image, label
//	clothing/dress_boxes.csv          of clothing/images: photo, x_min, y_min, x_max, y_max, fold
//	ccp/photos/                       photos of people in the street
//	ccp/dress_boxes.csv               of ccp/photos: photo, x_min, y_min, x_max, y_max, fold; a row without
//	                                  a box is a photo without a dress
//	facets/labels.csv                 photo, x_min, y_min, x_max, y_max, is_dress, fold, and a column for
//	                                  each of Facets; is_dress is yes or no, as in a
//	                                  manifest; without a box, that of clothing/dress_boxes.csv
//	facets/votes.csv                  photo, and a column for each of Facets: a row for each judge; unknown is
//	                                  what could not be seen
//	triplets/triplets.csv             query, a, b, closer, confidence, fold; closer is a or b, or empty where
//	                                  judges differed
//	held_back.txt                     paths of photos, a line each, that are never labelled or trained on
//
// The CSV files begin with a line that names the columns, in any order; more columns do no harm. image,
// and photo beside a folder of photos, are names in that folder; in facets, triplets and held_back.txt
// photos are slash-separated paths below Dir. Boxes are half-open, in pixels of the upright photo, and
// empty where none was judged. fold is a number from 0 to 4, or empty; Example.Fold says what for. An empty
// facet is one that was not judged.
//
//	patterns/images/                  photos of single dresses
//	patterns/labels.csv               of patterns/images: image, pattern
//
// What is not asked for may be missing: Garments reads clothing, Street ccp and facets, Facets facets,
// Triplets triplets and facets, Patterns patterns. A photo has one row in a file dress_boxes.csv. They fail where one of
// their tables is missing, other than facets/votes.csv. Without held_back.txt nothing is held back. HeldBack photos are left out everywhere here but in
// Triplets, where no more is learned of them than that, and in Patterns, which nothing is learned from.
type Reference struct {
	Dir string
	// MoreTriplets are CSV files as triplets/triplets.csv, such as one of customers' clicks. They are learned from, and
	// nothing is measured with them. Those with a photo that is held back are left out.
	MoreTriplets []string
	// MoreDresses are CSV files as facets/labels.csv, such as one of a shop's own labels, of photos below Dir. They are
	// learned from, and nothing is measured with them. Photos that are held back or that facets/labels.csv has are left out.
	MoreDresses []string
	heldBack    map[string]bool
	// leftOut are those that HoldBack adds, sorted.
	leftOut []string
}

// tables are the files that models learn from, besides photos.
var tables = []string{
	"clothing/labels.csv", "clothing/more.csv", "clothing/dress_boxes.csv", "ccp/dress_boxes.csv",
	"facets/labels.csv", "facets/votes.csv", "triplets/triplets.csv", "held_back.txt",
}

// Fingerprint is the lower-case hex SHA-256 of what is told of the photos that models learn from: of the tables, and
// not of the photos' bytes. Tables may be missing, MoreTriplets and MoreDresses may not.
func (r *Reference) Fingerprint() (string, error) {
	all := sha256.New()
	add := func(name string, data []byte) { fmt.Fprintf(all, "%s %d %x\n", name, len(data), sha256.Sum256(data)) }
	for _, name := range tables {
		data, err := os.ReadFile(filepath.Join(r.Dir, filepath.FromSlash(name)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("reference photos: %w", err)
		}
		add(name, data)
	}
	for _, more := range []struct {
		name  string
		paths []string
	}{{"triplets", r.MoreTriplets}, {"dresses", r.MoreDresses}} {
		for _, path := range more.paths {
			data, err := os.ReadFile(path)
			if err != nil {
				return "", fmt.Errorf("%s: %w", more.name, err)
			}
			add("more "+more.name, data)
		}
	}
	if len(r.leftOut) > 0 {
		add("left out", []byte(strings.Join(r.leftOut, "\n")))
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}

// parts of a Reference, each a folder in it.
var parts = []string{"clothing", "ccp", "facets", "triplets", "patterns"}

// OpenReference reads which photos are held back. It fails where there is no folder. The folder of a part, such as
// facets, stands for the whole, since its tables name photos of the other parts.
func OpenReference(dir string) (*Reference, error) {
	if whole, part := filepath.Split(filepath.Clean(dir)); slices.Contains(parts, part) {
		if _, err := os.Stat(filepath.Join(dir, part)); errors.Is(err, fs.ErrNotExist) {
			dir = filepath.Clean(whole)
		}
	}
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is no folder", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("reference photos: %w", err)
	}
	r := &Reference{Dir: dir, heldBack: map[string]bool{}}
	f, err := os.Open(filepath.Join(dir, "held_back.txt"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r, nil
	case err != nil:
		return nil, fmt.Errorf("reference photos: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if name := strings.TrimSpace(lines.Text()); name != "" {
			r.heldBack[path.Clean(name)] = true
		}
	}
	return r, lines.Err()
}

// HeldBack says whether a photo, named by its path below the folder, may not be labelled or trained
// on.
func (r *Reference) HeldBack(name string) bool { return r.heldBack[name] }

// nameBelow is the name of a photo below the folder in its one spelling, so that ./a.jpg is a.jpg wherever it stands.
func nameBelow(t *table, row int, column string) (string, error) {
	name := path.Clean(t.get(row, column))
	if !filepath.IsLocal(filepath.FromSlash(name)) || name == "." {
		return "", fmt.Errorf("%s: line %d: %s is %q, but photos are named by their paths below the folder", t.path, t.line(row), column, t.get(row, column))
	}
	return name, nil
}

// Garments are the home photos: those of other garments are known to show no dress, those of dresses
// have a box where one was judged.
func (r *Reference) Garments() ([]Example, error) {
	boxes, err := r.homeBoxes()
	if err != nil {
		return nil, err
	}
	var examples []Example
	for _, part := range []struct{ table, folder string }{{"labels.csv", "images"}, {"more.csv", "more"}} {
		t, err := readTable(filepath.Join(r.Dir, "clothing", part.table), "image", "label")
		if err != nil {
			return nil, err
		}
		for row := range t.rows {
			name := path.Join("clothing", part.folder, t.get(row, "image"))
			if r.HeldBack(name) {
				continue
			}
			e := Example{Path: filepath.Join(r.Dir, filepath.FromSlash(name)), Name: name, NoDress: t.get(row, "label") != "Dress", Fold: -1, at: t.at(row)}
			if b := boxes[name]; b.box != nil {
				e.Box, e.Fold, e.at = b.box, b.fold, b.at
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
	if err := t.once("photo"); err != nil {
		return nil, err
	}
	var examples []Example
	for row := range t.rows {
		name := path.Join("ccp/photos", t.get(row, "photo"))
		e := Example{Path: filepath.Join(r.Dir, filepath.FromSlash(name)), Name: name, Street: true, at: t.at(row)}
		if e.Box, err = t.box(row); err != nil {
			return nil, err
		}
		if e.Fold, err = t.referenceFold(row); err != nil {
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

// Patterns are photos of single dresses, labelled by pattern, in a vocabulary of their own. They are for evaluation
// alone.
func (r *Reference) Patterns() ([]Example, error) {
	t, err := readTable(filepath.Join(r.Dir, "patterns", "labels.csv"), "image", "pattern")
	if err != nil {
		return nil, err
	}
	var examples []Example
	for row := range t.rows {
		name := path.Join("patterns/images", t.get(row, "image"))
		if slices.Contains(r.leftOut, name) {
			continue
		}
		examples = append(examples, Example{
			Path: filepath.Join(r.Dir, filepath.FromSlash(name)), Name: name, Fold: -1,
			Labels: map[string]string{"pattern": t.get(row, "pattern")},
		})
	}
	return examples, nil
}

// HoldBack leaves photos out from now on as held_back.txt does, and also of Triplets and Patterns, such as those that
// cannot be read. They are named by their paths below the folder.
func (r *Reference) HoldBack(names []string) {
	for _, name := range names {
		r.heldBack[name] = true
	}
	r.leftOut = slices.Compact(slices.Sorted(slices.Values(append(r.leftOut, names...))))
}
