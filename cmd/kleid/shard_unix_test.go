//go:build unix

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/storage"
	"github.com/kleid-search/kleid/storage/storagetest"
)

// TestShardsInS3 lets two processes embed a part each into S3, and a third make the index of it: the one that a single
// process makes of the same photos in a folder.
func TestShardsInS3(t *testing.T) {
	s := newShop(t)
	storagetest.S3(t, "shop")
	bucket, err := storage.Open(t.Context(), "s3://shop/photos")
	require.NoError(t, err)
	folder := t.TempDir()
	for _, photo := range s.photos(t) {
		data, err := os.ReadFile(photo)
		require.NoError(t, err)
		write(t, filepath.Join(folder, filepath.Base(photo)), data)
		require.NoError(t, bucket.Put(t.Context(), filepath.Base(photo), bytes.NewReader(data)))
	}
	alone := t.TempDir()
	require.Equal(t, exit.Done, kleid(t, "index", "--catalogue", folder, "--out", alone).code)

	scratch := t.TempDir()
	args := func(machine string, more ...string) []string {
		return append([]string{"--catalogue", "s3://shop/photos", "--out", "s3://shop/index", "--scratch", filepath.Join(scratch, machine), "--job", "monday"}, more...)
	}
	early := kleid(t, append([]string{"index", "commit"}, args("c", "--shards", "2")...)...)
	require.Equal(t, exit.Failed, early.code)
	require.Contains(t, early.stderr, "shard 0-of-2 of job monday is not done")
	first := start(t, append([]string{"index"}, args("a", "--shard", "0/2", "--json")...)...)
	second := start(t, append([]string{"index"}, args("b", "--shard", "1/2", "--json")...)...)
	for _, p := range []*process{first, second} {
		require.Equal(t, exit.Done, p.end(t), p.stderr.String())
	}
	one, two := decodeLine[indexer.ShardReport](t, result{stdout: first.stdout.String()}), decodeLine[indexer.ShardReport](t, result{stdout: second.stdout.String()})
	require.Equal(t, shopProducts*shopPhotos, one.Photos+two.Photos)
	require.Positive(t, one.Photos)
	require.Positive(t, two.Photos)
	require.NoError(t, bucket.Put(t.Context(), "new.jpg", bytes.NewReader([]byte("since then"))))
	r := kleid(t, append([]string{"index", "commit"}, args("c", "--shards", "2", "--wait", "24h")...)...)
	require.Equal(t, exit.Failed, r.code, "waiting does not help")
	require.Contains(t, r.stderr, "no shard has looked at 1 of the")
	require.NoError(t, bucket.Delete(t.Context(), "new.jpg"))
	r = kleid(t, append([]string{"index", "commit"}, args("c", "--shards", "2", "--json")...)...)
	require.Equal(t, exit.Done, r.code, r.stderr)
	report := decodeLine[indexer.Report](t, r)
	require.True(t, report.Published)
	require.Equal(t, timeless(rows(t, alone)), timeless(rows(t, filepath.Join(scratch, "c"))))
	latest, err := storage.Open(t.Context(), "s3://shop/index")
	require.NoError(t, err)
	data, err := storage.ReadAll(t.Context(), latest, "latest", 100)
	require.NoError(t, err)
	require.Equal(t, report.Run+"\n", string(data))

	for problem, wrong := range map[string][]string{
		`--shard is "two"`:            {"index", "--catalogue", folder, "--out", alone, "--job", "x", "--shard", "two"},
		"there is no shard 2 of 2":    {"index", "--catalogue", folder, "--out", alone, "--job", "x", "--shard", "2/2"},
		"--shard needs --job":         {"index", "--catalogue", folder, "--out", alone, "--shard", "0/2"},
		"name a folder of this machi": {"index", "--catalogue", folder, "--out", "s3://shop/index"},
		"--gate-rows does nothing with --shard: give it to kleid index commit": {"index", "--catalogue", folder, "--out", alone, "--job", "x", "--shard", "0/2", "--gate-rows", "0.5"},
		"--notify does nothing with --shard":                                   {"index", "--catalogue", folder, "--out", alone, "--job", "x", "--shard", "0/2", "--notify", "https://hooks.example"},
		"--shards is 0":                                                        {"index", "commit", "--catalogue", folder, "--out", alone, "--job", "x"},
	} {
		r := kleid(t, wrong...)
		require.Equal(t, exit.Usage, r.code, problem)
		require.Contains(t, r.stderr, problem)
	}
}

