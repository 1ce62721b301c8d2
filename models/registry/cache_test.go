package registry

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAFileIsPulledOnce(t *testing.T) {
	s := startS3(t)
	r := open(t, "s3://shop/models")
	m, err := r.Push(t.Context(), aModel(t, 1), About{})
	require.NoError(t, err)
	var gets atomic.Int64
	s.with(func(w http.ResponseWriter, req *http.Request, next http.Handler) {
		if req.Method == http.MethodGet && strings.HasSuffix(req.URL.Path, weightsName) {
			gets.Add(1)
		}
		next.ServeHTTP(w, req)
	})
	path, err := r.Pull(t.Context(), m.Version)
	require.NoError(t, err)
	_, err = r.Pull(t.Context(), m.Version)
	require.NoError(t, err)
	once := gets.Load()
	require.Positive(t, once)

	// A damaged file in the cache is pulled anew.
	require.NoError(t, os.WriteFile(path, []byte("cut"), 0o644))
	_, err = r.Pull(t.Context(), m.Version)
	require.NoError(t, err)
	require.Greater(t, gets.Load(), once)
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, aModel(t, 1), file)
}

// TestAVersionInTheCacheNeedsNobody: the service may be away.
func TestAVersionInTheCacheNeedsNobody(t *testing.T) {
	location, cache := t.TempDir(), t.TempDir()
	r, err := Open(t.Context(), location, cache)
	require.NoError(t, err)
	m, err := r.Push(t.Context(), aModel(t, 1, "v-neck"), About{})
	require.NoError(t, err)
	local, err := r.Pull(t.Context(), m.Version)
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(location))
	again, err := r.Pull(t.Context(), m.Version)
	require.NoError(t, err)
	require.Equal(t, local, again)
	require.NoError(t, os.WriteFile(local, []byte("damaged"), 0o600))
	_, err = r.Pull(t.Context(), m.Version)
	require.ErrorIs(t, err, ErrNoVersion)
}

// TestCacheOfSeveral gives each version its own file.
func TestCacheOfSeveral(t *testing.T) {
	r, files := open(t, t.TempDir()), map[string][]byte{}
	for i := range 3 {
		file := aModel(t, float32(i+1), "v-neck")
		m, err := r.Push(t.Context(), file, About{})
		require.NoError(t, err)
		files[m.Version] = file
	}
	for range 2 { // the second time from the cache
		for version, file := range files {
			local, err := r.Pull(t.Context(), version)
			require.NoError(t, err)
			got, err := os.ReadFile(local)
			require.NoError(t, err)
			require.True(t, bytes.Equal(file, got))
		}
	}
}

// TestCacheThatCannotBe says where models are kept, and by which variable.
func TestCacheThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	r, err := Open(t.Context(), t.TempDir(), filepath.Join(file, "models"))
	require.NoError(t, err)
	m, err := r.Push(t.Context(), aModel(t, 1, "v-neck"), About{})
	require.NoError(t, err)
	_, err = r.Pull(t.Context(), m.Version)
	require.ErrorContains(t, err, "XDG_CACHE_HOME")
}
