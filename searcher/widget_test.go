package searcher

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/browsertest"
)

func TestWidgetOnAShopsPage(t *testing.T) {
	v := browsertest.Visit(t)
	shop := newShop(t)
	shop.index(t, "r1", 12)
	s := serve(t, shop.options())
	v.Do(chromedp.Navigate(s.url + "/widget"))
	v.Until(`document.querySelector(".kleid-similar")?.shadowRoot.querySelectorAll("li").length === 6`)
	require.Contains(t, browsertest.See[string](v, `document.querySelector(".kleid-similar").shadowRoot.querySelector("a").href`), "https://shop.example/")
}

// TestWidgetInTheHead gets its answer before the browser has read as far as the place for it.
func TestWidgetInTheHead(t *testing.T) {
	v := browsertest.Visit(t)
	shop := newShop(t)
	shop.index(t, "r1", 3)
	options := shop.options()
	options.AllowedOrigins = []string{"*"}
	s := serve(t, options)
	for name, test := range map[string]struct{ attributes, rest, says string }{
		"a place further down": {`data-into="#similar"`, `<div id="similar"></div>`, ""},
		"no such place":        {`data-into="#similar"`, `<div id="other"></div>`, "#similar"},
		"no place named":       {"", `<div id="similar"></div>`, "data-into"},
	} {
		t.Run(name, func(t *testing.T) {
			v.T = t
			answered := make(chan struct{})
			page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/answered" {
					close(answered)
					return
				}
				w.Header().Set("Content-Type", "text/html")
				fmt.Fprintf(w, `<!doctype html><html><head><link rel="icon" href="data:,"><script>
					console.error = (...said) => globalThis.said = said.join(" ");
					globalThis.fetch = () => Promise.resolve({ ok: true, json: () => {
						setTimeout(() => new Image().src = "/answered");
						return Promise.resolve({ results: [{ product_id: "x" }] });
					} });
				</script><script src="%s/widget.js" data-product="x" %s></script></head><body><p>%s`, s.url, test.attributes, strings.Repeat("a product ", 100))
				w.(http.Flusher).Flush()
				select {
				case <-answered:
				case <-r.Context().Done():
				}
				fmt.Fprint(w, test.rest)
			}))
			defer page.Close()
			defer page.CloseClientConnections()
			v.Do(chromedp.Navigate(page.URL))
			if test.says == "" {
				v.Until(`document.querySelector("#similar > .kleid-similar")`)
			} else {
				v.Until(`globalThis.said?.includes(%q)`, test.says)
			}
			require.False(t, browsertest.See[bool](v, `document.head.querySelector(".kleid-similar") !== null`))
		})
	}
}

