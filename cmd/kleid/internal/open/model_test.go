package open

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRegistriesByTheirNames: a folder may have an @ or a space in its name.
func TestRegistriesByTheirNames(t *testing.T) {
	for _, name := range []string{"shop@home", "my models"} {
		folder := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.Mkdir(folder, 0o755))
		for place, wanted := range map[string][2]string{
			folder:           {folder, ""},
			folder + "@3f2a": {folder, "3f2a"},
			(&url.URL{Scheme: "file", Path: folder}).String() + "@3f2a": {(&url.URL{Scheme: "file", Path: folder}).String(), "3f2a"},
		} {
			location, version, ok := registryOf(place)
			require.True(t, ok, place)
			require.Equal(t, wanted, [2]string{location, version})
		}
		_, _, ok := registryOf(filepath.Join(folder, "model.safetensors"))
		require.False(t, ok)
	}
}
