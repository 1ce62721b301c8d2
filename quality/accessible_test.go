package quality

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/browsertest"
)

// TestPageIsAccessible looks at the page in each of its states, and does what takes away what has the focus.
func TestPageIsAccessible(t *testing.T) {
	r := review(t, shop(t))
	v := visit(t, r, "#facet=neckline&show=all", 8)
	v.Accessible()
	marks := `["right", "wrong"].map(mark => getComputedStyle(document.querySelector(".said ." + mark), "::after").content).join(" ")`
	require.Contains(t, browsertest.See[string](v, marks), "✓")
	require.Contains(t, browsertest.See[string](v, marks), "✗", "not only in another colour")
	focus := func(expression string) { browsertest.See[any](v, expression+`.focus()`) }
	const card, settled = `document.querySelector("#photos .card")`, `document.getElementById("photos").getAttribute("aria-busy") === "false"`

	// What is wrong is said of the field, until it is mended or put away.
	focus(card + `.querySelector(".chip")`)
	v.Do(chromedp.KeyEvent(kb.Enter))
	v.Until(`document.activeElement.id === "judge" && document.activeElement.ariaInvalid === "true"`)
	v.KeepsFocus("a judgement without a name")
	v.Accessible()
	focus(`document.querySelector("#failure button")`)
	v.Do(chromedp.KeyEvent(kb.Enter))
	v.Until(`document.getElementById("failure").hidden`)
	v.KeepsFocus("the message is put away")

	// The list is loaded anew while somebody has gone on to it.
	browsertest.See[any](v, `window.real = window.fetch, window.fetch = async (...asked) => (await new Promise(go => window.proceed = go), real(...asked))`)
	browsertest.See[any](v, `document.getElementById("judge").value = "ann", document.getElementById("judge").dispatchEvent(new Event("change"))`)
	v.Until(`window.proceed && document.getElementById("judge").ariaInvalid === null`)
	focus(`document.querySelectorAll("#photos .chip")[30]`)
	was := browsertest.See[string](v, `window.was = document.activeElement, was.closest(".card").dataset.id + was.dataset.name`)
	browsertest.See[any](v, `window.fetch = real, proceed()`)
	v.Until(`%s && !was.isConnected`, settled)
	v.KeepsFocus("the list is loaded")
	require.Equal(t, was, browsertest.See[string](v, `document.activeElement.closest(".card")?.dataset.id + document.activeElement.dataset.name`))

	focus(card)
	v.Do(chromedp.KeyEvent("z"))
	v.Until(`document.getElementById("large").open && document.querySelector("#large img").naturalWidth > 0`)
	v.KeepsFocus("a photo is large")
	v.Accessible()
	v.Do(chromedp.KeyEvent(kb.Escape))
	v.Until(`!document.getElementById("large").open`)
	v.KeepsFocus("it is small again")

	browsertest.See[any](v, `document.querySelector("#confusion button").click()`)
	v.Until(`%s && document.querySelector("#status button")`, settled)
	v.KeepsFocus("a number leads to its photos")
	focus(`document.querySelector("#status button")`)
	v.Do(chromedp.KeyEvent(kb.Enter))
	v.Until(`%s && !document.querySelector("#status button")`, settled)
	v.KeepsFocus("all labels are shown again")

	// What could not be kept does not hide what has the focus, and goes with Escape.
	v.Do(chromedp.EmulateViewport(640, 450)) // zoomed in
	browsertest.See[any](v, `window.fetch = () => Promise.reject(new TypeError("gone"))`)
	focus(card)
	v.Do(chromedp.KeyEvent("2"))
	v.Until(`document.querySelector("#photos .lost")`)
	v.Accessible()
	v.Do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Tab))
	v.KeepsFocus("Tab beside a message")
	v.Do(chromedp.KeyEvent(kb.Escape))
	v.Until(`document.getElementById("failure").hidden`)
	v.Do(chromedp.EmulateViewport(320, 640))
	require.LessOrEqual(t, browsertest.See[int](v, `document.documentElement.scrollWidth`), 320)
	v.Accessible()
}
