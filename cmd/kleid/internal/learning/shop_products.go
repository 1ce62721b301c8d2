package learning

import (
	"fmt"
	"path"
	"path/filepath"

	"github.com/kleid-search/kleid/indexer/source"
	"github.com/kleid-search/kleid/storage"
)

// checkProducts says whether a catalogue gives product ids. It returns an error where rows have none and the photos of
// each dress are in a folder, photos/DRESS/front.jpg: by their files' names, all of them would be of the one dress "front".
func checkProducts(place string, entries []source.Entry) (named bool, err error) {
	folders, of := map[string]bool{}, map[string]map[string]bool{}
	for _, e := range entries {
		if e.Named {
			named = true
			continue
		}
		folder := path.Dir(filepath.ToSlash(e.Source))
		folders[folder] = true
		if of[e.ProductID] == nil {
			of[e.ProductID] = map[string]bool{}
		}
		of[e.ProductID][folder] = true
	}
	most := ""
	for product, in := range of {
		if n := len(in); n > len(of[most]) || n == len(of[most]) && product < most {
			most = product
		}
	}
	// Folders that are views, front/DRESS.jpg and back/DRESS.jpg, are few, and products by their files' names are right.
	if len(of[most]) > 1 && len(folders) >= len(of) {
		gives := "gives no product ids"
		if named {
			gives = "does not give each photo a product id"
		}
		return named, fmt.Errorf("the catalogue %s %s, so that a file's name stands for its product, and %q is in %d folders: write a manifest (.csv) with the columns product_id and photo", storage.WithoutSecrets(place), gives, most, len(of[most]))
	}
	return named, nil
}
