package indexer

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// keysOf lists what is in a bucket.
func keysOf(t *testing.T, bucket storage.Bucket, prefix string) (keys []string) {
	t.Helper()
	for info, err := range bucket.List(t.Context(), prefix) {
		require.NoError(t, err)
		keys = append(keys, info.Key)
	}
	return keys
}

// Whoever finds a dress in a new index finds its thumbnail: in S3 they are before it is served.
func TestThumbnailsAreInS3BeforeTheIndexIsServed(t *testing.T) {
	b := newBench(t, shopFiles())
	bucket := fakeS3(t, "index", nil)
	options := b.options()
	options.Out, options.Scratch = "s3://shop/index", b.out
	var there []string
	options.Store = hookedStore{b.store, func() { there = keysOf(t, bucket, thumbnailsPrefix) }, func() {}}
	report, err := Run(t.Context(), options)
	require.NoError(t, err)
	_, rows := parquetRows(t, b.out, report.Run)
	for _, row := range rows {
		if row.Status != catalog.StatusUnreadable {
			require.Contains(t, there, thumbnailsPrefix+filepath.ToSlash(ThumbnailPath(row.PhotoID)))
		}
	}
}

// While thumbnails are on their way another job may publish a run: this one does not take its place.
func TestAnotherJobPublishesBeforeTheThumbnailsAreThere(t *testing.T) {
	b := newBench(t, pictures(0, 3))
	bucket := fakeS3(t, "index", nil)
	first, other := b.machine(t, "a"), b.machine(t, "b")
	var begun atomic.Bool
	var second Report
	var failed error
	refuseS3(t, func(r *http.Request) bool {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, thumbnailsPrefix) && begun.CompareAndSwap(false, true) {
			second, failed = Run(t.Context(), other)
		}
		return false
	})
	_, err := Run(t.Context(), first)
	require.NoError(t, failed)
	require.ErrorContains(t, err, "since this one began")
	requireThere(t, bucket, second.Run)
}

// countingBucket holds uploads until so many are under way at once.
type countingBucket struct {
	storage.Bucket
	want int

	mu    sync.Mutex
	now   int
	ready chan struct{}
}

