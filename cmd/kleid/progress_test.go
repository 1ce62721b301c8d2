package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestProgressInLines(t *testing.T) {
	var out bytes.Buffer
	p := &progress{w: &out}
	p.show("embed", 1, 10, "")
	require.Empty(t, out.String(), "the first line comes after a while")
	p.told = time.Now().Add(-lineInterval)
	p.show("embed", 4, 10, "1 unreadable")
	require.Regexp(t, `^embed \(1 unreadable\): 4 of 10, \d+\.\d/s\n$`, out.String())
	p.told = time.Now().Add(-lineInterval)
	p.show("embed", 3, 10, "")
	p.show("scan", 0, 0, "")
	require.Equal(t, 1, strings.Count(out.String(), "\n"), "neither what comes late nor what has no total makes a line")
}

func TestProgressOnATerminal(t *testing.T) {
	var out bytes.Buffer
	p := &progress{w: &out, terminal: true}
	p.show("embed", 4, 10, "")
	require.Contains(t, out.String(), "embed")
	require.Contains(t, out.String(), "4/10")
	require.NotContains(t, out.String(), "\n")
	_, err := io.WriteString(p, "a warning\n")
	require.NoError(t, err)
	before, after, found := strings.Cut(out.String(), "\ra warning\n")
	require.True(t, found, "the line stands alone: %q", out.String())
	require.Contains(t, before, "4/10")
	require.Contains(t, after, "4/10", "the bar comes back")
	p.end()
	require.True(t, strings.HasSuffix(out.String(), "\r"), "nothing of the bar is left on the line")
}
