package indexer

import (
	"context"
	"io"
	"net/http"
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
