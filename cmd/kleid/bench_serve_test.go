package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/bench"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
)

func TestBenchServe(t *testing.T) {
	s := newShop(t)
	r := kleid(t, "bench", "serve", "--index", s.index, "--clients", "1,3", "--seconds", "1e-9", "--json")
	require.Equal(t, exit.Done, r.code, r.stderr)
	figures := decodeLine[[]bench.LoadFigures](t, r)
	require.Len(t, figures, 6, "three kinds of requests, by one client and by three")
	for i, f := range figures {
		require.Equal(t, []int{1, 3}[i%2], f.Clients)
		require.Equal(t, f.Clients, f.Answered, "each client has one answer at least")
		require.Positive(t, f.RequestsPerSecond, f.What)
		require.LessOrEqual(t, f.LatencyP50, f.LatencyP99)
		require.Zero(t, f.Refused)
	}

	r = kleid(t, "bench", "serve", "--products", "1", "--clients", "1", "--seconds", "1e-9")
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Contains(t, r.stdout, "search by photo")
	require.Contains(t, r.stdout, " requests/s, ")
}
