package open

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/searcher"
	"github.com/kleid-search/kleid/storage"
)

// ThumbnailsIn finds thumbnails in a folder. The searcher has checked the id.
func ThumbnailsIn(folder string) searcher.Thumbnails {
	return func(_ context.Context, photoID string) ([]byte, error) {
		if !isPhotoID(photoID) {
			return nil, fs.ErrNotExist
		}
		return os.ReadFile(filepath.Join(folder, indexer.ThumbnailPath(photoID)))
	}
}

// ThumbnailsOf finds them where an index is in S3.
func ThumbnailsOf(bucket storage.Bucket) searcher.Thumbnails {
	return func(ctx context.Context, photoID string) ([]byte, error) {
		if !isPhotoID(photoID) {
			return nil, fs.ErrNotExist
		}
		return storage.ReadAll(ctx, bucket, "thumbnails/"+filepath.ToSlash(indexer.ThumbnailPath(photoID)), maxThumbnail)
	}
}

// maxThumbnail is more than any has.
const maxThumbnail = 1 << 20

func isPhotoID(text string) bool {
	return len(text) == 64 && strings.Trim(text, "0123456789abcdef") == ""
}
