package photos

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/searcher"
)

func TestPriceText(t *testing.T) {
	for want, got := range map[string]string{
		"1000 JPY": priceText(1000, "JPY"), "59.90 EUR": priceText(59.9, "EUR"), "1.500 KWD": priceText(1.5, "KWD"),
		"59.90": priceText(59.9, ""), "59.90 points": priceText(59.9, "points"),
	} {
		require.Equal(t, want, got)
	}
}

// TestEscapesDoNothing gives labels that would do something to a terminal.
func TestEscapesDoNothing(t *testing.T) {
	const label = "mini\x1b[31m"
	box := catalog.Box{XMax: 1, YMax: 1}
	seen := EmbeddedPhoto{Status: catalog.StatusOK, Box: &box, Facets: map[string]catalog.FacetValue{label: {Label: label}}}
	facets := []catalog.Facet{{Name: label, Labels: []string{label}}}
	answer := searcher.Answer{Status: catalog.StatusOK, Facets: map[string]searcher.Facet{label: {Label: label}}}
	var out bytes.Buffer
	c := cli.NewContext(&cli.App{Writer: &out}, nil, nil)
	require.NoError(t, errors.Join(writeSeen(c, catalog.Metadata{Facets: facets}, seen), writeAnswer(c, answer, facets)))
	require.NotContains(t, out.String(), "\x1b")
	require.Contains(t, out.String(), `mini\x1b[31m`)
}
