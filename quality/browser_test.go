package quality

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/browsertest"
	"github.com/kleid-search/kleid/datasets"
)

// serve serves a review until the test ends, and returns its address. A browser is opened after it, to be closed before it:
// the server waits for connections that it holds.
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
	r := review(t, shop(t))
	url := serve(t, r)
	v := browsertest.Visit(t)
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
	click(chips + `.find(c => c.querySelector("bdi").textContent === "v-neck")`)
	v.Until(`!document.getElementById("failure").hidden && document.activeElement.id === "judge"`)
	require.Equal(t, "round", label(0))
	v.Do(chromedp.KeyEvent("Ann  Zoe\u0308"), chromedp.KeyEvent(kb.Enter))
	v.Until(`document.getElementById("photos").getAttribute("aria-busy") === "false"`)
	require.True(t, browsertest.See[bool](v, `document.getElementById("failure").hidden`), "the name is known")
	click(chips + `.find(c => c.querySelector("bdi").textContent === "v-neck")`)
	v.Until(`%s.classList.contains("judged")`, first)
	require.Equal(t, "v-neck", label(0))
	v.Until(`document.getElementById("figures").textContent.includes("100%%")`)

	// By keyboard: a label, after which the next photo is at hand, cannot be seen, and back.
	focus := func(card int) {
		browsertest.See[any](v, fmt.Sprintf(`document.querySelectorAll("#photos .card")[%d].focus()`, card))
	}
	at := func(card int) {
		t.Helper()
		v.Until(`document.activeElement === document.querySelectorAll("#photos .card")[%d]`, card)
	}
	for _, key := range []struct{ key, label string }{{"2", "round"}, {"0", ""}, {"m", "v-neck"}} {
		focus(0)
		v.Do(chromedp.KeyEvent(key.key))
		at(1)
		require.Eventually(t, func() bool { return label(0) == key.label }, patience, glance, key.key)
		if key.key == "0" {
			v.Until(`%s.querySelector(".said").textContent.includes("cannot be seen")`, first)
		}
	}
	focus(0)
	v.Until(`%s.querySelector('[aria-pressed="true"]').textContent.includes("v-neck")`, first)
	v.Do(chromedp.KeyEvent("u"))
	require.Eventually(t, func() bool { return label(0) == "round" }, patience, glance, "taken back")
	at(0)

	// A key that is held down is said once.
	browsertest.See[any](v, first+`.dispatchEvent(new KeyboardEvent("keydown", {key: "1", repeat: true}))`)
	at(0)

	// A photo is seen large, and the keyboard is back where it was.
	v.Do(chromedp.KeyEvent("z"))
	v.Until(`document.getElementById("large").open && document.querySelector("#large img").src.includes("large=1") && document.querySelector("#large img").naturalWidth > 0`)
	v.Do(chromedp.KeyEvent(kb.Escape))
	v.Until(`!document.getElementById("large").open`)
	at(0)
	click(first + `.querySelector("img")`)
	v.Until(`document.getElementById("large").open`)
	click(`document.querySelector("#large button")`)
	v.Until(`!document.getElementById("large").open`)

	// Behind each number are its photos: those that it is of, which is one here. There are two of all.
	click(`[...document.querySelectorAll("#confusion button")].find(b => b.getAttribute("aria-label").includes("1 photo of round that the model takes for v-neck"))`)
	v.Until(`document.getElementById("status").textContent.includes("labelled round, taken for v-neck") && document.activeElement.id === "status"`)
	v.Until(`document.querySelectorAll("#photos .card").length === 1`)
	require.Contains(t, browsertest.See[string](v, `location.hash`), "predicted=v-neck&set=apart")
	require.Equal(t, "1", browsertest.See[string](v, `document.querySelector('#confusion [aria-pressed="true"]').textContent`))
	click(`[...document.querySelectorAll("#shows .chip")].find(c => c.textContent.startsWith("Only") && c.getAttribute("aria-pressed") === "true")`)
	v.Until(`document.querySelectorAll("#photos .card").length === 2`)
	require.NotContains(t, browsertest.See[string](v, `location.hash`), "set=")

	// The link past the figures does not change what is looked at.
	before := browsertest.See[string](v, `location.hash`)
	browsertest.See[any](v, `document.querySelector(".skip").click()`)
	v.Until(`document.activeElement.id === "photos"`)
	require.Equal(t, before, browsertest.See[string](v, `location.hash`))

	browsertest.See[any](v, `document.querySelector('#facets a[href*="sleeve"]').click()`)
	v.Until(`document.getElementById("facet-name").textContent === "sleeve" && document.querySelectorAll("#photos .card").length === 8`)

	v.Do(chromedp.EmulateViewport(360, 800))
	require.LessOrEqual(t, browsertest.See[int](v, `document.documentElement.scrollWidth`), 360, "nothing is cut off on a phone")

	// On a phone the figures are folded, and a photo is on the first screen.
	v.Do(chromedp.EmulateViewport(360, 800, chromedp.EmulateMobile, chromedp.EmulateTouch), chromedp.Navigate(url+"?phone"))
	v.Until(`document.querySelectorAll("#photos .card").length === 2`)
	require.False(t, browsertest.See[bool](v, `document.getElementById("report").open`))
	require.Less(t, browsertest.See[float64](v, first+`.getBoundingClientRect().top`), 450.0)
	require.Equal(t, 1, browsertest.See[int](v, `getComputedStyle(document.getElementById("photos")).gridTemplateColumns.split(" ").length`))
	require.True(t, browsertest.See[bool](v, `document.getElementById("keys").checkVisibility()`))
}

