package indexer

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/storage"
	"github.com/kleid-search/kleid/vectors"
)

// refuseS3 lets the fake S3 refuse requests, for good.
func refuseS3(t *testing.T, refuse func(r *http.Request) bool) {
	t.Helper()
	target, err := url.Parse(os.Getenv("AWS_ENDPOINT_URL"))
	require.NoError(t, err)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // which is signed
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuse(r) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
}

// hookedStore calls before and after when a run is published.
type hookedStore struct {
	vectors.Store
	before, after func()
}

func (h hookedStore) Publish(ctx context.Context, run string) error {
	h.before()
	err := h.Store.Publish(ctx, run)
	h.after()
	return err
}

// finishingStore calls finished when the index of a run is whole.
type finishingStore struct {
	vectors.Store
	finished func()
}

func (f finishingStore) Create(ctx context.Context, meta catalog.Metadata) (vectors.Writer, error) {
	w, err := f.Store.Create(ctx, meta)
	return finishingWriter{w, f.finished}, err
}

type finishingWriter struct {
	vectors.Writer
	finished func()
}

func (f finishingWriter) Finish(ctx context.Context) error {
	err := f.Writer.Finish(ctx)
	f.finished()
	return err
}

// What fails when the index is published already, here and in S3, does not make the job a failed one, which a plan would
// repeat.
func TestFailuresAfterPublication(t *testing.T) {
	b := newBench(t, pictures(0, 3))
	bucket := fakeS3(t, "index", nil)
	refuseS3(t, func(r *http.Request) bool {
		return r.Method == http.MethodPut && path.Base(r.URL.Path) == "report.html"
	})
	var log bytes.Buffer
	options := b.machine(t, "a")
	options.Logger = slog.New(slog.NewTextHandler(&log, nil))
	page := filepath.Join(options.Scratch, "report.html")
	report, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.True(t, report.Published)
	requireThere(t, bucket, report.Run)
	require.Contains(t, log.String(), "the reports are on this machine alone")
	require.FileExists(t, page)

	// As on a full disk.
	options.Store = hookedStore{options.Store, func() {}, func() {
		require.NoError(t, os.Remove(page))
		require.NoError(t, os.Mkdir(page, 0o755))
	}}
	report, err = Run(t.Context(), options)
	require.NoError(t, err)
	require.True(t, report.Published)
	require.Contains(t, log.String(), "its report is not whole")
}

// What shards saw and cannot be removed does not make their commit a failed one.
func TestShardsThatCannotBeRemoved(t *testing.T) {
	b := newBench(t, pictures(0, 3))
	bucket := fakeS3(t, "index", nil)
	o := b.machine(t, "shard")
	o.Store = nil
	_, err := RunShard(t.Context(), o, Shard{0, 1, "monday"})
	require.NoError(t, err)
	refuseS3(t, func(r *http.Request) bool { return r.Method == http.MethodDelete })
	var log bytes.Buffer
	o = b.machine(t, "a")
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	report, err := CommitShards(t.Context(), o, "monday", 1)
	require.NoError(t, err)
	require.True(t, report.Published)
	requireThere(t, bucket, report.Run)
	require.Contains(t, log.String(), "what the shards saw is left behind")
}

// silentBucket answers nothing until its caller has had enough.
type silentBucket struct {
	storage.Bucket
	asked int
}

func (s *silentBucket) silence(ctx context.Context) error {
	s.asked++
	<-ctx.Done()
	return ctx.Err()
}

func (s *silentBucket) Get(ctx context.Context, _ string) (io.ReadCloser, error) {
	return nil, s.silence(ctx)
}
func (s *silentBucket) Put(ctx context.Context, _ string, _ io.Reader) error { return s.silence(ctx) }
func (s *silentBucket) Delete(ctx context.Context, _ string) error           { return s.silence(ctx) }

