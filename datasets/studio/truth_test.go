package studio

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadTruth(t *testing.T) {
	dir := t.TempDir()
	products := Products("test-truth", 1, 2)
	require.NoError(t, WriteQueries(t.Context(), dir, products, 3, nil))
	examples, err := ReadTruth(dir)
	require.NoError(t, err)
	require.Len(t, examples, 3)
	for i, e := range examples {
		p := products[i%2].Paint(Shot{Index: uint64(i / 2), Query: true})
		require.FileExists(t, e.Path)
		require.Equal(t, p.Box, *e.Box)
		want := maps.Clone(p.Facets)
		want["colour"] = products[i%2].MainColour()
		require.Equal(t, want, e.Labels)
		require.Equal(t, products[i%2].ID, e.Product)
		require.Equal(t, -1, e.Fold)
		require.False(t, e.NoDress)
	}

	_, err = ReadTruth(t.TempDir())
	require.ErrorIs(t, err, os.ErrNotExist)
	for text, says := range map[string]string{
		"":               "is empty",
		"photo\na.jpg\n": "line 2 has 1 columns",
		"a,b,c,d,e,f,g\na.jpg,p,worn,1,two,3,4\n": `line 2: strconv.Atoi: parsing "two"`,
		"a,b\n\"": "truth.csv",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "truth.csv"), []byte(text), 0o600))
		_, err = ReadTruth(dir)
		require.ErrorContains(t, err, says)
	}
}