// visit opens a review's page, whose list has so many cards.
func visit(t *testing.T, r *Review, fragment string, cards int) browsertest.Visitor {
	t.Helper()
	v := browsertest.Visit(t)
	v.Do(chromedp.Navigate(serve(t, r) + fragment))
	v.Until(`document.querySelectorAll("#photos .card").length === %d`, cards)
	return v
}

// TestPageIsSlowToAnswer: what people do before an answer is there is said of the photo, the facet and in the order that
// they saw.
func TestPageIsSlowToAnswer(t *testing.T) {
	r := review(t, shop(t))
	v := visit(t, r, "#facet=sleeve&show=all", 8)
	browsertest.See[any](v, `{
		window.judge.value = "ann";
		window.sent = [], window.gates = [], window.real = window.fetch;
		window.slow = path => false;
		window.fetch = (path, options) => {
			if (options?.body) sent.push(JSON.parse(options.body));
			if (!slow(path)) return real(path, options);
			return new Promise(go => gates.push(go)).then(() => real(path, options));
		};
		window.card = n => document.querySelectorAll("#photos .card")[n];
		window.chip = (n, text) => [...card(n).querySelectorAll(".chip")].find(c => c.querySelector("bdi").textContent === text);
	}`)

	// A card is of its facet, whatever the page has gone on to: there is none of the one before.
	browsertest.See[any](v, `{
		window.old = chip(0, "long");
		slow = path => path.startsWith("/api/photos?");
		location.hash = "facet=neckline&show=all";
	}`)
	v.Until(`document.getElementById("facet-name").textContent === "neckline" && gates.length === 1`)
	require.Zero(t, browsertest.See[int](v, `document.querySelectorAll("#photos .card").length`))
	browsertest.See[any](v, `old.click()`)
	v.Until(`sent.length === 1`)
	require.Equal(t, "sleeve long", browsertest.See[string](v, `sent[0].facet + " " + sent[0].label`))
	browsertest.See[any](v, `gates.pop()()`)
	v.Until(`document.querySelectorAll("#photos .card").length === 8`)
	require.Equal(t, 0, browsertest.See[int](v, `document.querySelectorAll("#photos .judged").length`), "the answer was of another facet")

	// An answer that comes while the list is asked for is newer than the list.
	browsertest.See[any](v, `{
		slow = () => false;
		const quick = fetch;
		window.fetch = (path, options) => path.startsWith("/api/photos?")
			? quick(path, options).then(async list => { await new Promise(go => gates.push(go)); return list; }) : quick(path, options);
		location.hash = "facet=neckline&show=all&set=apart";
	}`)
	v.Until(`gates.length === 1`)
	browsertest.See[any](v, `chip(0, "v-neck").click()`)
	v.Until(`card(0).classList.contains("judged")`)
	browsertest.See[any](v, `gates.pop()()`)
	v.Until(`document.querySelectorAll("#photos .card").length === 4`)
	require.True(t, browsertest.See[bool](v, `card(0).classList.contains("judged")`))

	// The last click is the last word, however long the first takes.
	browsertest.See[any](v, `{
		sent.length = 0;
		slow = path => path === "/api/judgements" && sent.length === 1;
		chip(1, "v-neck").click();
		chip(1, "round").click();
	}`)
	v.Until(`gates.length === 1`)
	require.Equal(t, 1, browsertest.See[int](v, `sent.length`))
	browsertest.See[any](v, `gates.pop()()`)
	v.Until(`chip(1, "round").getAttribute("aria-pressed") === "true"`)
	require.Equal(t, "round", itemOf(t, r, 1, "neckline").Votes["ann"])
}

