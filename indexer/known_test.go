package indexer

import (
	"bytes"
	"context"
	"encoding/gob"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/indexer/source"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// age gives photos a time so far back that it tells them from later versions.
func (b *bench) age(t *testing.T, at time.Time) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(b.photos, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			err = os.Chtimes(path, at, at)
		}
		return err
	}))
}

// Photos that have not changed are not read again, and rows are as if they were.
func TestUnchangedPhotosAreNotRead(t *testing.T) {
	files := pictures(0, 5)
	files["broken.jpg"], files["nothing.png"], files["twin.png"] = []byte("no photo"), picture(noDressWidth, 7), picture(ordinaryWidth, 1)
	b := newBench(t, files)
	yesterday := time.Now().Add(-24 * time.Hour).Truncate(time.Second)
	b.age(t, yesterday)
	first := b.run(t)
	require.Equal(t, 1, first.Unreadable)

	// Bytes that change behind the back of size and time show that they were not read.
	path := filepath.Join(b.photos, pictureName(0))
	original, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, make([]byte, len(original)), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(b.photos, "broken.jpg"), []byte("NO PHOTO"), 0o644))
	b.age(t, yesterday)
	second := b.run(t)
	require.Equal(t, []int{first.OK, first.NoDress, first.Unreadable}, []int{second.OK, second.NoDress, second.Unreadable})
	_, firstRows := parquetRows(t, b.out, first.Run)
	_, secondRows := parquetRows(t, b.out, second.Run)
	require.Equal(t, timeless(firstRows), timeless(secondRows))

	// With a new time, by order, or without what is known, they are.
	require.NoError(t, os.Chtimes(path, yesterday.Add(time.Second), yesterday.Add(time.Second)))
	require.Equal(t, 2, b.run(t).Unreadable)
	require.NoError(t, os.WriteFile(path, original, 0o644))
	b.age(t, yesterday.Add(time.Second))
	require.Equal(t, 2, b.run(t).Unreadable)
	options := b.options()
	options.Reread = true
	report, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.Equal(t, 1, report.Unreadable)
	require.NoError(t, os.WriteFile(knownPath(layout{b.out}.work()), []byte("damaged"), 0o644))
	require.Equal(t, 1, b.run(t).Unreadable)
	require.Equal(t, 6, b.embedder.embeddings(t), "five of dresses and one of none, each once")
}

// What is known of photos that a cut catalogue does not have stays until an index without them is published.
func TestKnownPhotosOfACutCatalogue(t *testing.T) {
	b := newBench(t, pictures(0, 20))
	b.age(t, time.Now().Add(-time.Hour))
	aside := t.TempDir()
	move := func(from, to string) {
		for i := range 18 {
			require.NoError(t, os.Rename(filepath.Join(from, pictureName(i)), filepath.Join(to, pictureName(i))))
		}
	}
	for name, night := range map[string]struct {
		work string
		run  func(force bool) bool
	}{
		"job": {layout{b.out}.work(), func(force bool) bool {
			o := b.options()
			o.Force = force
			report, err := Run(t.Context(), o)
			require.NoError(t, err)
			return report.Published
		}},
		"shard": {filepath.Join(layout{b.out}.work(), "shards", "0-of-1", "work"), func(force bool) bool {
			o := b.options()
			_, err := RunShard(t.Context(), o, Shard{0, 1, "night"})
			require.NoError(t, err)
			o.Force = force
			report, err := CommitShards(t.Context(), o, "night", 1)
			require.NoError(t, err)
			_, err = RunShard(t.Context(), b.options(), Shard{0, 1, "next"}) // which forgets, if it may
			require.NoError(t, err)
			return report.Published
		}},
	} {
		t.Run(name, func(t *testing.T) {
			requireKnown := func(n int) {
				t.Helper()
				all, err := readKnown(night.work, photo.DefaultLimits())
				require.NoError(t, err)
				require.Len(t, all, n)
			}
			require.True(t, night.run(false))
			requireKnown(20)
			move(b.photos, aside)
			require.False(t, night.run(false))
			requireKnown(20)
			require.True(t, night.run(true))
			requireKnown(2)
			move(aside, b.photos)
		})
	}
}

