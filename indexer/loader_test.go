package indexer

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/indexer/source"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// A location is read once, however many entries have it, and all of them share what came of that: a shop that lists a
// product once for each size gives each of its photos several times.
func TestEachLocationIsReadOnce(t *testing.T) {
	of := func(location, size string) source.Entry {
		return source.Entry{ProductID: "dress " + location, Source: location, Location: location, Attributes: map[string]string{"size": size}}
	}
	entries := []source.Entry{of("cut", "S"), of("whole", "S"), {Source: "catalogue.csv:4", Err: "no photo"}, of("cut", "M"), of("whole", "M"), of("whole", "L"), {Source: "catalogue.csv:8", Err: "no photo"}}
	dir := t.TempDir()
	j, err := openJournal(dir, newStub().meta, "cells-1", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer j.Close()

	l := newLoader(entries)
	l.limits, l.workers, l.journal, l.thumbnails, l.watch = photo.DefaultLimits(), 3, j, thumbnails{dir: dir}, &stopwatch{}
	var mu sync.Mutex
	reads, good, bad := map[string]int{}, 0, 0
	l.fetch = func(_ context.Context, location string, _ storage.Info) ([]byte, storage.Info, error) {
		mu.Lock()
		defer mu.Unlock()
		if reads[location]++; location == "cut" && reads[location] == 1 {
			return nil, storage.Info{}, io.ErrUnexpectedEOF
		}
		return picture(ordinaryWidth, 1), storage.Info{ETag: "one"}, nil
	}
	l.done = func(isBad bool) {
		mu.Lock()
		defer mu.Unlock()
		if isBad {
			bad++
		} else {
			good++
		}
	}
	out := make(chan loaded, len(entries))
	require.NoError(t, l.run(t.Context(), out))
	require.Len(t, out, 1)
	l.release((<-out).key, "")

	require.Equal(t, map[string]int{"cut": 1, "whole": 1}, reads)
	require.Equal(t, []int{3, 4}, []int{good, bad}, "each entry is counted")
	require.NotEmpty(t, l.findings[0].err)
	require.Equal(t, l.findings[0], l.findings[3])
	require.True(t, l.findings[1].hasKey)
	require.Equal(t, l.findings[1], l.findings[4])
	require.Equal(t, l.findings[1], l.findings[5])
	require.Equal(t, "no photo", l.findings[6].err)
	require.Len(t, l.learned(), 1)
}

// Photos of a server are waited for side by side, since that takes no CPU; as many are decoded at once as there are CPUs.
func TestPhotosOfAServerAreWaitedForTogether(t *testing.T) {
	var entries []source.Entry
	for i := range asksAtOnce {
		at := fmt.Sprintf("https://cdn.shop.example/%d.jpg", i)
		entries = append(entries, source.Entry{ProductID: at, Source: at, Location: at})
	}
	r := &runner{entries: entries}
	require.GreaterOrEqual(t, r.readers(), asksAtOnce)
	require.Equal(t, runtime.GOMAXPROCS(0), (&runner{entries: []source.Entry{{Location: "photos/1.jpg"}}}).readers())
	r.Workers = 3
	require.Equal(t, 3, r.readers())

	dir := t.TempDir()
	j, err := openJournal(dir, newStub().meta, "cells-1", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer j.Close()
	l := newLoader(entries)
	require.Equal(t, runtime.GOMAXPROCS(0), cap(l.decoding))
	l.limits, l.workers, l.journal, l.thumbnails, l.watch = photo.DefaultLimits(), asksAtOnce, j, thumbnails{dir: dir}, &stopwatch{}
	l.done = func(bool) {}
	var asked sync.WaitGroup
	asked.Add(asksAtOnce)
	l.fetch = func(_ context.Context, location string, _ storage.Info) ([]byte, storage.Info, error) {
		asked.Done()
		asked.Wait() // until all others are asked for as well
		return picture(ordinaryWidth, len(location)), storage.Info{}, nil
	}
	out := make(chan loaded, asksAtOnce)
	require.NoError(t, l.run(t.Context(), out))
	require.Len(t, out, 2, "addresses have two lengths")
}
