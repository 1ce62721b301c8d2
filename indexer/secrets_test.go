package indexer

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
)

// TestReportsKeepSecrets: what reports and logs say of a photo has no password and no signature; its row has, so that it can be
// fetched again.
func TestReportsKeepSecrets(t *testing.T) {
	b := newBench(t, pictures(0, 3))
	const secret = "hunter2"
	sources := []string{"https://shop:" + secret + "@localhost:1/a.jpg?X-Amz-Signature=" + secret, "ftp://shop:" + secret + "@localhost/b.jpg", pictureName(1)}
	catalogue := filepath.Join(b.photos, "catalogue.csv")
	require.NoError(t, os.WriteFile(catalogue, []byte("photo,product_id\n"+sources[0]+",red\n"+sources[1]+",blue\n"+sources[2]+",green\n"), 0o600))
	options := b.options()
	options.Catalogue = catalogue
	var log strings.Builder
	options.Logger = slog.New(slog.NewTextHandler(&log, nil))
	report, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.Equal(t, 2, report.Unreadable)
	_, rows := parquetRows(t, b.out, report.Run)
	require.Equal(t, catalog.StatusUnreadable, bySource(t, rows, sources[0]).Status)
	require.NotContains(t, log.String(), secret)
	text := ""
	for _, name := range []string{"report.json", "report.txt", "report.html", "metrics.prom"} {
		data, err := os.ReadFile(filepath.Join(b.out, name))
		require.NoError(t, err)
		require.NotContains(t, string(data), secret, name)
		text += string(data)
	}
	require.Contains(t, text, `unreadable "https://localhost:1/a.jpg" of product "red": `)

	for _, status := range []catalog.Status{catalog.StatusOK, catalog.StatusNoDress} {
		var seen tally
		seen.add(catalog.Row{RowID: catalog.NewRowID("red", sources[0]), Source: sources[0], Status: status})
		report = Report{}
		report.count(seen)
		require.Equal(t, "https://localhost:1/a.jpg", report.Unsure[0].Source)
	}
}