// clicks presses the mouse at the upper rim of an element, as the first or second click of a double one.
func clicks(v browsertest.Visitor, element string, count int) {
	v.T.Helper()
	at := browsertest.See[[]float64](v, element+`.scrollIntoView({block: "nearest"}), (r => [r.left + r.width / 2, r.top + 4])(`+element+`.getBoundingClientRect())`)
	v.Do(chromedp.MouseEvent(chromedp.MousePressed, at[0], at[1], chromedp.ButtonLeft, chromedp.ClickCount(count)),
		chromedp.MouseEvent(chromedp.MouseReleased, at[0], at[1], chromedp.ButtonLeft, chromedp.ClickCount(count)))
}

// TestPageIsClickedTwice: a double click is one judgement, and nothing moves below the mouse.
func TestPageIsClickedTwice(t *testing.T) {
	r := review(t, shop(t))
	v := visit(t, r, "#facet=neckline&show=all", 8)
	browsertest.See[any](v, `{
		window.judge.value = "ann";
		window.sent = 0, window.real = window.fetch;
		window.fetch = (path, options) => (sent += options?.body ? 1 : 0, real(path, options));
		window.chip = (n, text) => [...document.querySelectorAll("#photos .card")[n].querySelectorAll(".chip")].find(c => c.querySelector("bdi").textContent === text);
	}`)
	for n, label := range []string{"round", "halter", "no dress"} { // the imported one, another one, none
		chip := fmt.Sprintf("chip(%d, %q)", n+1, label)
		before := browsertest.See[float64](v, chip+`.offsetTop`)
		clicks(v, chip, 1)
		v.Until(`%s.getAttribute("aria-pressed") === "true"`, chip)
		require.Equal(t, before, browsertest.See[float64](v, chip+`.offsetTop`), label)
		clicks(v, chip, 2)
		require.Equal(t, n+1, browsertest.See[int](v, `sent`), label)
	}
	clicks(v, `chip(1, "round")`, 1) // and later once more
	v.Until(`chip(1, "round").getAttribute("aria-pressed") === "false"`)
}

// TestPageIsToldANameByAClick: the click with which one ends the typing of one's name counts.
func TestPageIsToldANameByAClick(t *testing.T) {
	r := review(t, shop(t))
	v := visit(t, r, "#facet=neckline&show=all", 8)
	browsertest.See[any](v, `{
		window.lists = 0, window.real = window.fetch;
		window.fetch = (path, options) => (lists += path.startsWith("/api/photos?") ? 1 : 0, real(path, options));
		window.judge.focus();
	}`)
	v.Do(chromedp.EmulateViewport(1280, 2000), chromedp.KeyEvent("ann")) // in which both are seen
	at := browsertest.See[[]float64](v, `(r => [r.left + r.width / 2, r.top + r.height / 2])(document.querySelector("#photos .chip").getBoundingClientRect())`)
	v.Do(chromedp.MouseEvent(chromedp.MousePressed, at[0], at[1], chromedp.ButtonLeft, chromedp.ClickCount(1)))
	require.NotEqual(t, "judge", browsertest.See[string](v, `document.activeElement.id`))
	v.Until(`document.getElementById("photos").getAttribute("aria-busy") === "false"`)
	v.Do(chromedp.MouseEvent(chromedp.MouseReleased, at[0], at[1], chromedp.ButtonLeft, chromedp.ClickCount(1)))
	v.Until(`lists === 1 && document.querySelectorAll("#photos .judged").length === 1`)
	require.Equal(t, "v-neck", itemOf(t, r, 0, "neckline").Votes["ann"])
}

