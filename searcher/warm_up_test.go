package searcher

import (
	"bytes"
	"log/slog"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWarmUp: all sizes of batches are looked at, with a box and without, and a model that cannot do that ends nothing.
// What was needed for that alone is given back.
func TestWarmUp(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 1)
	for _, poison := range []int{0, 64} {
		b := &batches{stubEmbedder: shop.embedder, entered: make(chan struct{}), proceed: make(chan struct{}), poison: poison}
		close(b.proceed)
		var logged bytes.Buffer
		options := shop.options()
		options.Embedder, options.Logger = b, slog.New(slog.NewTextHandler(&logged, nil))
		s, err := New(t.Context(), options)
		require.NoError(t, err)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		s.WarmUp(t.Context())
		runtime.ReadMemStats(&after)
		require.Greater(t, after.NumForcedGC, before.NumForcedGC, "memory is given back")
		require.NoError(t, s.Shutdown(t.Context()))
		if poison > 0 {
			require.Contains(t, logged.String(), "the model cannot look at photos")
			continue
		}
		require.Equal(t, []int{1, 1, 2, 2, 4, 4}, b.sizes)
		require.NotContains(t, logged.String(), "ERROR")
	}
}
