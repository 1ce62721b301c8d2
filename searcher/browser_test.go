package searcher

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/browsertest"
	"github.com/kleid-search/kleid/datasets/studio"
)

// choose gives the page a photo.
func choose(v browsertest.Visitor, data []byte) {
	v.T.Helper()
	path := filepath.Join(v.T.TempDir(), "photo.jpg")
	require.NoError(v.T, os.WriteFile(path, data, 0o600))
	v.Do(chromedp.SetUploadFiles(chromedp.CSS("#photo"), []string{path}))
}

const (
	cards  = `[...document.querySelectorAll("#results .card[data-row]")]`
	idle   = `!document.body.classList.contains("loading")`
	inView = `document.body.dataset.view`
)

func TestPageInABrowser(t *testing.T) {
	v := browsertest.Visit(t)
	shop := newShopOf(t, 14, 150, 200)
	shop.index(t, "r1", 14)
	s := serve(t, shop.options())
	row := shop.rows[4]

	t.Run("the start offers samples", func(t *testing.T) {
		v.T = t
		v.Do(chromedp.Navigate(s.url))
		v.Until(cards + `.length === 12`)
		require.Equal(t, "start", browsertest.See[string](v, inView))
		// Thumbnails load as they come into view.
		v.Until(cards + `.every((c) => {
			const img = c.querySelector("img"), there = img.complete && img.naturalWidth === 150;
			if (!there) img.scrollIntoView();
			return there;
		})`)
	})
	t.Run("a photo is searched with", func(t *testing.T) {
		v.T = t
		choose(v, shop.files[row.PhotoID])
		v.Until(`%s && %s.length === 14 && document.querySelector("#results .similarity").textContent === "the same photo"`, idle, cards)
		require.Equal(t, row.ProductID, browsertest.See[string](v, cards+`[0].dataset.product`))
		require.Equal(t, row.Title, browsertest.See[string](v, cards+`[0].querySelector(".title").textContent`))
		require.Equal(t, "14 of 14 dresses", browsertest.See[string](v, `document.getElementById("status").textContent`))
		box := browsertest.See[[]float64](v, `(() => {
			const b = document.getElementById("query-box").getBoundingClientRect(), f = document.getElementById("query-photo").getBoundingClientRect();
			return [(b.left - f.left) / f.width * 150, (b.top - f.top) / f.height * 200, (b.right - f.left) / f.width * 150, (b.bottom - f.top) / f.height * 200];
		})()`)
		for i, want := range []int32{row.Box.XMin, row.Box.YMin, row.Box.XMax, row.Box.YMax} {
			require.InDelta(t, want, box[i], 1, "the box lies where the dress was found")
		}
		require.Equal(t, 1, browsertest.See[int](v, `document.querySelectorAll("#candidates button").length`))
	})
	t.Run("colours are shown", func(t *testing.T) {
		v.T = t
		require.Equal(t, len(row.Colours), browsertest.See[int](v, `document.querySelectorAll("#facets .palette i").length`))
		require.Equal(t, "rgb(23, 32, 63)", browsertest.See[string](v, `getComputedStyle(document.querySelector('#facets [data-label="navy"] .swatch')).backgroundColor`))
		require.Equal(t, row.Facets["colour"].Label, browsertest.See[string](v, cards+`[0].querySelector('[data-facet="colour"]').textContent`))
		require.Equal(t, 0, browsertest.See[int](v, `document.querySelectorAll('#facets [data-facet="sleeve"] .swatch').length`))
	})
	t.Run("chips filter", func(t *testing.T) {
		v.T = t
		own := row.Facets["sleeve"].Label
		require.Equal(t, own+" 80 %", browsertest.See[string](v, `document.querySelector('#facets [data-facet="sleeve"] .chip.predicted').textContent`))
		other := ""
		for _, r := range shop.rows {
			if r.Facets["sleeve"].Label != own {
				other = r.Facets["sleeve"].Label
			}
		}
		v.Do(chromedp.Click(chromedp.CSS(fmt.Sprintf(`#facets .chip[data-facet="sleeve"][data-label=%q]`, other))))
		v.Until(`%s && document.querySelector('#facets .chip[data-facet="sleeve"][data-label=%q]').getAttribute("aria-pressed") === "true"`, idle, other)
		want := map[string]bool{}
		for _, r := range shop.rows {
			if r.Facets["sleeve"].Label == other {
				want[r.ProductID] = true
			}
		}
		got := browsertest.See[[]string](v, cards+`.map((c) => c.dataset.product)`)
		require.Len(t, got, len(want))
		for _, id := range got {
			require.True(t, want[id])
		}
		require.Contains(t, browsertest.See[string](v, `document.getElementById("status").textContent`), "sleeve: "+other)
		v.Do(chromedp.Click(chromedp.CSS("#clear")))
		v.Until(`%s && %s.length === 14 && document.getElementById("clear").hidden`, idle, cards)
	})
	t.Run("prices filter", func(t *testing.T) {
		v.T = t
		high := *row.Price
		want := map[string]bool{}
		for _, r := range shop.rows {
			if *r.Price <= high {
				want[r.ProductID] = true
			}
		}
		v.Do(chromedp.SendKeys(chromedp.CSS(`#price [name="max"]`), fmt.Sprint(high)+kb.Enter))
		v.Until(`%s && document.getElementById("status").textContent.endsWith("price: to %v")`, idle, high)
		require.Len(t, browsertest.See[[]string](v, cards+`.map((c) => c.dataset.product)`), len(want))
		v.Do(chromedp.SendKeys(chromedp.CSS(`#price [name="min"]`), fmt.Sprint(high+1)+kb.Enter))
		v.Until(`document.querySelector('#price [name="max"]').validationMessage.includes("below the lowest")`)
		require.Len(t, browsertest.See[[]string](v, cards+`.map((c) => c.dataset.product)`), len(want), "a range that cannot be is not searched for")
		v.Do(chromedp.Click(chromedp.CSS("#clear")))
		v.Until(`%s && %s.length === 14 && document.querySelector("#price:valid") && document.querySelector('#price [name="max"]').value === ""`, idle, cards)
	})
	t.Run("the same with another neckline", func(t *testing.T) {
		v.T = t
		own, other := row.Facets["neckline"].Label, ""
		for _, r := range shop.rows {
			if label := r.Facets["neckline"].Label; label != own {
				other = label
			}
		}
		v.Do(chromedp.Click(chromedp.CSS(fmt.Sprintf(`#facets .chip[data-facet="neckline"][data-label=%q]`, own))))
		v.Until(`%s && document.getElementById("status").textContent.endsWith("neckline: %s")`, idle, own)
		v.Do(chromedp.Click(chromedp.CSS(fmt.Sprintf(`#facets .chip[data-facet="neckline"][data-label=%q]`, other))))
		v.Until(`%s && document.getElementById("status").textContent.endsWith("neckline: %s; its own neckline does not count")`, idle, other)
		v.Do(chromedp.Click(chromedp.CSS("#clear")))
		v.Until(`%s && %s.length === 14`, idle, cards)
	})
	t.Run("a filter without results says how to go on", func(t *testing.T) {
		v.T = t
		taken := map[string]bool{}
		for _, r := range shop.rows {
			taken[r.Facets["neckline"].Label] = true
		}
		free := ""
		for _, label := range labelsOf(shop.embedder.Metadata().Facets, "neckline") {
			if !taken[label] {
				free = label
			}
		}
		require.NotEmpty(t, free)
		v.Do(chromedp.Click(chromedp.CSS(fmt.Sprintf(`#facets .chip[data-facet="neckline"][data-label=%q]`, free))))
		v.Until(`%s && %s.length === 0 && document.getElementById("message-text").textContent.includes("Loosen")`, idle, cards)
		v.Do(chromedp.Click(chromedp.CSS("#message-action")))
		v.Until(`%s && %s.length === 14`, idle, cards)
	})
	t.Run("another place in the photo", func(t *testing.T) {
		v.T = t
		v.Do(chromedp.Click(chromedp.CSS("#candidates button")))
		v.Until(`%s && !document.getElementById("model-box").hidden && %s.length === 14`, idle, cards)
		v.Do(chromedp.Click(chromedp.CSS("#model-box")))
		v.Until(`%s && document.getElementById("model-box").hidden && document.querySelector("#results .similarity").textContent === "the same photo"`, idle)
	})
	t.Run("a box is drawn", func(t *testing.T) {
		v.T = t
		v.Do(chromedp.DragAndDropXY(at(v, 0.2), atY(v, 0.5), at(v, 0.8), atY(v, 0.9)))
		v.Until(`%s && !document.getElementById("model-box").hidden && %s.length === 14`, idle, cards)
		v.Do(chromedp.Click(chromedp.CSS("#model-box")))
		v.Until(`%s && document.getElementById("model-box").hidden`, idle)
	})
	t.Run("the keyboard leads to more like this, and back", func(t *testing.T) {
		v.T = t
		id := browsertest.See[string](v, cards+`[1].dataset.row`)
		product := browsertest.See[string](v, cards+`[1].dataset.product`)
		v.Do(chromedp.Focus(chromedp.CSS("#skip")), chromedp.KeyEvent(kb.Enter))
		require.Equal(t, "results", browsertest.See[string](v, `document.activeElement.id`))
		v.Do(chromedp.KeyEvent(kb.Tab))
		require.True(t, browsertest.See[bool](v, `document.activeElement === `+cards+`[0].querySelector(".hit")`), "past what comes before the results")
		require.Equal(t, "search #photo 14", browsertest.See[string](v, inView+` + " " + location.hash + " " + `+cards+`.length`), "the search stays")
		v.Do(chromedp.Focus(chromedp.CSS("#home")), chromedp.KeyEvent(kb.Tab))
		require.Equal(t, "photo", browsertest.See[string](v, `document.activeElement.id`))
		require.NotEqual(t, "none", browsertest.See[string](v, `getComputedStyle(document.querySelector(".again")).outlineStyle`), "what a press of it opens")
		// Tab goes through the chips and on to the cards.
		v.Do(chromedp.Focus(chromedp.CSS("#home")))
		reached := fmt.Sprintf(`document.activeElement.closest(".card")?.dataset.row === %q && document.activeElement.className === "hit"`, id)
		for presses := 0; !browsertest.See[bool](v, reached); presses++ {
			require.Less(t, presses, 200, "the card cannot be reached")
			v.Do(chromedp.KeyEvent(kb.Tab))
		}
		require.NotEqual(t, "none", browsertest.See[string](v, `getComputedStyle(document.activeElement).outlineStyle`), "focus can be seen")
		v.Do(chromedp.KeyEvent(kb.Enter))
		v.Until(`%s && document.querySelector("#caption strong") && %s.length === 13`, idle, cards)
		require.NotContains(t, browsertest.See[[]string](v, cards+`.map((c) => c.dataset.product)`), product)
		require.Equal(t, "#item="+id, browsertest.See[string](v, `location.hash`))
		browsertest.See[bool](v, `(history.back(), true)`)
		v.Until(`%s && location.hash === "#photo" && %s.length === 14`, idle, cards)
	})
	t.Run("a photo without a dress", func(t *testing.T) {
		v.T = t
		choose(v, shop.room(t))
		v.Until(`%s && document.getElementById("message-title").textContent === "No dress was found in this photo" && !document.getElementById("status").textContent`, idle)
		require.Zero(t, browsertest.See[int](v, cards+`.length`))
		require.True(t, browsertest.See[bool](v, `document.getElementById("described").hidden`))
	})
	t.Run("a file that is no photo", func(t *testing.T) {
		v.T = t
		choose(v, []byte("no photo"))
		v.Until(`%s && document.getElementById("message-title").textContent === "This photo cannot be read"`, idle)
		require.Contains(t, browsertest.See[string](v, `document.getElementById("message-text").textContent`), "JPEG")
		require.Equal(t, "alert", browsertest.See[string](v, `document.getElementById("message").role`), "who does not see it is told")
	})
	t.Run("an address of an item", func(t *testing.T) {
		v.T = t
		v.Do(chromedp.Navigate("about:blank"), chromedp.Navigate(s.url+"/#item="+row.RowID))
		v.Until(`%s && document.querySelector("#caption strong")?.textContent === %q`, idle, row.Title)
	})
	t.Run("an address keeps the filters", func(t *testing.T) {
		v.T = t
		own, other := row.Facets["neckline"].Label, ""
		for _, r := range shop.rows {
			if label := r.Facets["neckline"].Label; label != own {
				other = label
			}
		}
		status := `document.getElementById("status").textContent`
		v.Do(chromedp.Click(chromedp.CSS(fmt.Sprintf(`#facets .chip[data-facet="neckline"][data-label=%q]`, other))))
		v.Until(`%s && %s.includes("its own neckline does not count")`, idle, status)
		v.Do(chromedp.SendKeys(chromedp.CSS(`#price [name="min"]`), "1"+kb.Enter))
		v.Until(`%s && %s.includes("price: from 1")`, idle, status)
		said, found := browsertest.See[string](v, status), browsertest.See[[]string](v, cards+`.map((c) => c.dataset.product)`)
		shared := browsertest.See[string](v, `location.href`)
		for name, again := range map[string][]chromedp.Action[chromedp.Void]{
			"reloaded": {chromedp.Reload()},
			"shared":   {chromedp.Navigate("about:blank"), chromedp.Navigate(shared)},
		} {
			v.Do(again...)
			v.Until(`%s && %s === %q`, idle, status, said)
			require.Equal(t, found, browsertest.See[[]string](v, cards+`.map((c) => c.dataset.product)`), name)
			require.Equal(t, "1", browsertest.See[string](v, `document.querySelector('#price [name="min"]').value`), name)
		}
		v.Do(chromedp.Click(chromedp.CSS("#results .card:first-child .hit")))
		v.Until(`%s && !location.hash.includes("&") && !%s.includes("price")`, idle, status)
		browsertest.See[bool](v, `(history.back(), true)`)
		v.Until(`%s && %s === %q`, idle, status, said)
		v.Do(chromedp.Click(chromedp.CSS("#clear")))
		v.Until(`%s && location.hash === %q`, idle, "#item="+row.RowID)
	})
	t.Run("back to what was before a reload", func(t *testing.T) {
		v.T = t
		shown := `document.getElementById("query-photo").getAttribute("src")`
		first := `#results .card:first-child .hit`
		v.Do(chromedp.Navigate("about:blank"), chromedp.Navigate(s.url+"/"))
		v.Until(cards + `.length === 12`)
		picture := browsertest.See[string](v, cards+`[0].querySelector("img").getAttribute("src")`)
		v.Do(chromedp.Click(chromedp.CSS(first)))
		v.Until(`%s && %s === %q`, idle, shown, picture)
		v.Do(chromedp.Reload())
		v.Until(`%s && %s === %q`, idle, shown, picture)
		v.Do(chromedp.Click(chromedp.CSS(first)))
		v.Until(`%s && %s && %s !== %q`, idle, shown, shown, picture)
		browsertest.See[bool](v, `(history.back(), true)`)
		v.Until(`%s && %s === %q`, idle, shown, picture)

		// A photo is gone, and what took its place in memory must not stand for it.
		choose(v, shop.files[row.PhotoID])
		v.Until(`%s && location.hash === "#photo" && %s.length === 14`, idle, cards)
		v.Do(chromedp.Reload())
		v.Until(`%s === "start" && %s.length === 12`, inView, cards)
		v.Do(chromedp.Click(chromedp.CSS(first)))
		v.Until(`%s && %s`, idle, shown)
		browsertest.See[bool](v, `(history.back(), true)`)
		v.Until(`location.hash === "#photo" && %s === "start" && %s.length === 12`, inView, cards)
	})
	t.Run("a photo from the clipboard", func(t *testing.T) {
		v.T = t
		browsertest.See[bool](v, fmt.Sprintf(`(async () => {
			const file = new File([await (await fetch("/v1/thumbnails/%s")).blob()], "pasted.jpg", { type: "image/jpeg" });
			const clipboardData = new DataTransfer();
			clipboardData.items.add(file);
			document.dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
			return true;
		})() && true`, row.PhotoID))
		v.Until(`%s && document.querySelector("#results .similarity")?.textContent === "the same photo"`, idle)
	})
}

