package report

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/storage"
)

// states are the stages of a report, by their titles.
func states(r *Report) map[string]string {
	all := map[string]string{}
	for _, s := range r.Stages {
		all[s.Title] = s.State
	}
	return all
}

// TestInterruptedReports are gone on with: what is done stays, what was killed runs again in its place.
func TestInterruptedReports(t *testing.T) {
	bucket, err := storage.Open(t.Context(), t.TempDir())
	require.NoError(t, err)
	r, err := Open(t.Context(), bucket)
	require.NoError(t, err)
	require.Empty(t, r.Stages)
	r.Begin("trunk")
	r.Train("trunk", "Trunk")
	r.EndStage(t.Context(), "trunk", nil)
	r.Begin("facets")
	require.Equal(t, map[string]string{"Trunk": Done, "facets": Running}, states(r))
	r.Train("facets", "Sleeve")
	r.Train("facets", "Neckline")
	want := map[string]string{"Trunk": Done, "Sleeve": Done, "Neckline": Running}
	require.Equal(t, want, states(r))
	require.NoError(t, r.Write(t.Context(), bucket))

	r, err = Open(t.Context(), bucket) // the program was killed
	require.NoError(t, err)
	require.False(t, r.Updated.IsZero())
	require.Equal(t, Interrupted, r.State)
	require.Equal(t, map[string]string{"Trunk": Done, "Sleeve": Done, "Neckline": Interrupted}, states(r))
	r.Begin("facets")
	require.Equal(t, Running, r.State)
	require.Equal(t, want, states(r))
	r.Train("facets", "Neckline")
	require.Len(t, r.Stages, 3)
	r.EndStage(t.Context(), "facets", errors.New("no photos"))
	require.Equal(t, map[string]string{"Trunk": Done, "Sleeve": Done, "Neckline": Failed}, states(r))
	require.Equal(t, "no photos", r.Stages[2].Error)

	r.Begin("trunk") // anew
	require.Equal(t, "trunk", r.Stages[0].Title)
	r.Train("trunk", "Trunk")
	require.Len(t, r.Stages, 3)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.End(ctx, ctx.Err())
	require.Equal(t, map[string]string{"Trunk": Interrupted, "Sleeve": Done, "Neckline": Failed}, states(r))
	require.Equal(t, Interrupted, r.State)
}