// TestPageTakesBack what was said last, although the keyboard has gone on to the next photo, and then what one said of it.
func TestPageTakesBack(t *testing.T) {
	r := review(t, shop(t))
	require.NoError(t, say(r, "ann", 7, "neckline", "round"))
	v := visit(t, r, "#facet=neckline&show=all", 8)
	browsertest.See[any](v, `{
		window.judge.value = "ann", window.judge.dispatchEvent(new Event("change"));
		window.card = document.querySelector("#photos").children;
	}`)
	v.Until(`card[1].classList.contains("judged")`)
	browsertest.See[any](v, `card[0].focus()`)
	v.Do(chromedp.KeyEvent("1"))
	v.Until(`document.activeElement === card[1] && card[0].classList.contains("judged")`)
	v.Do(chromedp.KeyEvent("u"))
	v.Until(`document.activeElement === card[0] && !card[0].classList.contains("judged")`)
	require.Equal(t, "round", itemOf(t, r, 7, "neckline").Votes["ann"])
	v.Do(chromedp.KeyEvent("1"))
	v.Until(`document.activeElement === card[1]`)
	v.Do(chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowLeft), chromedp.KeyEvent("u"))
	v.Until(`document.activeElement === card[1] && !card[1].classList.contains("judged")`)
	require.Equal(t, "v-neck", itemOf(t, r, 0, "neckline").Votes["ann"])
}

// TestPageWithoutTheProgram marks each photo whose judgement was not kept, until it is judged.
func TestPageWithoutTheProgram(t *testing.T) {
	r := review(t, shop(t))
	v := visit(t, r, "#facet=neckline&show=all", 8)
	browsertest.See[any](v, `{
		window.judge.value = "ann";
		window.card = document.querySelector("#photos").children;
		window.lost = () => [...card].filter(c => c.classList.contains("lost")).map(c => c.querySelector(".name").title).join();
		window.real = window.fetch, window.fetch = () => Promise.reject(new TypeError("gone"));
		card[0].focus();
	}`)
	v.Do(chromedp.KeyEvent("1"), chromedp.KeyEvent("2"))
	v.Until(`lost() === "0.png,7.png" && document.activeElement === card[2]`)
	require.Contains(t, browsertest.See[string](v, `document.getElementById("failure").textContent`), "was not judged: The program does not answer")
	browsertest.See[any](v, `window.fetch = real, card[0].focus()`)
	v.Do(chromedp.KeyEvent("1"))
	v.Until(`lost() === "7.png" && card[0].classList.contains("judged")`)

	// They are marked still when one comes back to them.
	browsertest.See[any](v, `location.hash = "facet=sleeve&show=all"`)
	v.Until(`document.querySelector('#photos [data-name="label cap"]')`)
	require.Empty(t, browsertest.See[string](v, `lost()`))
	browsertest.See[any](v, `location.hash = "facet=neckline&show=all"`)
	v.Until(`lost() === "7.png"`)
}

