package searcher

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets/studio"
)

// relabelling is an embedder whose facet heads are new.
type relabelling struct{ Embedder }

func (r relabelling) Metadata() catalog.Metadata {
	meta := r.Embedder.Metadata()
	meta.FacetModel = "today's"
	return meta
}

// TestFacetsOfYesterday warns of each index whose labels are other heads'; it is served all the same.
func TestFacetsOfYesterday(t *testing.T) {
	shop := newShop(t)
	shop.rows = append(shop.rows, shop.row(t, 0, studio.Shot{}))
	shop.publish(t, "r1")
	var logs bytes.Buffer
	options := shop.options()
	options.Embedder, options.Logger = relabelling{options.Embedder}, slog.New(slog.NewTextHandler(&logs, nil))
	e, err := NewEngine(t.Context(), options)
	require.NoError(t, err)
	defer e.Close()
	require.Equal(t, 1, strings.Count(logs.String(), "level=WARN"))
	require.Contains(t, logs.String(), `other facet heads`)
	require.Contains(t, logs.String(), `model=today's run=r1`)
	require.Equal(t, "r1", e.Run())
}