// TestShardWithTooManyBad has an exit code of its own, and leaves nothing to commit. Variables may be those of all machines.
func TestShardWithTooManyBad(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	folder := t.TempDir()
	for i, photo := range s.photos(t)[:2] {
		data, err := os.ReadFile(photo)
		require.NoError(t, err)
		write(t, filepath.Join(folder, filepath.Base(photo)), data[:len(data)/(1+i)])
	}
	t.Setenv("KLEID_NOTIFY", "https://hooks.example")
	args := []string{"index", "--catalogue", folder, "--out", t.TempDir(), "--job", "x", "--shard", "0/1"}
	r := kleid(t, args...)
	require.Equal(t, exit.TooManyBad, r.code, r.stderr)
	require.Contains(t, r.stderr, "1 of 2 photos are unreadable (1 of them: ")
	require.Contains(t, r.stderr, ", more than the 5% that --max-bad allows: the shard is not done")
	r = kleid(t, append(args, "--max-bad", "0")...)
	require.Equal(t, exit.TooManyBad, r.code, r.stderr)
	require.Contains(t, r.stderr, ", more than the 0 that --max-bad allows: the shard is not done")
	require.Equal(t, exit.Done, kleid(t, append(args, "--force")...).code)
}

// TestShardOfAnArrayJob takes the shard from what Kubernetes and AWS Batch say, and commits when all are done.
func TestShardOfAnArrayJob(t *testing.T) {
	s, err := paintedShop()
	require.NoError(t, err)
	out := t.TempDir()
	shard := func() result {
		return kleid(t, "index", "--catalogue", s.catalogue, "--out", out, "--shard", "auto/2", "--job", "@date", "--json")
	}
	r := shard()
	require.Equal(t, exit.Usage, r.code)
	require.Contains(t, r.stderr, "neither JOB_COMPLETION_INDEX nor AWS_BATCH_JOB_ARRAY_INDEX is set")
	t.Setenv("JOB_COMPLETION_INDEX", "0")
	require.Equal(t, exit.Done, shard().code)
	commit := start(t, "index", "commit", "--catalogue", s.catalogue, "--out", out, "--shards", "2", "--job", "@date", "--wait", "10m", "--json")
	require.Eventually(t, func() bool { return bytes.Contains([]byte(commit.stderr.String()), []byte("waiting for shards")) }, patience, glance)
	require.NoError(t, os.Unsetenv("JOB_COMPLETION_INDEX"))
	t.Setenv("AWS_BATCH_JOB_ARRAY_INDEX", "1")
	require.Equal(t, exit.Done, shard().code)
	require.Equal(t, exit.Done, commit.end(t), commit.stderr.String())
	report := decodeLine[indexer.Report](t, result{stdout: commit.stdout.String()})
	require.Equal(t, shopProducts*shopPhotos, report.OK)
}

// TestServeThumbnailsFromS3 serves an index whose pictures are in S3.
func TestServeThumbnailsFromS3(t *testing.T) {
	s := newShop(t)
	storagetest.S3(t, "shop")
	bucket, err := storage.Open(t.Context(), "s3://shop/index")
	require.NoError(t, err)
	id := rows(t, s.index)[0].PhotoID
	require.NoError(t, bucket.Put(t.Context(), "thumbnails/"+id[:2]+"/"+id+".jpg", bytes.NewReader([]byte("picture"))))
	url := start(t, "serve", "--store", "embedded:"+s.index, "--index", "s3://shop/index", "--listen", "127.0.0.1:0").url(t)
	status, body := get(t, url+"v1/thumbnails/"+id)
	require.Equal(t, 200, status)
	require.Equal(t, "picture", string(body))
	status, _ = get(t, url+"v1/thumbnails/"+rows(t, s.index)[1].PhotoID)
	require.Equal(t, 404, status)
}