// TestPageOfManyLabels: each label has a key and its place, and all that is on a card is reached by keyboard.
func TestPageOfManyLabels(t *testing.T) {
	r := review(t, shop(t))
	const long = 60
	said := func(label string) {
		require.NoError(t, r.Judge(Said{Judge: "bob", ID: idOf(r, 3), Facet: "sleeve", Label: label, New: true}))
	}
	for n := range 9 {
		require.NoError(t, r.Judge(Said{Judge: fmt.Sprint("judge ", n), ID: idOf(r, 2), Facet: "sleeve", Label: fmt.Sprint("sleeve ", n), New: true}))
	}
	said(strings.Repeat("L", long))
	v := visit(t, r, "#facet=sleeve&show=all", 8)
	browsertest.See[any](v, `{
		window.judge.value = "ann";
		window.card = n => document.querySelectorAll("#photos .card")[n];
		window.chip = (n, text) => [...card(n).querySelectorAll(".chip")].find(c => c.querySelector("bdi").textContent === text);
		window.keys = n => [...card(n).querySelectorAll("kbd")].map(k => k.textContent).join("");
	}`)
	require.LessOrEqual(t, browsertest.See[int](v, `Math.max(...[...document.querySelectorAll(".chip")].map(c => c.getBoundingClientRect().right - (c.closest(".card")?.getBoundingClientRect().right ?? Infinity)))`), 0, "a long label")
	require.Equal(t, "123456789abcdef0", browsertest.See[string](v, `keys(4)`))
	require.Equal(t, "none block", browsertest.See[string](v, `card(4).focus(), [3, 4].map(n => getComputedStyle(card(n).querySelector("kbd")).display).join(" ")`))

	// Tab goes into the card, and arrows to the next one.
	v.Do(chromedp.KeyEvent(kb.Tab))
	v.Until(`document.activeElement === card(4).querySelector(".picture")`)
	v.Do(chromedp.KeyEvent(kb.Tab))
	v.Until(`document.activeElement === card(4).querySelector(".chip")`)
	require.Equal(t, 1, browsertest.See[int](v, `[...document.querySelectorAll("#photos .card")].filter(c => c.tabIndex === 0 || c.querySelector('button[tabindex="0"]')).length`))
	v.Do(chromedp.KeyEvent(kb.Enter))
	v.Until(`card(4).classList.contains("judged") && document.activeElement === card(4).querySelector(".chip")`)
	v.Do(chromedp.KeyEvent(kb.ArrowRight))
	v.Until(`document.activeElement === card(5)`)
	v.Do(chromedp.KeyEvent("a"))
	v.Until(`document.activeElement === card(6) && card(5).classList.contains("judged")`)
	require.Equal(t, browsertest.See[string](v, `card(5).querySelectorAll(".chip bdi")[9].textContent`), itemOf(t, r, 5, "sleeve").Label)

	// Another label is there for all photos, with a key of its own; the others keep theirs.
	was := browsertest.See[string](v, `[...card(0).querySelectorAll(".chip bdi")].slice(0, 15).map(c => c.textContent).join()`)
	browsertest.See[any](v, `window.prompt = () => "Flutter", chip(7, "another…").click()`)
	v.Until(`chip(0, "Flutter") && keys(0) === "123456789abcdefg0" && chip(7, "Flutter").getAttribute("aria-pressed") === "true"`)
	require.Equal(t, "Flutter", itemOf(t, r, 7, "sleeve").Label)
	require.Equal(t, was, browsertest.See[string](v, `[...card(0).querySelectorAll(".chip bdi")].slice(0, 15).map(c => c.textContent).join()`))
	v.Until(`[...document.querySelectorAll("#labels tbody th")].some(th => th.textContent === "Flutter")`)

	// Without a label there is nothing to agree with: 2 is what judges are at odds about.
	browsertest.See[any](v, `card(2).focus()`)
	v.Do(chromedp.KeyEvent(kb.Enter))
	v.Until(`document.activeElement === card(2)`)
	require.NotContains(t, itemOf(t, r, 2, "sleeve").Votes, "ann")

	// No dress is said, shown, found and taken back.
	browsertest.See[any](v, `chip(1, "no dress").click()`)
	v.Until(`card(1).classList.contains("judged") && chip(1, "no dress").getAttribute("aria-pressed") === "true" && card(1).querySelector(".said").textContent.includes("people sayno dress")`)
	v.Until(`[...document.querySelectorAll("#shows .chip")].some(c => c.textContent === "No dress1")`)
	browsertest.See[any](v, `chip(1, "no dress").click()`)
	v.Until(`!card(1).classList.contains("judged") && !chip(1, "it is a dress")`)
	require.Empty(t, itemOf(t, r, 1, "sleeve").DressVotes)
}

