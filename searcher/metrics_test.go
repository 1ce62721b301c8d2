package searcher

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// scrape reads the metrics as Prometheus does.
func scrape(t *testing.T, s *service) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.Metrics().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	return w.Body.String()
}

// TestMetrics counts by route, never by path, and tells which index is served.
func TestMetrics(t *testing.T) {
	shop := newShop(t)
	s := serve(t, shop.options())
	read := func() string { return scrape(t, s) }
	require.NotContains(t, read(), "kleid_index_info", "there is no index yet")
	s.get("/readyz")
	shop.index(t, "r1", 2)
	require.Eventually(t, func() bool { return s.get("/readyz").status == 200 }, 10*time.Second, 10*time.Millisecond)
	s.get("/v1/items/" + shop.rows[0].RowID)
	s.get("/v1/items/" + shop.rows[1].RowID)
	s.get("/v1/items/" + strings.Repeat("0", 64))
	s.get("/nowhere")
	text := read()
	for _, line := range []string{
		`kleid_http_requests_total{code="200",route="/v1/items/:row_id"} 2`,
		`kleid_http_requests_total{code="404",route="/v1/items/:row_id"} 1`,
		`kleid_http_requests_total{code="404",route="none"} 1`,
		`kleid_http_requests_total{code="503",route="/readyz"}`,
		`kleid_http_request_seconds_count{route="/v1/items/:row_id"} 3`,
		`kleid_index_info{embedding_model="`, `run="r1"} 1`, "kleid_index_created_timestamp_seconds ",
	} {
		require.True(t, strings.Contains(text, line), line)
	}
	require.False(t, strings.Contains(text, shop.rows[0].RowID) || strings.Contains(text, "/nowhere"), "paths may be anything")
	require.Equal(t, 404, s.get("/metrics").status, "not on the public address")
}
