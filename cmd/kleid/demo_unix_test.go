//go:build unix

package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/searcher"
)

// TestDemoServes starts the demo as a new user does, searches with a photo that it offers, and stops it.
func TestDemoServes(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	p := start(t, "demo", "--listen", "127.0.0.1:0", "--products", "4", "--photos-per-product", "2")
	url := p.url(t)
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	offered, err := filepath.Glob(filepath.Join(cache, "kleid", "demo-1", "queries", "photos", "*.jpg"))
	require.NoError(t, err)
	require.Len(t, offered, 24)
	require.Contains(t, p.stderr.String(), filepath.Dir(offered[0]))
	data, err := os.ReadFile(offered[0])
	require.NoError(t, err)
	status, body := upload(t, url, data, nil)
	require.Equal(t, http.StatusOK, status, "%s", body)
	var answer searcher.Answer
	require.NoError(t, json.Unmarshal(body, &answer))
	require.Len(t, answer.Results, 4)
	p.signal(syscall.SIGINT)
	require.Equal(t, exit.Done, p.end(t), p.stderr.String())
	require.Empty(t, p.stdout.String())
}
