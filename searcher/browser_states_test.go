package searcher

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/browsertest"
	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/photo"
)

const noPicture = `document.getElementById("frame").hidden`

func TestPageWithoutAPicture(t *testing.T) {
	v := browsertest.Visit(t)
	shop := newShopOf(t, 3, 150, 200)
	shop.index(t, "r1", 3)
	options := shop.options()
	options.Limits = photo.Limits{MaxBytes: 1 << 20, MaxPixels: 1_000_000}
	s := serve(t, options)
	v.Do(chromedp.Navigate(s.url + "/#item=" + strings.Repeat("0", 64)))
	v.Until(`document.getElementById("message-title").textContent === "This dress is gone"`)
	require.True(t, browsertest.See[bool](v, noPicture), "an item that is gone")
	require.NotContains(t, browsertest.See[string](v, `document.getElementById("message-text").textContent`), "000", "people know no ids")
	v.Do(chromedp.Click(chromedp.CSS("#message-action")))
	v.Until(`%s === "start" && %s.length === 3 && location.hash === ""`, inView, cards)

	choose(v, []byte("no photo"))
	v.Until(`%s && document.getElementById("message-title").textContent === "This photo cannot be read"`, idle)
	require.True(t, browsertest.See[bool](v, noPicture), "a file that is no photo")
	choose(v, make([]byte, 1<<20+1))
	v.Until(`%s && document.getElementById("message-title").textContent === "This photo is too large"`, idle)
	choose(v, shop.files[shop.rows[0].PhotoID])
	v.Until(`%s && %s.length === 3`, idle, cards)
	require.False(t, browsertest.See[bool](v, noPicture))
}

// TestPageShowsWhatIsChosen has a store that takes its time: who chose a dress sees it meanwhile.
func TestPageShowsWhatIsChosen(t *testing.T) {
	v := browsertest.Visit(t)
	shop := newShopOf(t, 3, 150, 200)
	shop.index(t, "r1", 3)
	s := serve(t, shop.options())
	v.Do(chromedp.Navigate(s.url))
	v.Until(cards + `.length === 3`)
	picture := browsertest.See[string](v, `(() => {
		const asked = fetch;
		globalThis.fetch = async (...request) => (await new Promise((go) => globalThis.proceed = go), asked(...request));
		const first = document.querySelector("#results .card");
		first.querySelector(".hit").click();
		return first.querySelector("img").src;
	})()`)
	v.Until(`document.getElementById("query-photo").naturalWidth && globalThis.proceed`)
	require.Equal(t, picture, browsertest.See[string](v, `document.getElementById("query-photo").src`))
	require.False(t, browsertest.See[bool](v, idle))
	browsertest.See[bool](v, `(proceed(), true)`)
	v.Until(`%s && %s.length === 2`, idle, cards)
}

// Who filters by price while the shop goes back to an index that knows none is shown the way out.
func TestPageAfterARollback(t *testing.T) {
	v := browsertest.Visit(t)
	shop := newShopOf(t, 3, 150, 200)
	shop.index(t, "r1", 3)
	shop.forgetPrices(t, "r1")
	shop.publish(t, "r2")
	s := serve(t, shop.options())
	v.Do(chromedp.Navigate(s.url + "/#item=" + shop.rows[0].RowID))
	v.Until(`%s && %s.length === 2 && !document.getElementById("price").hidden`, idle, cards)
	require.NoError(t, shop.store.Publish(t.Context(), "r1"))
	require.Eventually(t, func() bool {
		var d Description
		s.get("/v1/facets").into(t, &d)
		return d.Run == "r1"
	}, 10*time.Second, time.Millisecond)
	v.Do(chromedp.SendKeys(chromedp.CSS(`#price [name="max"]`), "1000"+kb.Enter))
	v.Until(`%s && document.getElementById("message-action").textContent === "Clear the filter"`, idle)
	v.Do(chromedp.Click(chromedp.CSS("#message-action")))
	v.Until(`%s && %s.length === 2 && document.getElementById("price").hidden && document.getElementById("message").hidden`, idle, cards)
}

// Names of any length leave the page and the widget as wide as they are, and cards about as high.
func TestLongNames(t *testing.T) {
	v := browsertest.Visit(t)
	shop := newShopOf(t, 4, 150, 200)
	var rows []catalog.Row
	for i, title := range []string{"A dress", strings.Repeat("Abendkleid", 30), strings.Repeat("a long name ", 30), strings.Repeat("Sommerkleid", 30)} {
		row := shop.row(t, i, studio.Shot{})
		row.Title = title
		rows = append(rows, row)
	}
	shop.rows = rows
	shop.publish(t, "r1")
	s := serve(t, shop.options())
	const fits = `document.documentElement.scrollWidth <= innerWidth`
	for _, product := range []string{rows[0].ProductID, rows[1].ProductID} {
		v.Do(chromedp.EmulateViewport(390, 844), chromedp.Navigate(s.url+"/widget?product="+product))
		v.Until(`document.querySelector(".kleid-similar")`)
		require.True(t, browsertest.See[bool](v, fits))
		require.True(t, browsertest.See[bool](v, `[...document.querySelector(".kleid-similar").shadowRoot.querySelectorAll("b")].every((b) =>
			b.scrollWidth <= b.clientWidth && b.clientHeight < 70 && b.title === b.textContent)`), "names stay in their columns")
	}
	v.Do(chromedp.Navigate(s.url + "/#item=" + rows[1].RowID))
	v.Until(`%s && %s.length === 3`, idle, cards)
	require.True(t, browsertest.See[bool](v, fits))
	require.True(t, browsertest.See[bool](v, cards+`.every((c) => c.querySelector(".title").clientHeight < 70)`))
}

// TestPageReadsWhatTheBrowserShows gives the page a file that the service does not read, but the browser.
func TestPageReadsWhatTheBrowserShows(t *testing.T) {
	v := browsertest.Visit(t)
	shop := newShopOf(t, 3, 150, 200)
	shop.index(t, "r1", 3)
	s := serve(t, shop.options())
	v.Do(chromedp.Navigate(s.url))
	v.Until(cards + `.length === 3`)
	path, err := filepath.Abs("testdata/dress.avif")
	require.NoError(t, err)
	v.Do(chromedp.SetUploadFiles(chromedp.CSS("#photo"), []string{path}))
	v.Until(`%s && %s !== "start"`, idle, inView)
	require.Equal(t, "No dress was found in this photo", browsertest.See[string](v, `document.getElementById("message-title").textContent`))
	require.Equal(t, []float64{60, 80}, browsertest.See[[]float64](v, `[document.getElementById("query-photo").naturalWidth, document.getElementById("query-photo").naturalHeight]`))
}
