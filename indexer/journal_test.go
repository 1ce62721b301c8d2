package indexer

import (
	"bytes"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
)

var silent = slog.New(slog.DiscardHandler)

func testSighting(n int) sighting {
	s := sighting{key: photoKey{byte(n), byte(n >> 8), 7}, status: catalog.StatusOK, width: int32(n), height: math.MaxInt32}
	if n%4 == 3 {
		s.status = catalog.StatusNoDress
		return s
	}
	s.box = catalog.Box{XMin: -1, YMin: 0, XMax: int32(n), YMax: math.MaxInt32}
	s.confidence, s.told = float32(n)/7, n%4 == 2
	s.facets = []facetSighting{{label: int32(n % 3), probability: 0.1}, {label: noLabel}}
	for i := range n % 3 {
		s.colours = append(s.colours, catalog.Colour{Name: []string{"red", "light-blue"}[i], L: float32(n), A: -1, B: 0.5, Share: 1 / float32(i+1)})
	}
	for i := range 8 {
		s.unsupervised = append(s.unsupervised, float32(n)+float32(i)/3)
	}
	s.deepRank = []float32{0, -1, math.SmallestNonzeroFloat32, math.MaxFloat32}
	return s
}

func testSightings(first, n int) []sighting {
	var all []sighting
	for i := first; i < first+n; i++ {
		all = append(all, testSighting(i))
	}
	return all
}

func openTestJournal(t *testing.T, dir string) *journal {
	j, err := openJournal(dir, newStub().meta, "cells-1", silent)
	require.NoError(t, err)
	t.Cleanup(func() { j.Close() })
	return j
}

func requireHas(t *testing.T, j *journal, sightings []sighting) {
	for _, want := range sightings {
		require.True(t, j.Has(want.key, false))
		got, ok, err := j.Get(want.key)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, want, got)
	}
}

func segments(t *testing.T, j *journal) []string {
	files, err := os.ReadDir(j.dir)
	require.NoError(t, err)
	var names []string
	for _, file := range files {
		if file.Name() != modelFile {
			names = append(names, file.Name())
		}
	}
	return names
}

func TestJournal(t *testing.T) {
	dir := t.TempDir()
	j := openTestJournal(t, dir)
	require.Zero(t, j.Len())
	require.NoError(t, j.Append(nil))
	require.Empty(t, segments(t, j), "nothing is made before there is need")
	_, ok, err := j.Get(photoKey{1})
	require.NoError(t, err)
	require.False(t, ok)
	require.NoError(t, j.Append(testSightings(0, 5)))
	requireHas(t, j, testSightings(0, 5))
	require.NoError(t, j.Append(testSightings(5, 4)))
	require.NoError(t, j.Close())
	for reopened := 1; reopened <= 2; reopened++ {
		j = openTestJournal(t, dir)
		require.Equal(t, 8+reopened, j.Len())
		requireHas(t, j, testSightings(0, 9))
		require.NoError(t, j.Append(testSightings(8+reopened, 1)))
		require.Len(t, segments(t, j), reopened+1)
		require.NoError(t, j.Close())
	}
}

// Wherever a kill or a failing disk cuts a segment, the photos before the cut are known, those after it
// are not, and the journal goes on.
func TestTornJournal(t *testing.T) {
	whole := t.TempDir()
	j := openTestJournal(t, whole)
	all := testSightings(0, 6)
	var ends []int64 // of the records
	for _, s := range all {
		require.NoError(t, j.Append([]sighting{s}))
		ends = append(ends, j.end)
	}
	name := j.active.Name()
	require.NoError(t, j.Close())
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	require.EqualValues(t, len(data), ends[len(ends)-1])
	check := func(content []byte, keeps int) {
		require.NoError(t, os.WriteFile(name, content, 0o644))
		j := openTestJournal(t, whole)
		require.Equal(t, keeps, j.Len())
		requireHas(t, j, all[:keeps])
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.LessOrEqual(t, info.Size(), append([]int64{int64(len(segmentMagic))}, ends...)[keeps], "the rest is cut off")
		require.NoError(t, j.Append(all[keeps:]))
		requireHas(t, j, all)
		require.NoError(t, j.Close())
		j = openTestJournal(t, whole)
		requireHas(t, j, all)
		require.NoError(t, j.Close())
		for _, segment := range segments(t, j) {
			require.NoError(t, os.Remove(filepath.Join(j.dir, segment)))
		}
	}
	for cut := 0; cut <= len(data); cut += 3 {
		check(data[:cut], countUpTo(ends, int64(cut)))
	}
	for at := 0; at < len(data); at += 5 {
		flipped := slices.Clone(data)
		flipped[at] ^= 1
		check(flipped, countUpTo(ends, int64(at)))
	}
	check(append(slices.Clone(data), make([]byte, 100)...), len(all))
	check(append(slices.Clone(data), 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5), len(all))
}