// TestPageOfPhotosWithoutAPrediction tells of those that no figure has, and leads to them.
func TestPageOfPhotosWithoutAPrediction(t *testing.T) {
	options := shop(t)
	without(t, options, "1.png", "2.png")
	url := serve(t, review(t, options))
	v := browsertest.Visit(t)
	v.Do(chromedp.Navigate(url))
	v.Until(`document.getElementById("figures").textContent.endsWith("without a prediction: 2 labelled photos")`)
	browsertest.See[any](v, `[...document.querySelectorAll("#shows .chip")].find(c => c.textContent === "No prediction2").click()`)
	v.Until(`document.querySelectorAll("#photos .card").length === 2`)
	browsertest.See[any](v, `document.querySelector('#facets a[href*="sleeve"]').click()`)
	v.Until(`document.getElementById("facet-name").textContent === "sleeve" && ![...document.querySelectorAll("#shows .chip")].some(c => c.textContent.startsWith("No prediction"))`)
}

// TestPageOfTheConfusion: each number leads to its photos, of labels that nobody gave as well, and can be read.
func TestPageOfTheConfusion(t *testing.T) {
	options := shop(t)
	relabel(t, options, "v-neck", "")
	url := serve(t, review(t, options))
	v := browsertest.Visit(t)
	v.Do(chromedp.Navigate(url + "#facet=neckline&show=all"))
	v.Until(`document.querySelectorAll("#photos .card").length === 8`)
	require.Equal(t, "round12", browsertest.See[string](v, `document.querySelector("#confusion tbody").textContent`))
	browsertest.See[any](v, `document.querySelector("#confusion tbody button").click()`)
	v.Until(`document.querySelectorAll("#photos .card").length === 1 && document.getElementById("status").textContent.includes("labelled round, taken for v-neck")`)

	browsertest.See[any](v, `window.contrast = share => {
		const number = document.querySelector("#confusion tbody button");
		number.style.setProperty("--share", share);
		const parts = color => color.match(/[\d.]+/g).map(Number);
		const [r, g, b, alpha = 1] = parts(getComputedStyle(number).backgroundColor), below = parts(getComputedStyle(document.getElementById("report")).backgroundColor);
		const light = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4).reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
		const [more, less] = [light([r, g, b].map((c, i) => alpha * c + (1 - alpha) * below[i])), light(parts(getComputedStyle(number).color))].sort((a, b) => b - a);
		return (more + .05) / (less + .05);
	}`)
	for _, scheme := range []string{"light", "dark"} {
		v.Prefer(map[string]string{"prefers-color-scheme": scheme})
		for share := 0.0; share <= 1; share += 0.05 {
			require.GreaterOrEqual(t, browsertest.See[float64](v, fmt.Sprintf(`contrast(%g)`, share)), 4.5, "%s, %g", scheme, share)
		}
	}
}

// TestPageWithoutPredictions counts labels, behind which are their photos, and says what is amiss with the dataset.
func TestPageWithoutPredictions(t *testing.T) {
	options := shop(t)
	options.Predictions = ""
	require.NoError(t, os.Remove(filepath.Join(filepath.Dir(options.Dataset), "2.png")))
	r := review(t, options)
	url := serve(t, r)
	v := browsertest.Visit(t)
	v.Do(chromedp.Navigate(url + "#facet=neckline&show=all"))
	v.Until(`document.getElementById("labels").textContent.includes("round3")`)
	require.Equal(t, "1 photo or row of the dataset could not be used", browsertest.See[string](v, `document.getElementById("notes").textContent`))
	require.False(t, browsertest.See[bool](v, `document.getElementById("confusion").checkVisibility()`))
	browsertest.See[any](v, `[...document.querySelectorAll("#labels tbody button")].find(b => b.textContent === "3").click()`)
	v.Until(`document.querySelectorAll("#photos .card").length === 3 && document.activeElement.id === "status"`)
}

