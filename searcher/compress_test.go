package searcher

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// Phones read text compressed; photos are so already.
func TestTextIsCompressed(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 12)
	s := serve(t, shop.options())
	row := shop.rows[0]
	similar := "/v1/products/" + row.ProductID + "/similar"
	for path, compressed := range map[string]bool{similar: true, "/app.js": true, "/v1/thumbnails/" + row.PhotoID: false, "/healthz": false} {
		plain := s.get(path)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
		require.NoError(t, err)
		request.Header.Set("Accept-Encoding", "gzip")
		r := s.do(request)
		require.Equal(t, http.StatusOK, r.status, path)
		if !compressed {
			require.Empty(t, r.header.Get("Content-Encoding"), path)
			continue
		}
		require.Equal(t, "gzip", r.header.Get("Content-Encoding"), path)
		require.Contains(t, r.header.Values("Vary"), "Accept-Encoding", path)
		require.Less(t, len(r.body), len(plain.body)/2, path)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+similar, nil)
	require.NoError(t, err)
	request.Header.Set("Accept-Encoding", "identity")
	require.Empty(t, s.do(request).header.Get("Content-Encoding"))
}
