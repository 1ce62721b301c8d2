package searcher

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/browsertest"
)

// TestPageIsAccessible looks at the search page in each of its states, at a desk and on a phone.
func TestPageIsAccessible(t *testing.T) {
	v := browsertest.Visit(t)
	shop := newShopOf(t, 14, 150, 200)
	shop.index(t, "r1", 14)
	s := serve(t, shop.options())
	v.Do(chromedp.Navigate(s.url))
	v.Until(cards + `.length === 12`)
	v.Accessible()
	title := browsertest.See[string](v, `document.title`)

	v.Do(chromedp.Click(chromedp.CSS("#results .hit")))
	v.Until(`%s && document.querySelector("#caption strong")`, idle)
	v.Accessible()
	require.NotEqual(t, title, browsertest.See[string](v, `document.title`), "the browser's history names what was searched for")
	require.Regexp(t, `, not [a-z-]+$`, browsertest.See[string](v, `document.querySelector("#results .differs").textContent`), "it is said, not only coloured")

	choose(v, shop.files[shop.rows[4].PhotoID])
	v.Until(`%s && document.querySelectorAll("#candidates button").length === 1`, idle)
	browsertest.See[any](v, `document.getElementById("edges").open = true`)
	v.Accessible()
	v.Do(chromedp.Focus(chromedp.CSS("#photo")), chromedp.KeyEvent(kb.Tab))
	require.LessOrEqual(t, browsertest.See[float64](v, `(() => {
		const { outlineWidth, outlineOffset } = getComputedStyle(document.querySelector("#candidates button:focus-visible"));
		return parseFloat(outlineWidth) + parseFloat(outlineOffset);
	})()`), 0.0, "the photo does not cut off what shows the focus")
	v.Do(chromedp.EmulateViewport(320, 640))
	require.True(t, browsertest.See[bool](v, `document.querySelector("#facets .chips").scrollWidth <= document.querySelector("#facets .chips").clientWidth`), "whoever has zoomed in sees all chips without a finger")
	v.Accessible()

	choose(v, []byte("no photo"))
	v.Until(`%s && !document.getElementById("message").hidden`, idle)
	v.Accessible()
}

// TestPageIsZoomedOut has no summary to open the facets with when it is wide again.
func TestPageIsZoomedOut(t *testing.T) {
	v := browsertest.Visit(t)
	shop := newShop(t)
	shop.index(t, "r1", 2)
	s := serve(t, shop.options())
	v.Do(chromedp.EmulateViewport(320, 640), chromedp.Navigate(s.url+"/#item="+shop.rows[0].RowID))
	v.Until(`%s && document.querySelector("#facets .chip")`, idle)
	require.False(t, browsertest.See[bool](v, `document.querySelector("#facets .chip").checkVisibility()`))
	v.Do(chromedp.EmulateViewport(1280, 900))
	v.Until(`document.querySelector("#facets .chip").checkVisibility()`)
}

// TestWidgetIsAccessible has a shop whose text has just the contrast that it must have, and a person at a keyboard.
func TestWidgetIsAccessible(t *testing.T) {
	v := browsertest.Visit(t)
	shop := newShop(t)
	shop.index(t, "r1", 12)
	s := serve(t, shop.options())
	v.Do(chromedp.Navigate(s.url + "/widget"))
	v.Until(`document.querySelector(".kleid-similar")?.shadowRoot.querySelectorAll("li").length === 6`)
	browsertest.See[any](v, `document.getElementById("widget").style.cssText = "background: #fff; color: #767676; color-scheme: light"`)
	v.Accessible()
	v.Do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Tab)) // past what leads home
	v.KeepsFocus("Tab")
	require.GreaterOrEqual(t, browsertest.See[float64](v, `(() => {
		const link = document.querySelector(".kleid-similar").shadowRoot.querySelector("a:focus-visible");
		const { outlineWidth, outlineOffset } = getComputedStyle(link), ring = parseFloat(outlineWidth) + parseFloat(outlineOffset);
		const at = link.getBoundingClientRect(), list = link.closest("ul").getBoundingClientRect();
		return Math.min(at.left - list.left, at.top - list.top, list.bottom - at.bottom) - ring;
	})()`), 0.0, "the list does not cut off what shows the focus")
	v.Do(chromedp.EmulateViewport(320, 640))
	require.LessOrEqual(t, browsertest.See[int](v, `document.documentElement.scrollWidth`), 320)
	v.Accessible()
}
