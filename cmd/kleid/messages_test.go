package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMessagesGoByTheProgress, which knows in what form: none is printed to standard error by a command itself.
func TestMessagesGoByTheProgress(t *testing.T) {
	files := 0
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || filepath.Base(path) == "confirm.go" { // a question for a terminal
			return err
		}
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NotRegexp(t, `Fprint\w*\(c\.App\.ErrWriter`, string(text), path)
		files++
		return nil
	}))
	require.Greater(t, files, 50)
}
