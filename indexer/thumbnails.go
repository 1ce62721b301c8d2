package indexer

import (
	"os"
	"path/filepath"

	"github.com/kleid-search/kleid/photo"
)

// thumbnailSize is the longer side of a thumbnail in pixels: sharp in a grid of results, also on a phone.
const thumbnailSize = 320

// ThumbnailPath is where the thumbnail of a photo is, relative to the folder of thumbnails.
func ThumbnailPath(photoID string) string {
	return filepath.Join(photoID[:2], photoID+".jpg")
}

// thumbnails keeps a small JPEG picture of each readable photo.
type thumbnails struct{ dir string }

func (t thumbnails) path(key photoKey) string {
	return filepath.Join(t.dir, ThumbnailPath(key.String()))
}

func (t thumbnails) has(key photoKey) bool {
	info, err := os.Stat(t.path(key))
	return err == nil && info.Size() > 0
}

func (t thumbnails) make(key photoKey, m *photo.Image) error {
	data, err := photo.Thumbnail(m, thumbnailSize)
	if err != nil {
		return err
	}
	path := t.path(key)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return placeFile(path, data, false)
}
