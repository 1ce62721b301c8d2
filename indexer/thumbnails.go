package indexer

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/photo"
)

// thumbnailSize is the longer side of a thumbnail in pixels: sharp in a grid of results, also on a phone.
const thumbnailSize = 320

// ThumbnailPath is where the thumbnail of a photo is, relative to the folder of thumbnails.
func ThumbnailPath(photoID string) string {
	return filepath.Join(photoID[:2], photoID+".jpg")
}

// thumbnails keeps a small JPEG picture of each readable photo.
type thumbnails struct {
	dir string
	// elsewhere are photos whose thumbnails are where the index is, though not in dir, and since when.
	elsewhere map[photoKey]time.Time
}

func (t thumbnails) path(key photoKey) string {
	return filepath.Join(t.dir, ThumbnailPath(key.String()))
}

func (t thumbnails) has(key photoKey) bool {
	return t.isElsewhere(key) || t.isHere(key)
}

func (t thumbnails) isElsewhere(key photoKey) bool {
	_, ok := t.elsewhere[key]
	return ok
}

func (t thumbnails) isHere(key photoKey) bool {
	info, err := os.Stat(t.path(key))
	return err == nil && info.Size() > 0
}

func (t thumbnails) make(key photoKey, m *photo.Image) error {
	data, err := photo.Thumbnail(m, thumbnailSize)
	if err != nil {
		return err
	}
	path := t.path(key)
	err = placeFile(path, bytes.NewReader(data), false)
	if errors.Is(err, fs.ErrNotExist) { // the first of its folder
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		err = placeFile(path, bytes.NewReader(data), false)
	}
	return err
}

// ownThumbnail is the form of the names that make gives a thumbnail, and its temporary file.
var ownThumbnail = regexp.MustCompile(`^(?:([0-9a-f]{64})\.jpg|\.([0-9a-f]{64})\.jpg\.[0-9]+)$`)

// sweep removes the thumbnails of photos that are not live, and what a kill left of others. Whatever else
// lies there is not Kleid's, and stays.
func (t thumbnails) sweep(live map[photoKey]bool) error {
	folders, err := os.ReadDir(t.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // no photo was readable
	}
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if first, err := hex.DecodeString(folder.Name()); err != nil || len(first) != 1 || !folder.IsDir() {
			continue
		}
		files, err := os.ReadDir(filepath.Join(t.dir, folder.Name()))
		if err != nil {
			return err
		}
		for _, file := range files {
			name := ownThumbnail.FindStringSubmatch(file.Name())
			if name == nil || !file.Type().IsRegular() || (name[1] + name[2])[:2] != folder.Name() {
				continue
			}
			if key, ok := parseKey(name[1]); ok && live[key] {
				continue
			}
			if err := os.Remove(filepath.Join(t.dir, folder.Name(), file.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// parseKey reads a photo's id; false if it is none.
func parseKey(photoID string) (key photoKey, ok bool) {
	if len(photoID) != hex.EncodedLen(len(key)) {
		return key, false
	}
	_, err := hex.Decode(key[:], []byte(photoID))
	return key, err == nil
}

// addPhotos adds the photos of a Parquet file.
func addPhotos(photos map[photoKey]bool, parquet string) error {
	f, reader, err := openParquet(parquet)
	if err != nil {
		return err
	}
	defer f.Close()
	for batch, err := range reader.Batches(catalog.ReadOptions{Columns: []string{"photo_id"}}) {
		if err != nil {
			return err
		}
		for _, row := range batch {
			if key, ok := parseKey(row.PhotoID); ok {
				photos[key] = true
			}
		}
	}
	return nil
}
