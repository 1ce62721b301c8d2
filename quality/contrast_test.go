package quality

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/browsertest"
)

// TestPageInAContrastTheme has colours of the person's own: which photos are shown, and of which facet, is seen all the same.
func TestPageInAContrastTheme(t *testing.T) {
	v := visit(t, review(t, shop(t)), "#facet=neckline&show=all", 8)
	v.Prefer(map[string]string{"forced-colors": "active"})
	const background = `getComputedStyle(document.querySelector('#shows [aria-pressed="%t"]')).backgroundColor`
	require.NotEqual(t, browsertest.See[string](v, fmt.Sprintf(background, true)), browsertest.See[string](v, fmt.Sprintf(background, false)))
	const facet = `getComputedStyle(document.querySelector("#facets a%s")).backgroundColor`
	require.NotEqual(t, browsertest.See[string](v, fmt.Sprintf(facet, "[aria-current]")), browsertest.See[string](v, fmt.Sprintf(facet, ":not([aria-current])")))
}
