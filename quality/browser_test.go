package quality

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/browsertest"
)

// serve serves a review until the test ends, and returns its address.
func serve(t *testing.T, r *Review) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- NewServer(r, ServerOptions{Logger: slog.New(slog.DiscardHandler)}).Serve(ctx, listener)
	}()
	t.Cleanup(func() { stop(); require.NoError(t, <-ended) })
	return "http://" + listener.Addr().String() + "/"
}

// TestPage judges as people do, by mouse and by keyboard.
func TestPage(t *testing.T) {
	v := browsertest.Visit(t)
	r := review(t, shop(t))
	url := serve(t, r)
	click := func(expression string) {
		t.Helper()
		v.Until("%s", expression)
		browsertest.See[any](v, expression+".click()")
	}
	const (
		patience, glance = time.Minute, 5 * time.Millisecond

		first = `document.querySelector("#photos .card")`
		chips = `[...` + first + `.querySelectorAll(".chip")]`
	)
	label := func(id int) string {
		t.Helper()
		return itemOf(t, r, id, "neckline").Label
	}
	v.Do(chromedp.Navigate(url))
	v.Until(`document.querySelectorAll("#photos .card").length === 2 && document.getElementById("status").textContent.includes("surest")`)
	require.Equal(t, "0.png", browsertest.See[string](v, first+`.querySelector(".name").textContent`))

	// Nobody judges without a name.
	click(chips + `.find(c => c.textContent.startsWith("v-neck"))`)
	v.Until(`!document.getElementById("failure").hidden && document.activeElement.id === "judge"`)
	require.Equal(t, "round", label(0))
	v.Do(chromedp.KeyEvent("ann"), chromedp.KeyEvent(kb.Enter))
	click(chips + `.find(c => c.textContent.startsWith("v-neck"))`)
	v.Until(`%s.classList.contains("judged")`, first)
	require.Equal(t, "v-neck", label(0))
	v.Until(`document.getElementById("figures").textContent.includes("100%%")`)

	// By keyboard: another label, cannot be seen, and back.
	browsertest.See[any](v, first+".focus()")
	for key, want := range map[string]string{"2": "round", "0": ""} {
		v.Do(chromedp.KeyEvent(key))
		v.Until(`%s === %s && %s.classList.contains("judged")`, first, `document.activeElement`, first)
		require.Eventually(t, func() bool { return label(0) == want }, patience, glance, key)
	}
	v.Do(chromedp.KeyEvent("m"))
	require.Eventually(t, func() bool { return label(0) == "v-neck" }, patience, glance)
	v.Do(chromedp.KeyEvent("u"))
	require.Eventually(t, func() bool { return label(0) == "round" }, patience, glance, "taken back")

	// Behind each number are its photos.
	click(`[...document.querySelectorAll("#confusion button")].find(b => b.getAttribute("aria-label").includes("of round that the model takes for v-neck"))`)
	v.Until(`document.getElementById("status").textContent.includes("labelled round, taken for v-neck")`)
	v.Until(`document.querySelectorAll("#photos .card").length === 2`)
	require.Contains(t, browsertest.See[string](v, `location.hash`), "predicted=v-neck")
	browsertest.See[any](v, `document.querySelector('#facets a[href*="sleeve"]').click()`)
	v.Until(`document.getElementById("facet-name").textContent === "sleeve" && document.querySelectorAll("#photos .card").length === 8`)

	v.Do(chromedp.EmulateViewport(360, 800))
	require.LessOrEqual(t, browsertest.See[int](v, `document.documentElement.scrollWidth`), 360, "nothing is cut off on a phone")
}
