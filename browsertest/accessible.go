package browsertest

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

//go:embed accessible.js
var unreadable string

// named are the roles, as the browser calls them, of what must say what it is.
var named = map[string]bool{
	"button": true, "link": true, "textbox": true, "searchbox": true, "spinbutton": true, "checkbox": true, "radio": true,
	"combobox": true, "listbox": true, "slider": true, "DisclosureTriangle": true, "dialog": true, "image": true, "img": true,
	"region": true,
}

// Prefer is what a person has told the browser: the values of media features, such as prefers-color-scheme, in place of all
// that were preferred before.
func (v Visitor) Prefer(features map[string]string) {
	v.T.Helper()
	params := emulation.SetEmulatedMediaParams{}
	for name, value := range features {
		params.Features = append(params.Features, &emulation.MediaFeature{Name: name, Value: value})
	}
	_, err := chromedp.Call(v.Ctx, emulation.SetEmulatedMedia, params)
	require.NoError(v.T, err)
}

// Accessible fails the test where the page as it stands has a control, picture or region without a name, text or a field of
// too little contrast, in the light or in the dark, or a control that is too small to hit. Nothing is preferred afterwards.
func (v Visitor) Accessible() {
	v.T.Helper()
	require.Empty(v.T, strings.Join(v.inaccessible(), "\n"))
}

func (v Visitor) inaccessible() []string {
	v.T.Helper()
	failures := v.nameless()
	for _, scheme := range []string{"light", "dark"} {
		v.Prefer(map[string]string{"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"})
		for _, failure := range See[[]string](v, unreadable) {
			failures = append(failures, scheme+": "+failure)
		}
	}
	v.Prefer(nil)
	return failures
}

// nameless is what the accessibility tree has no name for.
func (v Visitor) nameless() (failures []string) {
	v.T.Helper()
	tree, err := chromedp.Call(v.Ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	require.NoError(v.T, err)
	for _, node := range tree.Nodes {
		if node.Ignored || !named[text(node.Role)] || strings.TrimSpace(text(node.Name)) != "" {
			continue
		}
		element, err := chromedp.Call(v.Ctx, dom.GetOuterHTML, dom.GetOuterHTMLParams{BackendNodeID: node.BackendDOMNodeID})
		require.NoError(v.T, err)
		failures = append(failures, fmt.Sprintf("a %s without a name: %.160s", text(node.Role), element.OuterHTML))
	}
	return failures
}

func text(value *accessibility.Value) string {
	if value == nil {
		return ""
	}
	return strings.Trim(string(value.Value), `"`)
}

// KeepsFocus fails the test where the keyboard has lost its place: it is at the top of the page, or at what cannot be seen.
func (v Visitor) KeepsFocus(after string) {
	v.T.Helper()
	require.Empty(v.T, v.lostFocus(), "after "+after)
}

// lostFocus is where the focus has got lost, "" where it has not.
func (v Visitor) lostFocus() string {
	v.T.Helper()
	return See[string](v, `(() => {
		let at = document.activeElement;
		if (at === document.body) return "at the top of the page";
		while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
		const { left, top, right, bottom } = at.getBoundingClientRect();
		const x = (Math.max(left, 0) + Math.min(right, innerWidth)) / 2, y = (Math.max(top, 0) + Math.min(bottom, innerHeight)) / 2;
		const there = at.getRootNode().elementFromPoint(x, y);
		return at.contains(there) || at.labels?.length ? "" : "out of sight: " + at.outerHTML.slice(0, 160);
	})()`)
}