// shopPage serves a page of a shop, on another origin than the service's, whose console.error is heard as said. Its
// fetch leaves what is asked for in asked, by product, as functions that answer.
func shopPage(t *testing.T, html string) string {
	t.Helper()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><link rel="icon" href="data:,"><script>
			globalThis.said = "";
			console.error = (...words) => said += words.join(" ");
			globalThis.asked = {};
			globalThis.fetch = (address) => new Promise((answer) => {
				const product = new URL(address).pathname.split("/")[3];
				asked[product] = () => answer({ ok: true, json: () => Promise.resolve({ results: [{ product_id: "like " + product }] }) });
			});
		</script>`, html)
	}))
	t.Cleanup(page.Close)
	return page.URL
}

// TestWidgetOfAFormerProduct has a page that shows another product without a reload, and the answer for the former
// one come after that.
func TestWidgetOfAFormerProduct(t *testing.T) {
	v := browsertest.Visit(t)
	options := newShop(t).options()
	options.AllowedOrigins = []string{"*"}
	s := serve(t, options)
	v.Do(chromedp.Navigate(shopPage(t, `<main></main><script>
		function show(product) {
			document.querySelector("main").innerHTML = '<div id="similar"></div>';
			const script = document.createElement("script");
			script.src = "`+s.url+`/widget.js";
			Object.assign(script.dataset, { product, into: "#similar" });
			document.querySelector("main").append(script);
		}
		show("former");
	</script>`)))
	v.Until(`asked.former`)
	browsertest.See[bool](v, `(show("present"), true)`)
	v.Until(`asked.present`)
	// What an answer leads to is done before the next timer.
	browsertest.See[bool](v, `(asked.present(), asked.former(), setTimeout(() => globalThis.answered = true), true)`)
	v.Until(`globalThis.answered`)
	require.Equal(t, []string{"like present"}, browsertest.See[[]string](v, `[...document.querySelectorAll(".kleid-similar")].map((w) => w.shadowRoot.querySelector("b").textContent)`))
	require.Empty(t, browsertest.See[string](v, `said`))
}

// TestWidgetSaysWhyItDoesNotShow has pages on which it cannot.
func TestWidgetSaysWhyItDoesNotShow(t *testing.T) {
	v := browsertest.Visit(t)
	options := newShop(t).options()
	options.AllowedOrigins = []string{"*"}
	s := serve(t, options)
	tag := func(attributes string) string {
		return fmt.Sprintf(`<script src="%s/widget.js" data-product="x" %s></script>`, s.url, attributes)
	}
	for name, test := range map[string]struct {
		html, says string
		asks       bool
	}{
		"a script that is removed": {tag(`onload="this.remove()"`), "data-into", true},
		"a script in a shadow tree": {`<div id="host"></div><script>
			const script = document.createElement("script");
			script.src = "` + s.url + `/widget.js";
			script.dataset.product = "x";
			document.getElementById("host").attachShadow({ mode: "open" }).append(script);
		</script>`, "shadow tree", false},
		"a module":                    {tag(`type="module" crossorigin`), "type=module", false},
		"a place that is no selector": {tag(`data-into="#4711"`), `[id="4711"]`, false},
	} {
		t.Run(name, func(t *testing.T) {
			v.T = t
			v.Do(chromedp.Navigate(shopPage(t, test.html)))
			if test.asks {
				v.Until(`asked.x && document.readyState === "complete"`)
				browsertest.See[bool](v, `(asked.x(), true)`)
			}
			v.Until(`said.includes(%q)`, test.says)
			require.Equal(t, test.asks, browsertest.See[bool](v, `"x" in asked`))
		})
	}
}

// Whoever puts the widget on a page reads what it takes on its own.
func TestWidgetIsDescribed(t *testing.T) {
	read := func(file string) string {
		data, err := web.ReadFile("web/" + file)
		require.NoError(t, err)
		return string(data)
	}
	_, after, _ := strings.Cut(read("widget.js"), "const { ")
	options, _, ok := strings.Cut(after, " } = script.dataset")
	require.True(t, ok)
	for _, option := range strings.Split(options, ", ") {
		name, _, _ := strings.Cut(option, " ")
		name = regexp.MustCompile("[A-Z]").ReplaceAllStringFunc(name, func(letter string) string { return "-" + strings.ToLower(letter) })
		require.Contains(t, read("widget.html"), "<code>data-"+name+"=")
	}
}

func TestWidgetFilters(t *testing.T) {
	v := browsertest.Visit(t)
	shop := newShop(t)
	shop.index(t, "r1", 3)
	s := serve(t, shop.options())
	v.Do(chromedp.Navigate(s.url + "/widget"))
	v.Until(`document.querySelector(".kleid-similar")`)
	// What the widget asks for is what counts, so nothing needs to have such labels.
	browsertest.See[bool](v, `(() => {
		const script = document.createElement("script");
		script.src = "/widget.js";
		Object.assign(script.dataset, { product: "x", where: " neckline=off shoulder, low ;sleeve=long;; sleeve=short; ", priceMin: "0", priceMax: "99.5" });
		globalThis.fetch = (address) => {
			const query = new URL(address).searchParams;
			globalThis.asked = [...query.getAll("where"), query.get("price_min"), query.get("price_max"), String(query.has("price_currency"))];
			return Promise.resolve({ ok: true, json: () => Promise.resolve({ results: [] }) });
		};
		document.head.append(script);
		return true;
	})()`)
	v.Until(`globalThis.asked`)
	require.Equal(t, []string{"neckline=off shoulder, low", "sleeve=long", "sleeve=short", "0", "99.5", "false"}, browsertest.See[[]string](v, `globalThis.asked`))
}

// TestWidgetSpeaksThePagesLanguage in prices and headings, and tells the page what is shown and chosen.
func TestWidgetSpeaksThePagesLanguage(t *testing.T) {
	v := browsertest.Visit(t)
	options := newShop(t).options()
	options.AllowedOrigins = []string{"*"}
	s := serve(t, options)
	page := func(attributes string) {
		v.Do(chromedp.Navigate(shopPage(t, `<html lang="de"><main></main><script>
			globalThis.heard = [];
			for (const name of ["kleid-shown", "kleid-click"]) document.addEventListener(name, ({ detail }) => heard.push(JSON.stringify(detail)));
			globalThis.fetch = () => Promise.resolve({ ok: true, json: () => Promise.resolve({ results: [
				{ product_id: "a", price: 1299.5, currency: "EUR", url: "https://shop.example/a" }, { product_id: "b" },
			] }) });
		</script><script src="`+s.url+`/widget.js" data-product="x" `+attributes+`></script>`)))
	}
	const root = `document.querySelector(".kleid-similar").shadowRoot`
	page(`data-heading="4" data-title="Dazu passt"`)
	v.Until(`heard.length === 1`)
	require.Equal(t, "Dazu passt", browsertest.See[string](v, root+`.querySelector("h4").textContent`))
	require.Equal(t, "1.299,50\u00a0€", browsertest.See[string](v, root+`.querySelector("span").textContent`))
	browsertest.See[bool](v, `(() => {
		const links = `+root+`.querySelectorAll("a");
		links[1].click();
		links[0].addEventListener("auxclick", (event) => event.preventDefault());
		for (const button of [1, 2]) links[0].dispatchEvent(new MouseEvent("auxclick", { button, cancelable: true }));
		return true;
	})()`)
	require.Equal(t, []string{
		`{"product":"x","shown":["a","b"]}`, `{"product":"x","chosen":"b","rank":2}`, `{"product":"x","chosen":"a","rank":1}`,
	}, browsertest.See[[]string](v, `heard`))

	page(`data-heading="big"`)
	v.Until(`said.includes("data-heading cannot be big")`)
}