// at and atY are a point of the queried photo in the window, by its share of width and height.
func at(v browsertest.Visitor, share float64) float64 {
	return browsertest.See[float64](v, fmt.Sprintf(`(() => { const r = document.getElementById("frame").getBoundingClientRect(); return r.left + r.width * %v; })()`, share))
}

func atY(v browsertest.Visitor, share float64) float64 {
	return browsertest.See[float64](v, fmt.Sprintf(`(() => { const r = document.getElementById("frame").getBoundingClientRect(); return r.top + r.height * %v; })()`, share))
}

func TestPageOnAPhone(t *testing.T) {
	v := browsertest.Visit(t)
	shop := newShopOf(t, 6, 150, 200)
	shop.index(t, "r1", 6)
	s := serve(t, shop.options())
	v.Do(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile, chromedp.EmulateTouch), chromedp.Navigate(s.url))
	const fits = `document.documentElement.scrollWidth <= innerWidth`
	v.Until(cards + `.length === 6`)
	require.True(t, browsertest.See[bool](v, fits))
	choose(v, shop.paint(t, 0, studio.Shot{Query: true}))
	v.Until(`%s && %s.length === 6 && document.querySelector("#results .similarity").textContent`, idle, cards)
	require.True(t, browsertest.See[bool](v, fits))
	require.False(t, browsertest.See[bool](v, `document.getElementById("described").open`), "results before details")
	v.Do(chromedp.Click(chromedp.CSS("#described summary")), chromedp.WaitVisible(chromedp.CSS("#facets .chip.predicted")))
	require.True(t, browsertest.See[bool](v, fits))
}

