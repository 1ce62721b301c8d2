//go:build unix

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
)

// fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// painted is a quick command with a table and a folder for a while.
var painted = []string{"evaluate", "painted", "--products", "2", "--queries", "2"}

// TestOutputThatFails is an error, whatever prints.
func TestOutputThatFails(t *testing.T) {
	for _, args := range [][]string{painted, {"--help"}, {"help", "index"}, {"version"}} {
		var stderr bytes.Buffer
		code := run(t.Context(), append([]string{"kleid"}, args...), strings.NewReader(""), fullDisk{}, &stderr)
		require.Equal(t, exit.Failed, code, args)
		require.Contains(t, stderr.String(), "kleid: no space left")
	}
}

// TestReaderThatGoes ends the program in order: quietly, with the code of SIGPIPE, and without leaving its folders.
func TestReaderThatGoes(t *testing.T) {
	s := newShop(t)
	temporary := t.TempDir()
	for _, args := range [][]string{painted, {"export", "--index", s.index}, {"search", s.photos(t)[0], "--index", s.index}, {"index", "list", "--out", s.index, "--json"}} {
		reader, writer, err := os.Pipe()
		require.NoError(t, err)
		require.NoError(t, reader.Close())
		var stderr bytes.Buffer
		command := exec.Command(program, args...)
		command.Stdout, command.Stderr = writer, &stderr
		command.Env = append(os.Environ(), "TMPDIR="+temporary)
		_ = command.Run() // the exit code says more
		require.NoError(t, writer.Close())
		require.Equal(t, exit.ReaderGone, command.ProcessState.ExitCode(), "%v: %s", args, stderr.String())
		require.Empty(t, stderr.String(), "%v", args)
		left, err := filepath.Glob(filepath.Join(temporary, "*"))
		require.NoError(t, err)
		require.Empty(t, left)
	}
}
