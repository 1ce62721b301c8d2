package indexer

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/browsertest"
)

func reportOn(t *testing.T, out string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(out, "report.html"))
	require.NoError(t, err)
	require.NotContains(t, string(data), "<script")
	return string(data)
}

// The page says what became of the job, shows photos to look at, and escapes what the catalogue calls its photos.
func TestReportPage(t *testing.T) {
	files := pictures(0, 30)
	files["<b>bold.png"], files["nothing.png"], files["broken.jpg"] = picture(ordinaryWidth, 99), picture(noDressWidth, 7), []byte("no photo")
	b := newBench(t, files)
	first := b.run(t)
	page := reportOn(t, b.out)
	require.Contains(t, page, "<b>Published</b>")
	require.Contains(t, page, "broken.jpg")
	require.NotContains(t, page, "<b>bold")
	require.NotContains(t, page, "of the one before", "there is none")
	require.Len(t, first.Unsure, shownUnsure+1, "dresses, and one photo of none")
	require.Equal(t, 13, bytes.Count([]byte(page), []byte(`src="data:image/jpeg;base64,`)))
	for i := 1; i < shownUnsure; i++ {
		require.LessOrEqual(t, first.Unsure[i-1].Confidence, first.Unsure[i].Confidence)
	}

	for i := range 20 {
		require.NoError(t, os.Remove(filepath.Join(b.photos, pictureName(i))))
	}
	options := b.options()
	refused, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.True(t, refused.Gate.Refused())
	page = reportOn(t, b.out)
	require.Contains(t, page, "<b>Not published</b>")
	require.Contains(t, page, "The index of run "+first.Run+" is still served.")
	require.Contains(t, page, "11 photos show a dress, and 31 did")
	require.Contains(t, page, "marks of the one before")
	require.Contains(t, page, "at most 2.0%, or 4 photos", "what passes in a small catalogue")
	require.Contains(t, page, "at least 80.0%, or 4 fewer")
	require.Regexp(t, `role="img" aria-label="\d+\.\d% before"`, page, "what a mark says is heard, too")
	t.Run("is accessible", func(t *testing.T) {
		v := browsertest.Visit(t)
		v.Do(chromedp.Navigate("file://" + filepath.Join(b.out, "report.html")))
		v.Accessible()
		require.True(t, browsertest.See[bool](v, `Boolean(document.querySelector("main h1"))`))
		v.Do(chromedp.EmulateViewport(320, 640))
		require.LessOrEqual(t, browsertest.See[int](v, `document.documentElement.scrollWidth`), 320)
	})
	options.Force = true
	_, err = Run(t.Context(), options)
	require.NoError(t, err)
	require.Contains(t, reportOn(t, b.out), "<b>Published in spite of the gate</b>")
}
