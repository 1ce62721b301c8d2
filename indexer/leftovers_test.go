package indexer

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/storage"
)

// What kills have left of files that were being written goes when the next job begins, and so do the runs that they kept.
func TestLeftoversOfKills(t *testing.T) {
	b := newBench(t, pictures(0, 3))
	first := b.run(t)
	journal := filepath.Join("work", journalName(b.embedder.meta))
	left := []string{
		".latest.123", ".report.json.9", ".report.html.9", "metrics.prom77", "work/.known.77", "work/result-5", "work/.job.json.4", "work/.store.4", "work/.pending.json.4",
		"work/others.parquet.tmp", "run=" + first.Run + "/.part-000.parquet.88", journal + "/.000000-0123456789ab.log.1", journal + "/.000000.log.1", journal + "/.model.json.1",
		"run=20261127T020000000Z-1a2b3c/.part-000.parquet.1", // of one that was never whole
	}
	shops := []string{".latest.bak", "notes.prom7", "work/result-of-monday", "run=mine/.part-000.parquet.88", "run=" + first.Run + "/notes.txt"}
	for _, name := range append(left, shops...) {
		path := filepath.Join(b.out, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	}
	options := b.options()
	options.Keep = 0
	_, err := Run(t.Context(), options)
	require.NoError(t, err)
	for _, name := range left {
		require.NoFileExists(t, filepath.Join(b.out, filepath.FromSlash(name)))
	}
	for _, name := range shops {
		require.FileExists(t, filepath.Join(b.out, filepath.FromSlash(name)))
	}
	require.NoDirExists(t, filepath.Join(b.out, "run=20261127T020000000Z-1a2b3c"))

	// A shard's as well.
	shard := Shard{0, 1, "monday"}
	own := filepath.Join(b.out, filepath.FromSlash(shard.work()))
	left = []string{filepath.Join(own, "work", "result-5"), filepath.Join(own, ".put-5.tmp")}
	require.NoError(t, os.MkdirAll(filepath.Join(own, "work"), 0o755))
	for _, name := range left {
		require.NoError(t, os.WriteFile(name, nil, 0o600))
	}
	_, err = RunShard(t.Context(), b.options(), shard)
	require.NoError(t, err)
	for _, name := range left {
		require.NoFileExists(t, name)
	}
}

// What shards saw and nobody committed, and what shards of another number know, goes after a while, unless they may be at
// work.
func TestLeftoversOfShards(t *testing.T) {
	b := newBench(t, pictures(0, 6))
	l := layout{b.out}
	shards := func(job string, count int, machines ...int) {
		for _, i := range machines {
			_, err := RunShard(t.Context(), b.options(), Shard{i, count, job})
			require.NoError(t, err)
		}
	}
	commit := func(job string, count int) {
		report, err := CommitShards(t.Context(), b.options(), job, count)
		require.NoError(t, err)
		require.True(t, report.Published)
	}
	age := func(root string, days int) {
		then := time.Now().AddDate(0, 0, -days)
		require.NoError(t, filepath.WalkDir(filepath.Join(l.work(), root), func(name string, _ fs.DirEntry, err error) error {
			require.NoError(t, err)
			return os.Chtimes(name, then, then)
		}))
	}
	shards("sunday", 2, 0) // the other machine broke
	shards("monday", 2, 0, 1)
	age("jobs/sunday", 6)
	commit("monday", 2)
	require.FileExists(t, filepath.Join(b.out, filepath.FromSlash(Shard{0, 2, "sunday"}.result(shardDone))))
	age("jobs/sunday", 8)
	put := filepath.Join(l.work(), "jobs", "sunday", ".put-1.tmp")
	require.NoError(t, os.WriteFile(put, nil, 0o600))
	shards("tuesday", 3, 0, 1, 2)
	age("shards/0-of-2", 31)
	commit("tuesday", 3)
	require.NoFileExists(t, filepath.Join(b.out, filepath.FromSlash(Shard{0, 2, "sunday"}.result(shardDone))))
	require.FileExists(t, knownPath(filepath.Join(l.work(), "shards", "0-of-2", "work")), "the other shard was at work not long ago")

	known := func() []string {
		found, err := filepath.Glob(filepath.Join(escaped(l.work()), "shards", "*-of-2", "work", "known"))
		require.NoError(t, err)
		return found
	}
	sweep := func(days int) {
		t.Helper()
		bucket, err := storage.Open(t.Context(), b.out)
		require.NoError(t, err)
		now := time.Now().AddDate(0, 0, days)
		require.NoError(t, sweepShards(t.Context(), bucket, "wednesday", 3, now, l.hasShard))
		require.NoError(t, l.removeShardFolders(now))
	}
	unlock, err := lock(filepath.Join(l.work(), "shards", "1-of-2"))
	require.NoError(t, err)
	sweep(31)
	require.Len(t, known(), 2, "one is at work")
	unlock()
	shards("monday", 2, 0)
	age("jobs/monday", -31)
	sweep(31)
	require.Len(t, known(), 2, "what one saw waits for its commit")
	age("jobs/monday", 31)
	sweep(31)
	require.Empty(t, known())
	sweep(62)
	require.NoDirExists(t, filepath.Join(l.work(), "jobs", "sunday"))
	require.NoDirExists(t, filepath.Join(l.work(), "shards", "1-of-2"))
	require.FileExists(t, knownPath(filepath.Join(l.work(), "shards", "2-of-3", "work")), "those of this number stay")
	for _, key := range []string{(Shard{2, 3, "tuesday"}).try(), (Shard{2, 3, "tuesday"}).published(shardDone)} {
		require.FileExists(t, filepath.Join(b.out, filepath.FromSlash(key)))
	}
}

// What is written goes by names that tell what a kill has left of it.
func TestNamesOfWhatIsWritten(t *testing.T) {
	for pattern, form := range map[string]*regexp.Regexp{
		".latest.*": temporary, ".put-*.tmp": temporary, "." + strings.Repeat("a1", 32) + ".jpg.*": ownThumbnail,
	} {
		for range 10 {
			f, err := storage.CreateTemp(t.TempDir(), pattern, 0o600)
			require.NoError(t, err)
			require.NoError(t, f.Close())
			require.Regexp(t, form, filepath.Base(f.Name()))
		}
	}
}

// A folder of shards goes with what a kill has left in it, unless something in it may be in use: then all of it stays.
func TestRemoveEmptyTree(t *testing.T) {
	root := filepath.Join(t.TempDir(), "0-of-2")
	left, used := filepath.Join(root, "work", ".put-1.tmp"), filepath.Join(root, "work", "z.log")
	require.NoError(t, os.MkdirAll(filepath.Dir(left), 0o755))
	for _, name := range []string{left, used} {
		require.NoError(t, os.WriteFile(name, nil, 0o600))
	}
	later := time.Now().Add(time.Hour)
	require.NoError(t, removeEmptyTree(root, later))
	require.FileExists(t, left)
	require.NoError(t, os.Remove(used))
	require.NoError(t, removeEmptyTree(root, later.Add(-2*time.Hour)))
	require.FileExists(t, left, "it is young")
	require.NoError(t, removeEmptyTree(root, later))
	require.NoDirExists(t, root)
}

// A catalogue may have folders of such names as an index has.
func TestIsIndex(t *testing.T) {
	for _, test := range []struct {
		is    bool
		names []string
	}{
		{true, []string{"latest", "run=20261127T020000000Z-1a2b3c", "summer"}},
		{true, []string{"lock", "work", "thumbnails"}},
		{false, []string{"latest", "run=summer"}},
		{false, []string{"latest", "20261127T020000000Z-1a2b3c"}},
		{false, []string{"run=20261127T020000000Z-1a2b3c", "work", "thumbnails"}},
	} {
		root := t.TempDir()
		for _, name := range test.names {
			require.NoError(t, os.Mkdir(filepath.Join(root, name), 0o755))
		}
		files, err := os.ReadDir(root)
		require.NoError(t, err)
		require.Equal(t, test.is, isIndex(files), test.names)
	}
}
