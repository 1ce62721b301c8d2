package datasets

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"

	"github.com/kleid-search/kleid/photo"
)

// homeBox is what clothing/dress_boxes.csv says of a photo.
type homeBox struct {
	box  *photo.Box
	fold int
	at   string // the row
}

// homeBoxes are those of the home photos, by the photos' names.
func (r *Reference) homeBoxes() (map[string]homeBox, error) {
	t, err := readTable(filepath.Join(r.Dir, "clothing", "dress_boxes.csv"), "photo", "x_min", "fold")
	if err != nil {
		return nil, err
	}
	if err := t.once("photo"); err != nil {
		return nil, err
	}
	boxes := map[string]homeBox{}
	for row := range t.rows {
		b := homeBox{at: t.at(row)}
		if b.box, err = t.box(row); err != nil {
			return nil, err
		}
		if b.fold, err = t.referenceFold(row); err != nil {
			return nil, err
		}
		boxes[path.Join("clothing/images", t.get(row, "photo"))] = b
	}
	return boxes, nil
}

// once returns an error where two rows name the same photo: the second would silently take the first one's place.
func (t *table) once(column string) error {
	rows := map[string]int{}
	for row := range t.rows {
		name := path.Clean(t.get(row, column))
		if before, again := rows[name]; again {
			return fmt.Errorf("%s: line %d: %s has a row in line %d already: give each photo one", t.path, t.line(row), name, t.line(before))
		}
		rows[name] = row
	}
	return nil
}

// HoldBack leaves photos out from now on as held_back.txt does, such as those that cannot be read. They are named by their
// paths below the folder.
func (r *Reference) HoldBack(names []string) {
	for _, name := range names {
		r.heldBack[name] = true
	}
	r.leftOut = slices.Compact(slices.Sorted(slices.Values(append(r.leftOut, names...))))
}
