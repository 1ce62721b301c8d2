package quality

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/browsertest"
)

// TestPageInAContrastTheme has colours of the person's own: which photos are shown is seen all the same.
func TestPageInAContrastTheme(t *testing.T) {
	v := visit(t, review(t, shop(t)), "#facet=neckline&show=all", 8)
	_, err := chromedp.Call(v.Ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "forced-colors", Value: "active"}},
	})
	require.NoError(t, err)
	const background = `getComputedStyle(document.querySelector('#shows [aria-pressed="%t"]')).backgroundColor`
	require.NotEqual(t, browsertest.See[string](v, fmt.Sprintf(background, true)), browsertest.See[string](v, fmt.Sprintf(background, false)))
}
