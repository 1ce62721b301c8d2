package bench

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

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
	require.Contains(t, loadText([]LoadFigures{f}), "3 of 5 refused")

	l.requests = []loadRequest{{url: server.URL + "/wrong"}}
	_, err = l.run(context.Background(), 2, 1e9)
	require.ErrorContains(t, err, "404 Not Found: no such product")
}
