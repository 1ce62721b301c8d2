package indexer

import (
	"context"
	"path"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/kleid-search/kleid/storage"
)

const thumbnailsPrefix = "thumbnails/"

// thumbnailsAtOnce is how many thumbnails are on their way to a bucket: each takes as long as the way there and back.
const thumbnailsAtOnce = 16

// thumbnailsAt are the photos whose thumbnails are in a bucket.
func thumbnailsAt(ctx context.Context, bucket storage.Bucket) (map[photoKey]bool, error) {
	all := map[photoKey]bool{}
	for info, err := range bucket.List(ctx, thumbnailsPrefix) {
		if err != nil {
			return nil, err
		}
		if m := ownThumbnail.FindStringSubmatch(path.Base(info.Key)); m != nil && m[1] != "" {
			all[photoKey(rowKey(m[1]))] = true
		}
	}
	return all, nil
}

// putThumbnails puts the thumbnails of photos into a bucket that are here and not there.
func putThumbnails(ctx context.Context, bucket storage.Bucket, t thumbnails, photos map[photoKey]bool) error {
	group, uploads := errgroup.WithContext(ctx)
	group.SetLimit(thumbnailsAtOnce)
	for key := range photos {
		if t.elsewhere[key] || !t.isHere(key) {
			continue
		}
		if uploads.Err() != nil {
			break
		}
		group.Go(func() error { return putFile(uploads, bucket, thumbnailKey(key), t.path(key)) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

func thumbnailKey(key photoKey) string {
	return thumbnailsPrefix + filepath.ToSlash(ThumbnailPath(key.String()))
}

// putNewThumbnails puts the thumbnails of photos that are in the folder of an index where Out said.
func (l layout) putNewThumbnails(ctx context.Context, bucket storage.Bucket, photos map[photoKey]bool) error {
	there, err := thumbnailsAt(ctx, bucket)
	if err != nil {
		return err
	}
	return putThumbnails(ctx, bucket, thumbnails{dir: l.thumbnails(), elsewhere: there}, photos)
}
