package searcher

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/photo"
)

// TestDefaultOptions: who sets no limit has those that are documented, rather than none or such that let nothing pass.
func TestDefaultOptions(t *testing.T) {
	shop := newShop(t)
	options := Options{Store: shop.store, Embedder: shop.embedder}
	require.NoError(t, options.complete())
	require.Equal(t, DefaultTimeout, options.Timeout)
	require.Equal(t, DefaultConnections, options.MaxConnections)
	require.Equal(t, DefaultEmbeds(), options.Embeds)
	require.Equal(t, photo.DefaultLimits(), options.Limits)
	require.Positive(t, options.Queue)
	require.Positive(t, options.Recent)
	require.Positive(t, options.Poll)
	require.NotNil(t, options.Logger)

	for _, wrong := range []Options{
		{Embedder: shop.embedder}, {Store: shop.store},
		{Store: shop.store, Embedder: shop.embedder, Limits: photo.Limits{MaxBytes: 1}},
		{Store: shop.store, Embedder: shop.embedder, Limits: photo.Limits{MaxPixels: 1}},
	} {
		require.ErrorContains(t, wrong.complete(), "searcher: ")
	}
}
