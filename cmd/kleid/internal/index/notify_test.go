package index

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/indexer"
)

// TestHooksKeepTheirSecrets asks addresses that nobody serves, and some that answer with an error.
func TestHooksKeepTheirSecrets(t *testing.T) {
	user, password := "", ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, ok := r.BasicAuth(); ok {
			user, password = u, p
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	defer server.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, at := range []string{server.URL, gone.URL} {
		hook := at + "/services/T000/hunter2?token=hunter2"
		require.Equal(t, at, address(hook))
		gateway := "http://user:hunter2@" + strings.TrimPrefix(at, "http://") + "/gateway/hunter2?token=hunter2"
		for _, err := range []error{post(t.Context(), hook, nil), pushMetrics(t.Context(), gateway, indexer.Report{})} {
			require.Error(t, err)
			require.NotContains(t, err.Error(), "hunter2")
			require.NotContains(t, err.Error(), "user")
		}
	}
	require.Equal(t, "user hunter2", user+" "+password, "the Pushgateway is told who pushes")
}
