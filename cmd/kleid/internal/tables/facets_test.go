package tables

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/evaluation"
)

// TestEscapesInFacetTables gives labels that would do something to a terminal.
func TestEscapesInFacetTables(t *testing.T) {
	const label = "mini\x1b[31m"
	var out strings.Builder
	row := func(format string, args ...any) { fmt.Fprintf(&out, format, args...) }
	Facets(row, []evaluation.FacetReport{{
		Facet: label, Labels: []evaluation.LabelReport{{Label: label, Count: 2}},
		Confusion: evaluation.Confusion{Labels: []string{label, label}, Counts: [][]int{{0, 2, 0}, {0, 0, 0}}},
	}})
	require.NotContains(t, out.String(), "\x1b")
	require.Contains(t, out.String(), `mini\x1b[31m`)
}
