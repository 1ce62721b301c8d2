package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWhyItEndsIsALineOfJSON where logs are: the line that says so is the one that somebody looks for.
func TestWhyItEndsIsALineOfJSON(t *testing.T) {
	type line struct {
		Level, Msg string
		ExitCode   int `json:"exit_code"`
	}
	tell := func(args ...string) (said line) {
		t.Helper()
		r := kleid(t, args...)
		require.NoError(t, json.Unmarshal([]byte(r.stderr), &said), r.stderr)
		require.Equal(t, r.code, said.ExitCode)
		require.Equal(t, "ERROR", said.Level)
		return said
	}
	require.Contains(t, tell("index", "--catalogue", "missing.csv", "--out", t.TempDir(), "--log-format", "json").Msg, "kleid: index: the catalogue missing.csv cannot be opened")
	require.Equal(t, "kleid index needs --catalogue\nSee `kleid index --help`.", tell("index", "--out", t.TempDir(), "--log-format", "json").Msg)

	t.Setenv("KLEID_LOG_FORMAT", "json")
	require.Contains(t, tell("index", "--unknown").Msg, "there is no flag --unknown")
	r := kleid(t, "index", "--catalogue", "missing.csv", "--out", t.TempDir(), "--log-format", "text")
	require.Contains(t, r.stderr, "kleid: index: the catalogue missing.csv cannot be opened")
}