// A bucket that falls silent after publication does not hold the job for hours.
func TestSilenceAfterPublication(t *testing.T) {
	out := t.TempDir()
	writeFiles(t, out, map[string][]byte{reportFile: []byte("{}")})
	synctest.Test(t, func(t *testing.T) {
		bucket := &silentBucket{}
		source := &shardSource{bucket: bucket, at: Shard.result, manifests: make([]shardManifest, 32)}
		for i := range 32 {
			source.shards = append(source.shards, Shard{i, 32, "monday"})
		}
		r := &runner{Options: Options{Logger: slog.New(slog.DiscardHandler)}, layout: layout{out}, remote: bucket, shards: source}
		r.report.Published = true
		began := time.Now()
		r.finish(t.Context())
		require.Equal(t, finishTime, time.Since(began))
		require.Equal(t, 3, bucket.asked, "for the report, for what the shards saw and to remove it")
	})
}

// A night whose first try was published and failed then does not cost yesterday's run when it is repeated.
func TestRepeatedNight(t *testing.T) {
	b := newBench(t, pictures(0, 3))
	bucket := fakeS3(t, "index", nil)
	yesterday, err := Run(t.Context(), b.machine(t, "a"))
	require.NoError(t, err)
	fail := true
	refuseS3(t, func(r *http.Request) bool {
		return fail && r.Method == http.MethodPut && path.Base(r.URL.Path) == parquetFile
	})
	_, err = Run(t.Context(), b.machine(t, "a"))
	require.ErrorContains(t, err, "is published, but not yet in s3://shop/index")
	requireThere(t, bucket, yesterday.Run)
	fail = false
	a := b.machine(t, "a")
	again, err := Run(t.Context(), a)
	require.NoError(t, err)
	requireThere(t, bucket, again.Run)
	runs := func() []string {
		runs, err := layout{a.Scratch}.runs()
		require.NoError(t, err)
		return runs
	}
	require.Equal(t, []string{yesterday.Run, again.PreviousRun, again.Run}, runs())
	tomorrow, err := Run(t.Context(), b.machine(t, "a"))
	require.NoError(t, err)
	require.Equal(t, []string{again.Run, tomorrow.Run}, runs())
}

// Of two jobs at once on two machines the second to publish says so, and store and S3 are at the same run.
func TestTwoJobsAtOnce(t *testing.T) {
	b := newBench(t, pictures(0, 6))
	bucket := fakeS3(t, "index", nil)
	on := func(machine string, shared bool) Options {
		if !shared {
			return b.machine(t, machine)
		}
		options := b.machine(t, machine+" with one store for all")
		options.Store = b.store
		return options
	}
	for _, shared := range []bool{false, true} {
		_, err := Run(t.Context(), on("a", shared))
		require.NoError(t, err)
		var second Report
		other := func() {
			second, err = Run(t.Context(), on("b", shared))
			require.NoError(t, err)
		}
		requireSecond := func(problem string) {
			t.Helper()
			require.ErrorContains(t, err, problem)
			require.ErrorContains(t, err, "run "+second.Run)
			require.ErrorContains(t, err, "et one job at a time write to an index")
			requireThere(t, bucket, second.Run)
			if shared {
				current, err := b.store.CurrentRun(t.Context())
				require.NoError(t, err)
				require.Equal(t, second.Run, current)
			}
		}

		a := on("a", shared)
		a.Store = finishingStore{a.Store, other}
		_, err = Run(t.Context(), a)
		requireSecond("since this one began")
		require.NoFileExists(t, jobPath(a.Scratch), "it leaves nothing behind")
		require.NoFileExists(t, layout{a.Scratch}.unpublished())
		third, err := Run(t.Context(), on("a", shared))
		require.NoError(t, err)
		require.Equal(t, second.Run, third.PreviousRun)
	}

	a := on("a", true)
	a.Store = hookedStore{a.Store, func() {}, func() {
		second, err := Run(t.Context(), on("b", true))
		require.NoError(t, err)
		requireThere(t, bucket, second.Run)
	}}
	_, err := Run(t.Context(), a)
	require.ErrorContains(t, err, "was published, but another job has made run")
	current, err := b.store.CurrentRun(t.Context())
	require.NoError(t, err)
	requireThere(t, bucket, current)
	next, err := Run(t.Context(), on("a", true))
	require.NoError(t, err)
	require.Equal(t, current, next.PreviousRun)
	requireThere(t, bucket, next.Run)
}