// What a photo is known by is of no use if what was seen in it, or its thumbnail, is lost.
func TestKnownPhotosWithoutJournalOrThumbnail(t *testing.T) {
	b := newBench(t, pictures(0, 3))
	b.age(t, time.Now().Add(-time.Hour))
	first := b.run(t)
	require.NoError(t, os.RemoveAll(ThumbnailsFolder(b.out)))
	require.Zero(t, b.run(t).Embedded)
	b.embedder = newStub()
	b.embedder.meta.EmbeddingModel = "trunk-2"
	require.Equal(t, first.Photos, b.run(t).Embedded, "another model")
}

// A photo that is written to while the job runs is read again the next time.
func TestFreshPhotosAreNotTrusted(t *testing.T) {
	b := newBench(t, pictures(0, 2))
	b.run(t)
	all, err := readKnown(layout{b.out}.work(), photo.DefaultLimits())
	require.NoError(t, err)
	require.Empty(t, all)
}

func TestReadKnown(t *testing.T) {
	work := t.TempDir()
	all, err := readKnown(work, photo.DefaultLimits())
	require.NoError(t, err)
	require.Empty(t, all)
	want := map[string]known{
		"a": {Location: "a", Info: storage.Info{Size: 3, ModTime: time.UnixMilli(5).UTC()}, Key: photoKey{1}},
		"b": {Location: "b", Info: storage.Info{ETag: "x"}, Broken: "no photo"},
	}
	require.NoError(t, writeKnown(work, photo.DefaultLimits(), want))
	all, err = readKnown(work, photo.DefaultLimits())
	require.NoError(t, err)
	require.Equal(t, want, all)
	_, err = readKnown(work, photo.Limits{MaxBytes: 1})
	require.ErrorContains(t, err, "other limits")
	data, err := os.ReadFile(knownPath(work))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(knownPath(work), data[:len(data)-3], 0o644))
	all, err = readKnown(work, photo.DefaultLimits())
	require.ErrorContains(t, err, "damaged")
	require.Empty(t, all)

	// What another version could not read, this one may.
	require.Contains(t, knownVersion(photo.DefaultLimits()), photo.Version)
	for _, version := range []string{
		fmt.Sprintf("kleid-known-1 %+v", photo.DefaultLimits()),
		strings.ReplaceAll(knownVersion(photo.DefaultLimits()), photo.Version, "photo-1"),
	} {
		var b bytes.Buffer
		encoder := gob.NewEncoder(&b)
		require.NoError(t, encoder.Encode(version))
		require.NoError(t, encoder.Encode(want["b"]))
		require.NoError(t, os.WriteFile(knownPath(work), b.Bytes(), 0o644))
		all, err = readKnown(work, photo.DefaultLimits())
		require.ErrorContains(t, err, "another version")
		require.Empty(t, all)
	}
}

// A listing that says what was known saves even the question.
func TestListedPhotosAreNotAskedFor(t *testing.T) {
	b := newBench(t, nil)
	info := storage.Info{ETag: "1"}
	var asked atomic.Int64
	load := func(entries []source.Entry, before map[string]known) *loader {
		journal, err := openJournal(t.TempDir(), b.embedder.meta, b.embedder.cells, silent)
		require.NoError(t, err)
		t.Cleanup(func() { journal.Close() })
		l := newLoader(entries)
		l.limits, l.workers, l.journal, l.watch, l.known = photo.DefaultLimits(), 1, journal, &stopwatch{}, before
		l.thumbnails, l.done = thumbnails{dir: t.TempDir()}, func(bool) {}
		l.fetch = func(context.Context, string, storage.Info) ([]byte, storage.Info, error) {
			asked.Add(1)
			return []byte("no photo"), info, nil
		}
		out := make(chan loaded, 1)
		require.NoError(t, l.run(t.Context(), out))
		return l
	}
	entry := source.Entry{Location: "s3://shop/1.jpg", Info: info}
	first := load([]source.Entry{entry}, nil)
	require.Equal(t, int64(1), asked.Load())
	learned := first.learned()
	require.Len(t, learned, 1)
	before := map[string]known{entry.Location: learned[0]}
	second := load([]source.Entry{entry}, before)
	require.Equal(t, int64(1), asked.Load(), "the ETag is the same")
	require.Equal(t, first.broken, second.broken)
	require.Equal(t, learned, second.learned())
	entry.Info.ETag = "2"
	load([]source.Entry{entry}, before)
	require.Equal(t, int64(2), asked.Load())
}
