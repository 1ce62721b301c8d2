package quality

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/browsertest"
	"github.com/kleid-search/kleid/catalog"
)

// TestPageOfAnIndex: a merchandiser corrects the labels of which the model is least sure, finds those behind each number, and
// is told of the next night's index.
func TestPageOfAnIndex(t *testing.T) {
	k, options := newRack(t)
	r := review(t, options)
	v := visit(t, r, "", 3)
	browsertest.See[any](v, `{
		window.judge.value = "ann";
		window.card = document.querySelector("#photos").children;
		window.said = n => [...card[n].querySelectorAll(".said p")].map(p => p.innerText.replace(/\s+/g, " ")).join(", ");
		window.names = () => [...card].map(c => c.querySelector(".name").textContent).join();
		window.show = text => [...document.querySelectorAll("#shows .chip")].find(c => c.textContent.startsWith(text));
		window.chip = (n, text) => [...card[n].querySelectorAll(".chip")].find(c => c.querySelector("bdi").textContent === text);
	}`)
	require.Equal(t, "Blue dress · 1.png,dress-3 · 3.png,dress-0 · 0.png", browsertest.See[string](v, `names()`))
	require.Equal(t, "people say nothing yet, the model says round 40%", browsertest.See[string](v, `said(0)`))
	require.Equal(t, "round40%", browsertest.See[string](v, `[...card[0].querySelectorAll(".chip:has(small)")].map(c => c.textContent.replace(/^\d/, "")).join()`), "of other labels the index says nothing")
	require.Equal(t, "https://shop.example/1", browsertest.See[string](v, `card[0].querySelector(".name a").href`))
	require.False(t, browsertest.See[bool](v, `document.getElementById("report").open`), "one comes for the photos")
	require.Contains(t, browsertest.See[string](v, `document.getElementById("figures").textContent`), "3 labels by the model, which expects 63% of them to be right; 1 by people")
	v.Accessible()

	// By keyboard: it is what the model says, and another one is not.
	browsertest.See[any](v, `card[0].focus()`)
	v.Do(chromedp.KeyEvent("m"), chromedp.KeyEvent("3"))
	v.Until(`card[0].classList.contains("judged") && card[1].classList.contains("judged") && document.activeElement === card[2]`)
	require.Equal(t, "round", itemOf(t, r, 1, "neckline").Label)
	require.Equal(t, "boat", itemOf(t, r, 3, "neckline").Label)
	v.Until(`show("Corrected for tonight").textContent.endsWith("1") && show("By people").textContent.endsWith("3")`)

	// Behind each number are its photos.
	browsertest.See[any](v, `document.getElementById("report").open = true`)
	v.Accessible()
	browsertest.See[any](v, `[...document.querySelectorAll("#labels tbody tr")].find(row => row.querySelector("th").textContent === "boat").querySelector("button").click()`)
	v.Until(`card.length === 2 && names() === "dress-2 · 2.png,dress-3 · 3.png"`)
	require.Equal(t, "people say –, in the index, by people boat", browsertest.See[string](v, `said(0)`))
	browsertest.See[any](v, `[...document.querySelectorAll("#labels tbody tr")].find(row => row.querySelector("th").textContent === "v-neck").querySelector("button").click()`)
	v.Until(`card.length === 1 && names() === "dress-0 · 0.png"`)

	// A photo in which the model found no dress.
	browsertest.See[any](v, `show("No dress").click()`)
	v.Until(`card.length === 1 && said(0) === "in the index no dress"`)
	browsertest.See[any](v, `chip(0, "it is a dress").click()`)
	v.Until(`chip(0, "it is a dress").getAttribute("aria-pressed") === "true" && said(0) === "people say nothing yet"`)

	// Large it is the whole thumbnail, as large as the window.
	browsertest.See[any](v, `card[0].focus()`)
	v.Do(chromedp.KeyEvent("z"))
	v.Until(`document.getElementById("large").open && document.querySelector("#large img").naturalWidth === 40 && document.querySelector("#large img").clientHeight > 600`)
	v.Do(chromedp.KeyEvent(kb.Escape))

	// The next night's index is told of, and shown when one asks for it.
	k.publish(t, "second", k.hung(t, 5, said("round", 0.2)), k.hung(t, 3, catalog.FacetValue{Label: "boat", Probability: 1, Source: catalog.Human}))
	_, err := r.Refresh(t.Context())
	require.NoError(t, err)
	browsertest.See[any](v, `document.dispatchEvent(new Event("visibilitychange"))`)
	v.Until(`document.getElementById("fresh")`)
	require.Equal(t, 1, browsertest.See[int](v, `card.length`), "nothing moves under one's hands")
	v.Accessible()
	browsertest.See[any](v, `chip(0, "boat").click()`)
	v.Until(`document.getElementById("failure-text").textContent.includes("there is no such photo, or not any more: load the page again")`)
	browsertest.See[any](v, `document.querySelector("#fresh button").click()`)
	v.Until(`!document.getElementById("fresh") && card.length === 0 && document.activeElement.id === "status" && document.getElementById("status").textContent.startsWith("No photos here")`)
	browsertest.See[any](v, `show("All").click()`)
	v.Until(`card.length === 2`)
	v.Do(chromedp.EmulateViewport(320, 640))
	require.LessOrEqual(t, browsertest.See[int](v, `document.documentElement.scrollWidth`), 320)
	v.Accessible()
}
