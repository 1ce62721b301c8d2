package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/searcher"
	"github.com/kleid-search/kleid/vectors"
)

func TestExitCode(t *testing.T) {
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name string
		ctx  context.Context
		err  error
		code int
	}{
		{"done", t.Context(), nil, exitDone},
		{"done although interrupted", interrupted, nil, exitDone},
		{"failed", t.Context(), errors.New("the disk is full"), exitFailed},
		{"wrong usage", t.Context(), &usageError{"kleid index", "no"}, exitUsage},
		{"label that the index lacks", t.Context(), fmt.Errorf("search: %w", &vectors.FilterError{Facet: "neckline"}), exitUsage},
		{"query that cannot be", t.Context(), &vectors.QueryError{Message: "no"}, exitUsage},
		{"request that cannot be", t.Context(), &searcher.Error{Code: searcher.CodeInvalid}, exitUsage},
		{"facet that the searcher lacks", t.Context(), &searcher.Error{Code: searcher.CodeUnknownFacet}, exitUsage},
		{"index of another model", t.Context(), &searcher.Error{Code: searcher.CodeWrongModel}, exitFailed},
		{"too many bad photos", t.Context(), &tooManyBadError{bad: 5, total: 10}, exitTooManyBad},
		{"refused by the gate", t.Context(), fmt.Errorf("index: %w", &refusedError{}), exitRefused},
		{"interrupted", interrupted, fmt.Errorf("index: %w", context.Canceled), exitInterrupted},
		{"interrupted in the gate", interrupted, &refusedError{}, exitInterrupted},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { require.Equal(t, test.code, exitCode(test.ctx, test.err)) })
	}
}

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
