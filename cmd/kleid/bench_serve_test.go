package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBenchServe(t *testing.T) {
	s := newShop(t)
	r := kleid(t, "bench", "serve", "--index", s.index, "--clients", "1,3", "--seconds", "1e-9", "--json")
	require.Equal(t, exitDone, r.code, r.stderr)
	figures := decodeLine[[]loadFigures](t, r)
	require.Len(t, figures, 6, "three kinds of requests, by one client and by three")
	for i, f := range figures {
		require.Equal(t, []int{1, 3}[i%2], f.Clients)
		require.Equal(t, f.Clients, f.Answered, "each client has one answer at least")
		require.Positive(t, f.RequestsPerSecond, f.What)
		require.LessOrEqual(t, f.LatencyP50, f.LatencyP99)
		require.Zero(t, f.Refused)
	}

	r = kleid(t, "bench", "serve", "--products", "1", "--clients", "1", "--seconds", "1e-9")
	require.Equal(t, exitDone, r.code, r.stderr)
	require.Contains(t, r.stdout, "search by photo")
	require.Contains(t, r.stdout, " requests/s, ")
}

// TestLoad: what is refused is no error and counts apart; what fails ends the measuring and says why.
func TestLoad(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/wrong":
			http.Error(w, "no such product", http.StatusNotFound)
		case asked.Add(1) > 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	l := load{what: "any", requests: []loadRequest{{url: server.URL}}}
	f, err := l.run(context.Background(), 5, 1e-9)
	require.NoError(t, err)
	require.Equal(t, 2, f.Answered)
	require.Equal(t, 3, f.Refused)
	require.Contains(t, loadText([]loadFigures{f}), "3 of 5 refused")

	l.requests = []loadRequest{{url: server.URL + "/wrong"}}
	_, err = l.run(context.Background(), 2, 1e9)
	require.ErrorContains(t, err, "404 Not Found: no such product")
}
