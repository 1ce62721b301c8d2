package main

import (
	"context"
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