func (b *countingBucket) Put(ctx context.Context, _ string, _ io.Reader) error {
	b.mu.Lock()
	if b.now++; b.now == b.want {
		close(b.ready)
	}
	b.mu.Unlock()
	select {
	case <-b.ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestThumbnailsGoManyAtOnceAndStop(t *testing.T) {
	pictures := thumbnails{dir: t.TempDir()}
	live := map[photoKey]bool{}
	for i := range 2 * thumbnailsAtOnce {
		m, err := photo.Open(picture(ordinaryWidth, i), photo.DefaultLimits())
		require.NoError(t, err)
		key := photoKey{byte(i)}
		require.NoError(t, pictures.make(key, m))
		live[key] = true
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	require.NoError(t, putThumbnails(ctx, &countingBucket{want: thumbnailsAtOnce, ready: make(chan struct{})}, pictures, live))
	// A job that is to stop does not wait for those that are left.
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	stuck := &countingBucket{want: -1}
	require.ErrorIs(t, putThumbnails(ctx, stuck, pictures, live), context.Canceled)
	require.LessOrEqual(t, stuck.now, thumbnailsAtOnce)
}

// The thumbnails in S3 are those of the runs that are there, and a while those that may be of the next one.
func TestThumbnailsInS3AreSwept(t *testing.T) {
	b := newBench(t, pictures(0, 6))
	bucket := fakeS3(t, "index", nil)
	night := func(gone ...int) Report {
		t.Helper()
		for _, i := range gone {
			require.NoError(t, os.Remove(filepath.Join(b.photos, pictureName(i))))
		}
		options := b.options()
		options.Out, options.Scratch, options.Force, options.Keep = "s3://shop/index", b.out, true, 0
		report, err := Run(t.Context(), options)
		require.NoError(t, err)
		require.True(t, report.Published)
		return report
	}
	thumbnails := func() int { return len(keysOf(t, bucket, thumbnailsPrefix)) }
	first := night()
	// A run that another machine made, and that this folder does not have, keeps its own.
	data, err := os.ReadFile(first.Parquet)
	require.NoError(t, err)
	const others = "run=20261127T020000000Z-1a2b3c/part-000.parquet"
	require.NoError(t, bucket.Put(t.Context(), others, bytes.NewReader(data)))
	night(0, 1)
	require.Equal(t, 6, thumbnails(), "they may be of the next index")
	defer func(old time.Duration) { thumbnailRest = old }(thumbnailRest)
	thumbnailRest = -time.Hour
	night(2)
	require.Equal(t, 6, thumbnails(), "they are of another's run")
	require.NoError(t, bucket.Delete(t.Context(), others))
	require.NoError(t, bucket.Put(t.Context(), thumbnailsPrefix+"logo.jpg", bytes.NewReader(data)))
	night(3)
	require.Equal(t, 3, thumbnails(), "two photos, and what is not Kleid's")
	left, err := os.ReadDir(layout{b.out}.work())
	require.NoError(t, err)
	for _, file := range left {
		require.NotContains(t, file.Name(), "others")
	}
}

// Shards of one scratch put their own thumbnails alone: what was removed in S3 does not come back.
func TestShardsPutTheirOwnThumbnails(t *testing.T) {
	b := newBench(t, pictures(0, 12))
	bucket := fakeS3(t, "index", nil)
	scratch := filepath.Join(filepath.Dir(b.out), "shards")
	shards := func(job string) {
		for i := range 2 {
			options := b.options()
			options.Out, options.Scratch, options.Store = "s3://shop/index", scratch, nil
			_, err := RunShard(t.Context(), options, Shard{i, 2, job})
			require.NoError(t, err)
		}
	}
	shards("monday")
	require.Len(t, keysOf(t, bucket, thumbnailsPrefix), 12)
	for i := range 7 {
		require.NoError(t, os.Remove(filepath.Join(b.photos, pictureName(i))))
	}
	for _, key := range keysOf(t, bucket, thumbnailsPrefix) {
		require.NoError(t, bucket.Delete(t.Context(), key))
	}
	shards("tuesday")
	require.Len(t, keysOf(t, bucket, thumbnailsPrefix), 5)
	here := 0
	require.NoError(t, filepath.WalkDir(scratch, func(path string, _ os.DirEntry, err error) error {
		if filepath.Ext(path) == ".jpg" {
			here++
		}
		return err
	}))
	require.Equal(t, 5, here)
}

// A commit that comes late, when the next night's shards are at work, leaves them the thumbnails that they count on.
func TestThumbnailsOfTheNextNight(t *testing.T) {
	defer func(old time.Duration) { thumbnailRest = old }(thumbnailRest)
	thumbnailRest = -time.Hour
	for _, place := range []string{"folder", "S3"} {
		t.Run(place, func(t *testing.T) {
			b := newBench(t, pictures(0, 6))
			var err error
			var bucket storage.Bucket
			if place == "S3" {
				bucket = fakeS3(t, "index", nil)
			} else if bucket, err = storage.Open(t.Context(), b.out); err != nil {
				t.Fatal(err)
			}
			options := func(machine string) Options {
				o := b.options()
				if place == "S3" {
					o = b.machine(t, machine)
				}
				o.Keep, o.Force = 0, true
				return o
			}
			shard := func(job string) {
				t.Helper()
				_, err := RunShard(t.Context(), options("of "+job), Shard{0, 1, job})
				require.NoError(t, err)
			}
			commit := func(job string) {
				t.Helper()
				report, err := CommitShards(t.Context(), options("committer"), job, 1)
				require.NoError(t, err)
				require.True(t, report.Published)
			}
			returns := filepath.Join(b.photos, pictureName(5))
			data, err := os.ReadFile(returns)
			require.NoError(t, err)
			thumbnail := thumbnailsPrefix + filepath.ToSlash(ThumbnailPath(photo.ID(data)))
			isThere := func() bool {
				_, err := bucket.Stat(t.Context(), thumbnail)
				return err == nil
			}
			shard("sunday")
			commit("sunday")
			require.NoError(t, os.Remove(returns))
			shard("monday")
			require.NoError(t, os.WriteFile(returns, data, 0o644))
			shard("tuesday")
			commit("monday")
			require.True(t, isThere())
			commit("tuesday")
			require.True(t, isThere())
			require.NoError(t, os.Remove(returns))
			shard("wednesday")
			commit("wednesday")
			require.False(t, isThere())
		})
	}
}
