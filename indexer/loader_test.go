package indexer

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// A location is read once, however many entries have it, and all of them share what came of that: a shop that lists a
// product once for each size gives each of its photos several times.
func TestEachLocationIsReadOnce(t *testing.T) {
	of := func(location, size string) Entry {
		return Entry{ProductID: "dress " + location, Source: location, Location: location, Attributes: map[string]string{"size": size}}
	}
	entries := []Entry{of("cut", "S"), of("whole", "S"), {Source: "catalogue.csv:4", Err: "no photo"}, of("cut", "M"), of("whole", "M"), of("whole", "L"), {Source: "catalogue.csv:8", Err: "no photo"}}
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