// TestPageOfWhatIsADress: where judges are at odds, one may say either, and a label says that it is one.
func TestPageOfWhatIsADress(t *testing.T) {
	r := review(t, shop(t))
	require.NoError(t, say(r, "bob", 1, datasets.DressFacet, datasets.IsDress))
	require.NoError(t, say(r, "cid", 1, datasets.DressFacet, datasets.NoDress))
	v := visit(t, r, "#facet=neckline&show=at_odds", 1)
	browsertest.See[any](v, `{
		window.judge.value = "ann";
		window.card = document.querySelector("#photos").children;
		window.chip = text => [...card[0].querySelectorAll(".chip")].find(c => c.querySelector("bdi").textContent === text);
		window.standing = () => card[0].querySelector(".said b").textContent;
	}`)
	require.Equal(t, "at odds", browsertest.See[string](v, `standing()`))
	browsertest.See[any](v, `chip("it is a dress").click()`)
	v.Until(`chip("it is a dress").getAttribute("aria-pressed") === "true" && standing() === "round"`)
	require.False(t, itemOf(t, r, 1, "neckline").AtOdds)
	browsertest.See[any](v, `chip("no dress").click()`)
	v.Until(`standing() === "no dress"`)
	browsertest.See[any](v, `card[0].focus()`)
	v.Do(chromedp.KeyEvent("1"))
	v.Until(`chip("v-neck").getAttribute("aria-pressed") === "true" && chip("no dress").getAttribute("aria-pressed") === "false"`)
	v.Until(`card[0].querySelector(".said").textContent.includes("v-neck")`)
	require.False(t, itemOf(t, r, 1, "neckline").NoDress)
}

// TestPageOfAFacetWithoutLabels: the first one is said on the page.
func TestPageOfAFacetWithoutLabels(t *testing.T) {
	options := shop(t)
	options.Facets = []string{"fabric", "neckline"}
	r := review(t, options)
	url := serve(t, r)
	v := browsertest.Visit(t)
	v.Do(chromedp.Navigate(url + "#facet=fabric"))
	v.Until(`document.querySelectorAll("#photos .card").length === 8 && document.getElementById("facet-name").textContent === "fabric"`)
	browsertest.See[any](v, `{
		window.judge.value = "ann", window.prompt = () => "silk";
		[...document.querySelector("#photos .card").querySelectorAll(".chip")].find(c => c.textContent === "another…").click();
	}`)
	v.Until(`document.querySelector("#photos .card .chip kbd").textContent === "1" && document.querySelector("#photos .card .chip bdi").textContent === "silk"`)
	require.Equal(t, "silk", itemOf(t, r, 0, "fabric").Label)
}

// TestPageBringsAllPhotos, however few there are in an answer; those that were judged do not count among those that are
// skipped.
func TestPageBringsAllPhotos(t *testing.T) {
	const photos = 120
	dir, rows := t.TempDir(), "photo,neckline\n"
	for n := range photos {
		name := fmt.Sprintf("%03d.png", n)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), picture(t, n), 0o644))
		rows += name + ",\n"
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "labels.csv"), []byte(rows), 0o644))
	r := review(t, Options{Dataset: filepath.Join(dir, "labels.csv"), Facets: []string{"neckline"}})
	v := visit(t, r, "#facet=neckline&show=unlabelled", 48)
	browsertest.See[any](v, `{
		window.real = window.fetch;
		window.fetch = (path, options) => real(path.replace(/limit=(\d+)/, (_, n) => "limit=" + Math.min(n, 50)), options);
	}`)
	browsertest.See[any](v, `window.judge.value = "ann", [...document.querySelectorAll("#photos .card")].slice(0, 12).forEach(c => c.querySelector(".chips .chip").click())`)
	v.Until(`document.querySelectorAll("#photos .judged").length === 12`)
	for _, want := range []int{96, photos} {
		browsertest.See[any](v, `document.getElementById("more").click()`)
		v.Until(`document.querySelectorAll("#photos .card").length === %d`, want)
	}
	v.Until(`document.getElementById("more").hidden`)
	require.Equal(t, photos, browsertest.See[int](v, `new Set([...document.querySelectorAll("#photos .card")].map(c => c.dataset.id)).size`))
}
