package datasets

import (
	"path"
	"path/filepath"

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