func countUpTo(ends []int64, at int64) int {
	n := 0
	for _, end := range ends {
		if end <= at {
			n++
		}
	}
	return n
}

func TestCompact(t *testing.T) {
	dir := t.TempDir()
	for i := range maxSegments + 1 {
		j := openTestJournal(t, dir)
		require.NoError(t, j.Append(testSightings(3*i, 3)))
		require.NoError(t, j.Close())
	}
	all := testSightings(0, 3*(maxSegments+1))
	j := openTestJournal(t, dir)
	require.Len(t, segments(t, j), maxSegments+1)
	require.NoError(t, j.Compact(func(photoKey) bool { return true }))
	require.Len(t, segments(t, j), 1)
	requireHas(t, j, all)
	require.NoError(t, j.Append(testSightings(1000, 2)), "it goes on after compaction")
	requireHas(t, j, testSightings(1000, 2))

	// Less than half is dead: it stays.
	live := make(map[photoKey]bool)
	for _, s := range all[:60] {
		live[s.key] = true
	}
	require.NoError(t, j.Compact(func(key photoKey) bool { return live[key] }))
	require.Equal(t, len(all)+2, j.Len())
	// More than half is dead: it goes.
	for _, s := range all[20:60] {
		delete(live, s.key)
	}
	require.NoError(t, j.Compact(func(key photoKey) bool { return live[key] }))
	require.Equal(t, 20, j.Len())
	requireHas(t, j, all[:20])
	require.NoError(t, j.Close())

	// A kill in the middle of compaction leaves a file that nobody reads, or both segments.
	files := segments(t, j)
	require.Len(t, files, 1)
	data, err := os.ReadFile(filepath.Join(j.dir, files[0]))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(j.dir, "compact.tmp"), data[:len(data)/2], 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(j.dir, "999999.log"), data, 0o644))
	j = openTestJournal(t, dir)
	require.Equal(t, 20, j.Len())
	requireHas(t, j, all[:20])
}

func TestJournalNames(t *testing.T) {
	names := map[string]bool{journalName(newStub().meta): true}
	for i, change := range []func(*catalog.Metadata){
		func(m *catalog.Metadata) { m.EmbeddingModel = "x" },
		func(m *catalog.Metadata) { m.FacetModel = "x" },
		func(m *catalog.Metadata) { m.EmbeddingModel, m.FacetModel = m.FacetModel, m.EmbeddingModel },
		func(m *catalog.Metadata) { m.UnsupervisedSize++ },
		func(m *catalog.Metadata) { slices.Reverse(m.Facets[0].Labels) },
	} {
		meta := newStub().meta
		change(&meta)
		require.False(t, names[journalName(meta)], "%d", i)
		names[journalName(meta)] = true
	}
	meta := newStub().meta
	meta.Run = "another"
	require.True(t, names[journalName(meta)], "the run does not matter")
}

// Whatever the bytes of a segment, what is read of it is read the same again.
func FuzzSegment(f *testing.F) {
	codec := newSightingCodec(newStub().meta)
	j, err := openJournal(f.TempDir(), newStub().meta, "cells-1", silent)
	require.NoError(f, err)
	require.NoError(f, j.Append(testSightings(0, 4)))
	data, err := os.ReadFile(j.active.Name())
	require.NoError(f, err)
	require.NoError(f, j.Close())
	f.Add(data)
	f.Add(data[:len(data)-5])
	f.Add([]byte(segmentMagic + "\xff\xff\xff\xff    "))
	f.Fuzz(func(t *testing.T, data []byte) {
		count := func(data []byte) (records int, whole int64) {
			whole, err := readSegment(bytes.NewReader(data), func(offset int64, payload []byte) bool {
				require.Equal(t, payload, data[offset:offset+int64(len(payload))])
				_, err := codec.decode(payload)
				records++
				return err == nil
			})
			require.NoError(t, err)
			return records, whole
		}
		records, whole := count(data)
		require.LessOrEqual(t, whole, int64(len(data)))
		again, same := count(data[:whole])
		require.Equal(t, whole, same)
		require.LessOrEqual(t, again, records)
	})
}

// Every payload that is taken is written back as it was.
func FuzzSighting(f *testing.F) {
	codec := newSightingCodec(newStub().meta)
	for i := range 4 {
		f.Add(codec.append(nil, testSighting(i)))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		s, err := codec.decode(payload)
		if err != nil {
			return
		}
		require.NoError(t, codec.check(s))
		require.Equal(t, payload, codec.append(nil, s))
		var row catalog.Row
		s.fill(&row, newStub().meta.Facets)
		require.Contains(t, []catalog.Status{catalog.StatusOK, catalog.StatusNoDress}, row.Status)
	})
}

func TestSightingSize(t *testing.T) {
	codec := newSightingCodec(newStub().meta)
	for i := range 4 {
		s := testSighting(i)
		s.colours = nil
		payload := codec.append(nil, s)
		require.Len(t, payload, codec.size(payload[0]), fmt.Sprint(i))
	}
}
