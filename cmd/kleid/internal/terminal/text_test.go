package terminal

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/vectors"
)

// TestWithoutEscapes gives a label that would do something to a terminal.
func TestWithoutEscapes(t *testing.T) {
	text := WithoutEscapes((&vectors.FilterError{Facet: "length", Label: "x", Known: []string{"mini\x1b[31m"}}).Error())
	require.NotContains(t, text, "\x1b")
	require.Contains(t, text, `mini\x1b[31m`)
}