// TestShowMore has a store that fails for a while, and a new index between two pages of results.
func TestShowMore(t *testing.T) {
	v := browsertest.Visit(t)
	shop := newShopOf(t, 40, 40, 54)
	shop.index(t, "r1", 30)
	var broken atomic.Bool
	store := &watchedStore{Store: shop.store, before: func(string) error {
		if broken.Load() {
			return errors.New("out of order")
		}
		return nil
	}}
	options := shop.options()
	options.Store = store
	s := serve(t, options)
	more := chromedp.Click(chromedp.CSS("#more"))
	says := func(id string) string {
		return browsertest.See[string](v, `document.getElementById("`+id+`").textContent`)
	}
	v.Do(chromedp.Navigate(s.url + "/#item=" + shop.rows[0].RowID))
	v.Until(`%s && %s.length === 24`, idle, cards)

	broken.Store(true)
	v.Do(more)
	v.Until(`%s && document.getElementById("more-failed").textContent`, idle)
	require.Equal(t, 24, browsertest.See[int](v, cards+`.length`), "what is shown stays")
	require.Equal(t, "24 of 29 dresses", says("status"))
	require.Equal(t, "more", browsertest.See[string](v, `document.activeElement.id`), "to be pressed again")
	broken.Store(false)
	v.Do(more)
	v.Until(`%s && %s.length === 29 && document.getElementById("more").hidden`, idle, cards)
	require.Empty(t, says("more-failed"))

	v.Do(chromedp.Reload())
	v.Until(`%s && %s.length === 24`, idle, cards)
	const asked = `performance.getEntriesByType("resource").filter((e) => e.name.endsWith("/v1/facets")).length`
	require.Equal(t, 1, browsertest.See[int](v, asked))
	shop.index(t, "r2", 40)
	s.awaitRun("r2")
	v.Do(more)
	v.Until(`%s && document.getElementById("status").textContent === "24 of 39 dresses"`, idle)
	require.Equal(t, 24, browsertest.See[int](v, cards+`.length`), "none of the former index")
	require.Equal(t, 2, browsertest.See[int](v, asked), "its facets may be others")
	v.Do(more)
	v.Until(`%s && %s.length === 39`, idle, cards)
}

