package indexer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kleid-search/kleid/storage"
)

const thumbnailsPrefix = "thumbnails/"

// thumbnailsAtOnce is how many thumbnails are on their way to a bucket: each takes as long as the way there and back.
const thumbnailsAtOnce = 16

// thumbnailsAt are the photos whose thumbnails are in a bucket, and when they were put there.
func thumbnailsAt(ctx context.Context, bucket storage.Bucket) (map[photoKey]time.Time, error) {
	all := map[photoKey]time.Time{}
	for info, err := range bucket.List(ctx, thumbnailsPrefix) {
		if err != nil {
			return nil, err
		}
		if m := ownThumbnail.FindStringSubmatch(path.Base(info.Key)); m != nil && m[1] != "" {
			all[photoKey(rowKey(m[1]))] = info.ModTime
		}
	}
	return all, nil
}

// putThumbnails puts the thumbnails of photos into a bucket that are here and not there.
func putThumbnails(ctx context.Context, bucket storage.Bucket, t thumbnails, photos map[photoKey]bool) error {
	group, uploads := errgroup.WithContext(ctx)
	group.SetLimit(thumbnailsAtOnce)
	for key := range photos {
		if t.isElsewhere(key) || !t.isHere(key) {
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

// putNewThumbnails puts the thumbnails of photos that are in the folder of an index where Out said. It returns those that
// were there.
func (l layout) putNewThumbnails(ctx context.Context, bucket storage.Bucket, photos map[photoKey]bool) (there map[photoKey]time.Time, err error) {
	if there, err = thumbnailsAt(ctx, bucket); err != nil {
		return nil, err
	}
	return there, putThumbnails(ctx, bucket, thumbnails{dir: l.thumbnails(), elsewhere: there}, photos)
}

// thumbnailRest is how long a thumbnail stays in a bucket at least: a shard of the next job may have put it there, and no
// index has it yet.
var thumbnailRest = 3 * 24 * time.Hour

// sweepThumbnails removes the thumbnails from a bucket, of those that were there, that no photo has: none of this folder's
// runs, which are live, and none of a run that is in the bucket alone.
func (l layout) sweepThumbnails(ctx context.Context, bucket storage.Bucket, there map[photoKey]time.Time, live map[photoKey]bool, now time.Time) error {
	photos := maps.Clone(live)
	if err := l.addPhotosOfOthers(ctx, bucket, photos); err != nil {
		return err
	}
	group, removals := errgroup.WithContext(ctx)
	group.SetLimit(thumbnailsAtOnce)
	for key, put := range there {
		if photos[key] || now.Sub(put) < thumbnailRest {
			continue
		}
		if removals.Err() != nil {
			break
		}
		group.Go(func() error { return bucket.Delete(removals, thumbnailKey(key)) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// addPhotosOfOthers adds the photos of the runs that a bucket has and this folder has not.
func (l layout) addPhotosOfOthers(ctx context.Context, bucket storage.Bucket, photos map[photoKey]bool) error {
	for info, err := range bucket.List(ctx, runPrefix) {
		if err != nil {
			return err
		}
		folder, file, _ := strings.Cut(info.Key, "/")
		run := strings.TrimPrefix(folder, runPrefix)
		if !ownRun.MatchString(run) || file != parquetFile || isHere(l.parquet(run)) {
			continue
		}
		name := filepath.Join(l.work(), "others.parquet.tmp")
		err := getFile(ctx, bucket, info.Key, name)
		if err == nil {
			err = addPhotos(photos, name)
		}
		if err = errors.Join(err, removeIfThere(name)); err != nil {
			return fmt.Errorf("run %s: %w", run, err)
		}
	}
	return nil
}
