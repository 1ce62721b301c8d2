package searcher

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/browsertest"
)

// TestPageByKeyboard presses what then goes away: the keyboard goes on where it was, not at the top of the page.
func TestPageByKeyboard(t *testing.T) {
	v := browsertest.Visit(t)
	shop := newShopOf(t, 12, 150, 200)
	shop.index(t, "r1", 12)
	s := serve(t, shop.options())
	press := func(selector string) {
		v.Do(chromedp.Focus(chromedp.CSS(selector)), chromedp.KeyEvent(kb.Enter))
	}
	focused := func() string {
		return browsertest.See[string](v, `document.activeElement.id || document.activeElement.className`)
	}
	v.Do(chromedp.Navigate(s.url))
	v.Until(cards + `.length === 12`)
	require.Empty(t, focused(), "a page that opens leaves the focus where browsers have it")

	press("#results .card:nth-child(3) .hit")
	v.Until(`%s && document.querySelector("#caption strong")`, idle)
	require.Equal(t, "heading", focused(), "a card")
	v.KeepsFocus("a card")
	taken := map[string]bool{}
	for _, r := range shop.rows {
		taken[r.Facets["neckline"].Label] = true
	}
	for _, label := range labelsOf(shop.embedder.Metadata().Facets, "neckline") {
		if taken[label] {
			continue
		}
		chip := fmt.Sprintf(`#facets .chip[data-facet="neckline"][data-label=%q]`, label)
		press(chip)
		v.Until(`%s && document.querySelector('%s').getAttribute("aria-pressed") === "true"`, idle, chip)
		require.Equal(t, label, browsertest.See[string](v, `document.activeElement.dataset.label`), "a chip")
		break
	}
	press("#message-action")
	v.Until(`%s && document.getElementById("message").hidden`, idle)
	require.Equal(t, "heading", focused(), "what a message offers")
	v.KeepsFocus("what a message offers")

	choose(v, shop.files[shop.rows[4].PhotoID])
	v.Until(`%s && document.querySelectorAll("#candidates button").length === 1`, idle)
	press("#candidates button")
	v.Until(`%s && !document.getElementById("model-box").hidden`, idle)
	require.Equal(t, "heading", focused(), "another dress of the photo")
	v.KeepsFocus("another dress of the photo")
	press("#model-box")
	v.Until(`%s && document.getElementById("model-box").hidden`, idle)
	require.Equal(t, "heading", focused(), "the model's own box")
	v.KeepsFocus("the model's own box")

	press("#edges summary")
	const complaint = `document.querySelector("#edges input[name=right]").validationMessage`
	v.Do(chromedp.SetValue(chromedp.CSS("#edges input[name=left]"), ""), chromedp.SendKeys(chromedp.CSS("#edges input[name=left]"), "99"))
	require.Equal(t, "Right must be more than left.", browsertest.See[string](v, complaint))
	press("#candidates button")
	v.Until(`%s && !document.getElementById("model-box").hidden`, idle)
	require.Empty(t, browsertest.See[string](v, complaint), "these are other numbers")
	press("#model-box")
	v.Until(`%s && document.getElementById("model-box").hidden`, idle)

	for side, value := range map[string]string{"left": "20", "top": "30", "right": "80", "bottom": "90"} {
		v.Do(chromedp.SetValue(chromedp.CSS(fmt.Sprintf("#edges input[name=%s]", side)), ""), chromedp.SendKeys(chromedp.CSS(fmt.Sprintf("#edges input[name=%s]", side)), value))
	}
	require.Equal(t, []float64{20, 30, 60, 60}, browsertest.See[[]float64](v, `["left", "top", "width", "height"].map((side) => parseFloat(document.getElementById("lasso").style[side]))`), "it is shown while it is typed")
	v.Do(chromedp.KeyEvent(kb.Enter))
	v.Until(`%s && !document.getElementById("model-box").hidden`, idle)
	require.Equal(t, []float64{20, 30, 60, 60}, browsertest.See[[]float64](v, `["left", "top", "width", "height"].map((side) => parseFloat(document.getElementById("query-box").style[side]))`))
	require.Equal(t, "INPUT", browsertest.See[string](v, `document.activeElement.tagName`), "to try another")
	v.KeepsFocus("a box in numbers")
	require.True(t, browsertest.See[bool](v, `document.getElementById("lasso").hidden`))

	require.NoError(t, s.engine.Close())
	press("#results .card:nth-child(3) .hit")
	v.Until(`%s && !document.getElementById("message-action").hidden`, idle)
	require.Equal(t, "message-action", focused(), "to be pressed again")
	v.KeepsFocus("a search that failed")
}