func TestPageWithoutAnIndex(t *testing.T) {
	v := browsertest.Visit(t)
	shop := newShop(t)
	s := serve(t, shop.options())
	v.Do(chromedp.Navigate(s.url))
	v.Until(`document.getElementById("message-title").textContent === "There is no catalogue yet"`)
	shop.index(t, "r1", 3)
	v.Do(chromedp.Click(chromedp.CSS("#message-action")))
	v.Until(cards + `.length === 3`)
}

func TestPageInTheDark(t *testing.T) {
	v := browsertest.Visit(t)
	shop := newShop(t)
	shop.index(t, "r1", 2)
	s := serve(t, shop.options())
	const lightness = `getComputedStyle(document.body).backgroundColor.match(/\d+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0) / 3`
	for scheme, dark := range map[string]bool{"light": false, "dark": true} {
		v.Prefer(map[string]string{"prefers-color-scheme": scheme})
		v.Do(chromedp.Navigate(s.url))
		require.Equal(t, dark, browsertest.See[float64](v, lightness) < 128)
	}
}

// A contrast theme has colours of its own: which chip is pressed is seen all the same.
func TestPageInAContrastTheme(t *testing.T) {
	v := browsertest.Visit(t)
	shop := newShop(t)
	shop.index(t, "r1", 2)
	s := serve(t, shop.options())
	v.Prefer(map[string]string{"forced-colors": "active"})
	v.Do(chromedp.Navigate(s.url + "/#item=" + shop.rows[0].RowID))
	v.Until(`%s && document.querySelector('#facets .chip[aria-pressed="true"]')`, idle)
	const background = `getComputedStyle(document.querySelector('#facets .chip[aria-pressed="%t"]')).backgroundColor`
	require.NotEqual(t, browsertest.See[string](v, fmt.Sprintf(background, true)), browsertest.See[string](v, fmt.Sprintf(background, false)))
}
