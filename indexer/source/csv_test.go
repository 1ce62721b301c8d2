package source

import (
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
)

// readCSVText reads a manifest that lies in /shop.
func readCSVText(t *testing.T, text string) []Entry {
	listing, err := readCSV(t.Context(), strings.NewReader(text), "/shop/list.csv")
	require.NoError(t, err)
	return listing.Entries
}

func TestReadCSV(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []Entry
	}{
		"a photo a line": {"photo\na.jpg\nb/c.jpg\n", []Entry{
			{ProductID: "a", Source: "a.jpg", Location: "/shop/a.jpg"},
			{ProductID: "c", Source: "b/c.jpg", Location: "/shop/b/c.jpg"},
		}},
		"all columns": {"product_id,image,title,url,price,currency,colour,size\np 1,https://x.example/a.jpg?w=1,Red,https://x.example/,1.50,EUR,red,\n", []Entry{{
			ProductID: "p 1", Named: true, Source: "https://x.example/a.jpg?w=1", Location: "https://x.example/a.jpg?w=1", Title: "Red", URL: "https://x.example/",
			Price: new(1.5), Currency: "EUR", Attributes: map[string]string{"colour": "red"},
		}}},
		"semicolons, byte order mark, Windows lines": {"\ufeffProduct_ID; PHOTO ;Title\r\n7;a.jpg;x, y\r\n\r\n8;b.jpg;z", []Entry{
			{ProductID: "7", Named: true, Source: "a.jpg", Location: "/shop/a.jpg", Title: "x, y"},
			{ProductID: "8", Named: true, Source: "b.jpg", Location: "/shop/b.jpg", Title: "z"},
		}},
		"tabs": {"path\tMyColumn\n/abs/a.jpg\t1\n", []Entry{
			{ProductID: "a", Source: "/abs/a.jpg", Location: "/abs/a.jpg", Attributes: map[string]string{"MyColumn": "1"}},
		}},
		"quotes": {"photo,title\na.jpg,\"one, \"\"two\"\"\nthree\"\nb.jpg,5\" heels\nc.jpg,\"never closed\nd.jpg,fine\n", []Entry{
			{ProductID: "a", Source: "a.jpg", Location: "/shop/a.jpg", Title: "one, \"two\"\nthree"},
			{ProductID: "b", Source: "b.jpg", Location: "/shop/b.jpg", Title: `5" heels`},
			{ProductID: "c", Source: "c.jpg", Location: "/shop/c.jpg", Title: "never closed"},
			{ProductID: "d", Source: "d.jpg", Location: "/shop/d.jpg", Title: "fine"},
		}},
		"prices": {"photo,price\na.jpg, 5 \na.jpg,NaN\na.jpg,1e999\na.jpg,\"1,50\"\na.jpg,-0.5\n", []Entry{
			{ProductID: "a", Source: "a.jpg", Location: "/shop/a.jpg", Price: new(5.0)},
			{ProductID: "a", Source: "a.jpg", Location: "/shop/a.jpg", Attributes: map[string]string{"price": "NaN"}},
			{ProductID: "a", Source: "a.jpg", Location: "/shop/a.jpg", Attributes: map[string]string{"price": "1e999"}},
			{ProductID: "a", Source: "a.jpg", Location: "/shop/a.jpg", Price: new(1.5)},
			{ProductID: "a", Source: "a.jpg", Location: "/shop/a.jpg", Price: new(-0.5)},
		}},
		"several photo columns": {"source,photo\na,b.jpg\n", []Entry{
			{ProductID: "b", Source: "b.jpg", Location: "/shop/b.jpg", Attributes: map[string]string{"source": "a"}},
		}},
		"photo columns that are not filled": {"photo,image,Photo,path\n,b.jpg,,x\n \t,,a.jpg,\n \t,,,\n,,,c.jpg\n", []Entry{
			{ProductID: "b", Source: "b.jpg", Location: "/shop/b.jpg", Attributes: map[string]string{"path": "x"}},
			{ProductID: "a", Source: "a.jpg", Location: "/shop/a.jpg"},
			{ProductID: "list.csv:4", Source: "list.csv:4", IsLine: true, Err: "line 4 of the catalogue names no photo"},
			{ProductID: "c", Source: "c.jpg", Location: "/shop/c.jpg"},
		}},
		"missing and spare fields": {"photo,title,colour\na.jpg\nb.jpg,x,red,,\nc.jpg,x,red,more\n,x,\n", []Entry{
			{ProductID: "a", Source: "a.jpg", Location: "/shop/a.jpg"},
			{ProductID: "b", Source: "b.jpg", Location: "/shop/b.jpg", Title: "x", Attributes: map[string]string{"colour": "red"}},
			{ProductID: "list.csv:4", Source: "list.csv:4", IsLine: true, Err: "line 4 of the catalogue has 4 fields, but the first line names 3 columns"},
			{ProductID: "list.csv:5", Source: "list.csv:5", IsLine: true, Title: "x", Err: "line 5 of the catalogue names no photo"},
		}},
		"bytes that are no text": {"photo,title\na\xff.jpg,\xfe\n", []Entry{
			{ProductID: `a\xff`, Source: `a\xff.jpg`, Location: "/shop/a\xff.jpg", Title: `\xfe`},
		}},
		"no rows": {"photo\n", nil},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.want, readCSVText(t, test.text)) })
	}
	for text, why := range map[string]string{
		"":                                     "is empty",
		"\n \n":                                "is empty",
		"title,price\na,b\n":                   "names no column for the photos",
		strings.Repeat("x", catalog.MaxLine+1): "has more than",
		"\xff\xfep\x00h\x00o\x00t\x00o\n":      "names no column for the photos",
	} {
		_, err := readCSV(t.Context(), strings.NewReader(text), "list.csv")
		require.ErrorContains(t, err, why)
	}
	_, err := readCSV(t.Context(), iotest.TimeoutReader(strings.NewReader("photo\n"+strings.Repeat("a.jpg\n", 50_000))), "list.csv")
	require.ErrorIs(t, err, iotest.ErrTimeout, "a catalogue that cannot be read to its end is not a shorter one")
}

