package training

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/datasets"
)

// TestReadTriplets leaves out those whose photos cannot be read, and says which and where they stand.
func TestReadTriplets(t *testing.T) {
	options := tiny(t)
	options.Reference, options.Heads = reference(t), []string{"deeprank"}
	clicks := filepath.Join(t.TempDir(), "clicks.csv")
	require.NoError(t, os.WriteFile(filepath.Join(options.Reference.Dir, "torn.jpg"), []byte("no photo"), 0o600))
	require.NoError(t, os.WriteFile(clicks, []byte("query,a,b,closer,confidence,fold\n"+
		"ccp/photos/0.jpg,ccp/photos/1.jpg,gone.jpg,a,2,\nccp/photos/0.jpg,torn.jpg,ccp/photos/1.jpg,b,2,\nccp/photos/0.jpg,ccp/photos/1.jpg,ccp/photos/3.jpg,a,2,\n"), 0o600))
	all, err := ReadTriplets(t.Context(), options)
	require.NoError(t, err)
	require.Equal(t, realFolds, all.Total)
	require.Empty(t, all.Bad)
	require.Empty(t, all.identity())

	options.Reference.MoreTriplets = []string{clicks}
	read, err := ReadTriplets(t.Context(), options)
	require.NoError(t, err)
	require.Equal(t, realFolds+3, read.Total)
	require.Len(t, read.triplets, realFolds+1)
	require.Len(t, read.Bad, 2)
	require.Equal(t, "gone.jpg", read.Bad[0].Photo)
	require.Contains(t, read.Bad[0].Reason, clicks+": line 2: ")
	require.Equal(t, "torn.jpg", read.Bad[1].Photo)
	require.Contains(t, read.Bad[1].Reason, clicks+": line 3: ")
	require.NotEmpty(t, read.identity(), "a stage that learned without them is another one")

	// Who does not read them first is told of them.
	var log bytes.Buffer
	options.Logger = slog.New(slog.NewTextHandler(&log, nil))
	m, err := newMaker(t.Context(), options)
	require.NoError(t, err)
	require.Contains(t, log.String(), "triplets=2 of=8 first=gone.jpg")
	m.pool = newPool(m.config(), datasets.Facets())
	learned, held := m.triplets(-1)
	require.Len(t, learned, realFolds+1)
	require.Empty(t, held)
	for _, c := range m.pool.Crops {
		require.Len(t, c.Labels, len(m.pool.Facets))
	}
}
