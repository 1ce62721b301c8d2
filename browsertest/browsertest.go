// Package browsertest drives pages in a real browser, headless Chromium, for tests.
package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// chromium returns the browser that is there.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("KLEID_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium: install it (Debian: apt-get install chromium) or name one in KLEID_CHROMIUM")
	return ""
}

// patience is how long anything may take: it is for pages that will never be there, not for machines that are slow because
// others use them, too.
const patience = 3 * time.Minute

// Visitor is a person at a browser.
type Visitor struct {
	T   *testing.T      // in whose name it looks
	Ctx context.Context // of the tab
}

// Visit opens a browser, or skips the test where there is none. It ends with the test, and fails it where a page has said
// something on the console but what the browser says of refused requests.
func Visit(t *testing.T) Visitor {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WSURLReadTimeout(patience),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	messages := chromedp.Console(ctx)
	v := Visitor{t, ctx}
	t.Cleanup(func() {
		require.NoError(t, chromedp.Cancel(ctx))
		for m, err := range messages {
			if err != nil {
				break
			}
			require.Equal(t, "network", m.Source, m.String())
		}
	})
	v.Do(chromedp.EmulateViewport(1280, 900))
	return v
}

// Do takes steps.
func (v Visitor) Do(steps ...chromedp.Action[chromedp.Void]) {
	v.T.Helper()
	require.NoError(v.T, chromedp.Do(v.Ctx)) // the browser must not end with the first step
	ctx, cancel := context.WithTimeout(v.Ctx, patience)
	defer cancel()
	require.NoError(v.T, chromedp.Do(ctx, steps...))
}

// Until waits for an expression to be true in the page.
func (v Visitor) Until(format string, args ...any) {
	v.T.Helper()
	expression := "Boolean(" + fmt.Sprintf(format, args...) + ")"
	ctx, cancel := context.WithTimeout(v.Ctx, patience)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(0)))
	if err != nil {
		status, _ := chromedp.Run(v.Ctx, chromedp.Evaluate[string](`document.body.innerText`))
		require.NoError(v.T, err, "%s\nthe page says: %s", expression, status)
	}
}

// See evaluates an expression in the page.
func See[T any](v Visitor, expression string) T {
	v.T.Helper()
	value, err := chromedp.Run(v.Ctx, chromedp.Evaluate[T](expression))
	require.NoError(v.T, err)
	return value
}
