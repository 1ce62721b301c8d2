package indexer

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/indexer/source"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/vectors/embedded"
)

// Of rows with the same id the store has the first with a dress, also if an earlier one was not readable; those that the
// gate asks for are of the store.
func TestFirstReadableRowIsStored(t *testing.T) {
	model := newStub()
	meta := model.meta
	meta.Run, meta.CreatedAt = "20261127T020000000Z-1a2b3c", time.Now().UTC().Truncate(time.Millisecond)
	j, err := openJournal(t.TempDir(), meta, "cells-1", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer j.Close()
	seen := func(number int) finding {
		m, err := photo.Decode(picture(ordinaryWidth, number), photo.DefaultLimits())
		require.NoError(t, err)
		s := newSighting(photoKey{byte(number)}, m, model.answer(m), meta.Facets)
		require.NoError(t, j.Append([]sighting{s}))
		return finding{key: s.key, hasKey: true}
	}
	unreadable := finding{err: "cut off"}
	r := &rows{journal: j, meta: meta, indexedAt: meta.CreatedAt, watch: &stopwatch{}}
	for _, row := range []struct {
		product string
		finding finding
	}{{"twice", unreadable}, {"twice", seen(1)}, {"changed", seen(2)}, {"changed", seen(3)}, {"changed", unreadable}, {"gone", unreadable}, {"once", seen(4)}} {
		r.entries = append(r.entries, source.Entry{ProductID: row.product, Source: row.product + ".png"})
		r.findings = append(r.findings, row.finding)
	}

	dir := t.TempDir()
	store, err := embedded.Open(dir)
	require.NoError(t, err)
	writer, err := store.Create(t.Context(), meta)
	require.NoError(t, err)
	w, err := r.write(t.Context(), filepath.Join(dir, "rows.parquet"), writer, func(int) {})
	require.NoError(t, err)
	require.NoError(t, writer.Finish(t.Context()))
	require.Equal(t, []int{3, 4, 3, 3}, []int{w.stored, w.ok, w.unreadable, w.repeated})
	require.Len(t, w.exact.probes, 3)

	index, err := store.Open(t.Context(), meta.Run)
	require.NoError(t, err)
	defer index.Close()
	for product, photo := range map[string]int{"twice": 1, "changed": 2, "once": 4} {
		got, err := index.Get(t.Context(), catalog.NewRowID(product, product+".png"))
		require.NoError(t, err)
		require.Equal(t, photoKey{byte(photo)}.String(), got[0].PhotoID)
		require.Contains(t, w.exact.probes, got[0])
	}
	require.NoError(t, verify(t.Context(), index, meta, w.stored, w.exact.probes))
	recall, _, err := w.exact.recall(t.Context(), index)
	require.NoError(t, err)
	require.Equal(t, 1.0, recall)
}