// The same rows in either form make the same entries.
func TestCSVAndJSONLAgree(t *testing.T) {
	fromCSV := readCSVText(t, "Product_ID, PHOTO ,image,Title,PRICE,Colour,colour,\n7,,a.jpg,x,1.5,Red,red,lost\n8,b.jpg,c.jpg,,,,,\n")
	fromJSONL, err := readJSONL(t.Context(), strings.NewReader(
		`{"Product_ID": 7, " PHOTO ": null, "image": "a.jpg", "Title": "x", "PRICE": 1.5, "Colour": "Red", "colour": "red", "": "lost"}`+"\n"+
			`{"Product_ID": "8", "PHOTO": "b.jpg", "image": "c.jpg", "Title": ""}`+"\n"), "/shop/list.jsonl")
	require.NoError(t, err)
	require.Equal(t, fromCSV, fromJSONL.Entries)
	require.Equal(t, []Entry{
		{ProductID: "7", Named: true, Source: "a.jpg", Location: "/shop/a.jpg", Title: "x", Price: new(1.5), Attributes: map[string]string{"Colour": "Red", "colour": "red"}},
		{ProductID: "8", Named: true, Source: "b.jpg", Location: "/shop/b.jpg", Attributes: map[string]string{"image": "c.jpg"}},
	}, fromCSV)
}

// A line that is too long is a row of its own, and what is around it is read, also inside quotes.
func TestLongLines(t *testing.T) {
	long := strings.Repeat("x", catalog.MaxLine+10)
	entries := readCSVText(t, "photo,title\na.jpg,1\n"+long+"\nb.jpg,\"open\nc.jpg,2\n"+long+"\nd.jpg,3\n"+long)
	var got []string
	for _, e := range entries {
		got = append(got, e.Source+" "+e.Title)
	}
	require.Equal(t, []string{"a.jpg 1", "list.csv:3 ", "b.jpg open", "c.jpg 2", "list.csv:6 ", "d.jpg 3", "list.csv:8 "}, got)
	require.Equal(t, fmt.Sprintf("line 3 of the catalogue has more than %d bytes", catalog.MaxLine), entries[1].Err)
}

// A name that no store could keep costs its own row.
func TestLongNames(t *testing.T) {
	long := strings.Repeat("x", maxName+1)
	entries := readCSVText(t, "photo,product_id,currency\na.jpg,"+long+",\n"+long+".jpg,p,\n"+long[:maxName]+",p,\nd.jpg,p,"+long+"\n")
	require.Equal(t, "line 2 of the catalogue names a product, photo or currency with 4097 bytes, more than the 4096 allowed", entries[0].Err)
	require.Equal(t, []string{"list.csv:2", "a.jpg"}, []string{entries[0].ProductID, entries[0].Source})
	require.NotEmpty(t, entries[1].Err)
	require.Equal(t, []string{"p", "list.csv:3"}, []string{entries[1].ProductID, entries[1].Source})
	require.Empty(t, entries[2].Err)
	require.Contains(t, entries[3].Err, "line 5 of the catalogue names a product, photo or currency with 4097 bytes")
	require.Empty(t, entries[3].Currency)
}

// Quotes that nobody closes cost their own lines only, whatever their number.
func TestOpenQuotes(t *testing.T) {
	const n = 3000
	var text strings.Builder
	text.WriteString("photo,title\n")
	for i := range n {
		fmt.Fprintf(&text, "%d.jpg,\"open\n", i)
		if i%2 == 0 {
			fmt.Fprintf(&text, "e%d.jpg,even\n", i)
		}
	}
	entries := readCSVText(t, text.String())
	require.LessOrEqual(t, len(entries), n+n/2)
	require.Equal(t, "0.jpg", entries[0].Source)
}

func FuzzCSV(f *testing.F) {
	for _, text := range []string{
		"photo,title\na.jpg,\"x\ny\"\n\"b", "\ufeffimage;price\r\na;1,5\r\n", "path\tx\n\"\"\"\t\"\n", "photo\n\"\n\"\n\"", "file\n\x00\n\xff\n", "photo,photo,,\n,,,,\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		listing, err := readCSV(t.Context(), strings.NewReader(text), "list.csv")
		if err == nil {
			requireSane(t, listing, strings.Count(text, "\n"))
		}
	})
}

// requireSane checks what every entry of a manifest promises.
func requireSane(t *testing.T, listing Listing, lines int) {
	require.LessOrEqual(t, len(listing.Entries), lines+1)
	for _, e := range listing.Entries {
		require.NotEmpty(t, e.ProductID)
		require.NotEmpty(t, e.Source)
		require.True(t, e.Location != "" || e.Err != "")
		for _, text := range []string{e.ProductID, e.Source, e.Title, e.URL, e.Currency, e.Err} {
			require.Equal(t, catalog.ValidText(text), text)
		}
		for name, value := range e.Attributes {
			require.Equal(t, catalog.ValidText(name), name)
			require.Equal(t, catalog.ValidText(value), value)
			require.NotEmpty(t, value)
		}
	}
}
