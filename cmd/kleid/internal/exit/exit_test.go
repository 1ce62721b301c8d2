package exit

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
		{"done", t.Context(), nil, Done},
		{"done although interrupted", interrupted, nil, Done},
		{"failed", t.Context(), errors.New("the disk is full"), Failed},
		{"wrong usage", t.Context(), &UsageError{"kleid index", "no"}, Usage},
		{"label that the index lacks", t.Context(), fmt.Errorf("search: %w", &vectors.FilterError{Facet: "neckline"}), Usage},
		{"query that cannot be", t.Context(), &vectors.QueryError{Message: "no"}, Usage},
		{"request that cannot be", t.Context(), &searcher.Error{Code: searcher.CodeInvalid}, Usage},
		{"facet that the searcher lacks", t.Context(), &searcher.Error{Code: searcher.CodeUnknownFacet}, Usage},
		{"index of another model", t.Context(), &searcher.Error{Code: searcher.CodeWrongModel}, Failed},
		{"too many bad photos", t.Context(), &TooManyBadError{Bad: 5, Total: 10}, TooManyBad},
		{"refused by the gate", t.Context(), fmt.Errorf("index: %w", &RefusedError{}), Refused},
		{"interrupted", interrupted, fmt.Errorf("index: %w", context.Canceled), Interrupted},
		{"interrupted in the gate", interrupted, &RefusedError{}, Interrupted},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { require.Equal(t, test.code, Code(test.ctx, test.err)) })
	}
}
