package browsertest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// open opens a page that is nothing but this.
func open(t *testing.T, body string) Visitor {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><title>A page</title><link rel="icon" href="data:,"><body style="background: #fff; color: #000">` + body))
	}))
	t.Cleanup(server.Close)
	v := Visit(t)
	v.Do(chromedp.Navigate(server.URL))
	return v
}

func TestInaccessible(t *testing.T) {
	const wide = `style="width: 99px; height: 30px; border: 1px solid #000"`
	v := open(t, `
		<button id="nameless" style="width: 30px; height: 30px"></button>
		<img id="no-alt" src="data:,">
		<p id="faint" style="color: #777; background: #eee">text</p>
		<p id="opaque" style="opacity: .5">text</p>
		<p id="dark" style="background: light-dark(#fff, #333); color-scheme: light dark">text</p>
		<div style="position: relative"><img alt="a picture" src="data:image/svg+xml,<svg xmlns=%22http://www.w3.org/2000/svg%22/>" style="width: 99px; height: 30px"><b id="over" style="position: absolute; left: 0; background: rgb(255 255 255 / .2)">text</b></div>
		<label>field <input id="edge" style="width: 99px; height: 30px; border: 1px solid #ccc"></label>
		<label>field <input id="placeholder" `+wide+` placeholder="text"></label><style>#placeholder::placeholder { color: #bbb }</style>
		<p><button id="small" style="all: unset; width: 20px; height: 20px">a</button><button id="crowded" style="all: unset; width: 20px; height: 20px">b</button></p>
		<div id="host"></div>
		<script>host.attachShadow({mode: "open"}).innerHTML = '<p id="shadow" style="color: #aaa">text</p>'</script>`)
	failures := strings.Join(v.inaccessible(), "\n")
	for _, what := range []string{
		`a button without a name: <button id="nameless"`, `a image without a name: <img id="no-alt"`, `contrast of 3.86, not 4.5: <p id="faint"`,
		`contrast of 3.98, not 4.5: <p id="opaque"`, `dark: contrast of 1.66, not 4.5: <p id="dark"`, `not 4.5: <b id="over"`, `an edge of contrast 1.61, not 3: <input id="edge"`,
		`not 4.5: <input id="placeholder"`, `less than 24 x 24 pixels, and others near: <button id="small"`, `others near: <button id="crowded"`, `not 4.5: <p id="shadow"`,
	} {
		require.Contains(t, failures, what)
	}
	require.NotContains(t, failures, `light: contrast of 1.66, not 4.5: <p id="dark"`)
}

func TestAccessible(t *testing.T) {
	v := open(t, `
		<button style="width: 30px; height: 30px" aria-label="close"></button> <img alt="" src="data:,"> <img alt="a dress" src="data:,">
		<p style="color: #949494; font: 24px sans-serif">large</p>
		<p>A sentence has <a href="#a" style="color: #00c">a</a>, <a href="#b" style="color: #00c">b</a> and <a href="#c" style="color: #00c">c</a>.</p>
		<p style="color: #ccc; clip-path: inset(50%)">heard, not seen</p> <button disabled style="color: #ccc">not now</button>
		<p style="display: flex; gap: 12px"><button style="all: unset; width: 20px; height: 20px">a</button><button style="all: unset; width: 20px; height: 20px">b</button></p>`)
	v.Accessible()
}

func TestKeepsFocus(t *testing.T) {
	v := open(t, `<button id="there">there</button><button id="gone">gone</button>
		<div style="position: fixed; inset: 0; top: auto; height: 90px; background: #fff"></div><button id="behind" style="position: fixed; bottom: 9px">behind</button>
		<style>div { z-index: 1 }</style>`)
	for id, where := range map[string]string{"there": "", "gone": "at the top of the page", "behind": "out of sight: <button id=\"behind\""} {
		See[any](v, `document.getElementById("`+id+`").focus(), document.getElementById("gone").hidden = true, null`)
		require.True(t, strings.HasPrefix(v.lostFocus(), where) && (where != "" || v.lostFocus() == ""), "%s: %s", id, v.lostFocus())
		See[any](v, `document.getElementById("gone").hidden = false, null`)
	}
}
