package source

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
)

// TestEndlessPhotos: rows that name photos without end cost neither hours nor an index of nothing else, in each form.
func TestEndlessPhotos(t *testing.T) {
	commas := strings.Repeat(",a", 1_500_000) // of one address, or photos of their own
	many := strings.Repeat("<g:additional_image_link>b.jpg</g:additional_image_link>", 70_000)
	for name, test := range map[string]struct {
		read func(context.Context) (Listing, error)
		err  string
	}{
		"one address": {func(ctx context.Context) (Listing, error) {
			return readCSV(ctx, strings.NewReader("id,image_link,additional_image_link\n7,a.jpg,\"https://x"+commas+"\"\n"), "feed.csv")
		}, "more than the 4096 allowed"},
		"commas": {func(ctx context.Context) (Listing, error) {
			return readCSV(ctx, strings.NewReader("id,image_link,additional_image_link\n7,a.jpg,\""+commas+"\"\n"), "feed.csv")
		}, "line 2 of the catalogue names more than 250 photos"},
		"elements": {func(ctx context.Context) (Listing, error) {
			return readFeed(ctx, strings.NewReader(`<rss xmlns:g="http://base.google.com/ns/1.0"><item><g:image_link>a.jpg</g:image_link>`+many+"</item></rss>"), "feed.xml")
		}, "line 1 of the catalogue names more than 250 photos"},
	} {
		listing, err := test.read(t.Context())
		require.NoError(t, err, name)
		last := listing.Entries[len(listing.Entries)-1]
		require.Contains(t, last.Err, test.err, name)
		require.LessOrEqual(t, len(listing.Entries), 2, name)
	}
	photos := make([]string, maxPhotos)
	for i := range photos {
		photos[i] = fmt.Sprintf("%d.jpg", i)
	}
	listing, err := readCSV(t.Context(), strings.NewReader("image_link,additional_image_link\n"+photos[0]+",\""+strings.Join(photos[1:], ",")+"\"\n"), "feed.csv")
	require.NoError(t, err)
	require.Len(t, listing.Entries, maxPhotos)
}

// TestEndlessItem: what an XML file has between two tags, or in an item, is no more in memory than a line of a CSV file.
func TestEndlessItem(t *testing.T) {
	long := strings.Repeat("x", catalog.MaxLine+1<<16) // a decoder reads ahead
	const good = "<item><image_link>a.jpg</image_link></item>"
	for name, text := range map[string]string{
		"a text":         "<rss>" + good + "\n<item><title>" + long + "</title></item></rss>",
		"many texts":     "<rss>" + good + "\n<item>" + strings.Repeat("<a>b</a>", catalog.MaxLine/8+1<<13) + "</item></rss>",
		"between items":  "<rss>" + good + "\n" + long + "</rss>",
		"a comment":      "<rss>" + good + "\n<!--" + long + "--></rss>",
		"an attribute":   "<rss>" + good + "\n<item a='" + long + "'/></rss>",
		"never an end":   "<rss>" + good + "\n" + long,
		"another script": `<?xml version="1.0" encoding="ISO-8859-1"?><rss>` + good + "\n<item><title>" + long + "</title></item></rss>",
	} {
		_, err := readFeed(t.Context(), strings.NewReader(text), "feed.xml")
		require.ErrorContains(t, err, "what it has in line 2 has more than 4194304 bytes", name)
	}
	listing, err := readFeed(t.Context(), strings.NewReader("<rss>"+strings.Repeat(good+"<!--"+long[:catalog.MaxLine/4]+"-->", 5)+"</rss>"), "feed.xml")
	require.NoError(t, err)
	require.Len(t, listing.Entries, 5, "all together may have more")
}

// TestLongRowsOfParquet: a row that is longer than one of a CSV file may be is a bad one, too.
func TestLongRowsOfParquet(t *testing.T) {
	type row struct {
		Photo string `parquet:"photo"`
		Title string `parquet:"title,dict"`
	}
	var table bytes.Buffer
	require.NoError(t, parquet.Write(&table, []row{
		{"a.jpg", strings.Repeat("x", catalog.MaxLine+1)}, {"b.jpg", strings.Repeat("y", catalog.MaxLine-5)}, {"c.jpg", "short"}, {"d.jpg", strings.Repeat("z", catalog.MaxLine-4)},
	}))
	path := filepath.Join(t.TempDir(), "catalogue.parquet")
	require.NoError(t, os.WriteFile(path, table.Bytes(), 0o644))
	listing, err := Scan(t.Context(), path, Options{})
	require.NoError(t, err)
	require.Equal(t, []string{"line 1 of the catalogue has more than 4194304 bytes", "", "", "line 4 of the catalogue has more than 4194304 bytes"},
		[]string{listing.Entries[0].Err, listing.Entries[1].Err, listing.Entries[2].Err, listing.Entries[3].Err})
}
