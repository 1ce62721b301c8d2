package source

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A product feed as shops have it already is a catalogue; where a row has both names, ours is meant.
func TestProductFeed(t *testing.T) {
	listing, err := readCSV(t.Context(), strings.NewReader("id\ttitle\tlink\timage link\tprice\titem_group_id\turl\n"+
		"1\tSun\thttps://shop/1\thttps://shop/1.jpg\t29.99 EUR\tg7\t\n2\tSea\thttps://shop/2\thttps://shop/2.jpg\t5 EUR\t\thttps://shop/sea\n"), "/shop/feed.tsv")
	require.NoError(t, err)
	require.Empty(t, listing.Skipped)
	require.Len(t, listing.Entries, 2)
	for i, want := range []Entry{
		{Source: "https://shop/1.jpg", ProductID: "g7", Title: "Sun", URL: "https://shop/1", Currency: "EUR", Attributes: map[string]string{"id": "1"}},
		{Source: "https://shop/2.jpg", ProductID: "2", Title: "Sea", URL: "https://shop/sea", Currency: "EUR", Attributes: map[string]string{"link": "https://shop/2"}},
	} {
		e := listing.Entries[i]
		require.Equal(t, want, Entry{Source: e.Source, ProductID: e.ProductID, Title: e.Title, URL: e.URL, Currency: e.Currency, Attributes: e.Attributes})
	}

	listing, err = readCSV(t.Context(), strings.NewReader("photo,id,link\na.jpg,5,x\n"), "/shop/list.csv")
	require.NoError(t, err)
	require.Equal(t, "a", listing.Entries[0].ProductID, "other catalogues may mean something else by these names")
}

// A product's other photos are photos of the same product, each once, whatever is wrong with one of them.
func TestMorePhotosOfAFeed(t *testing.T) {
	type photo struct{ product, source string }
	photosOf := func(listing Listing, err error) (photos []photo) {
		require.NoError(t, err)
		for _, e := range listing.Entries {
			photos = append(photos, photo{e.ProductID, e.Source})
			require.NotContains(t, e.Attributes, morePhotos)
			require.Equal(t, "Sun", e.Title)
		}
		return photos
	}
	front, back, side := photo{"7", "https://shop/w_4,h_5/1.jpg"}, photo{"7", "https://shop/w_4,h_5/2.jpg"}, photo{"7", "https://shop/3.jpg"}
	three := []photo{front, back, side}
	require.Equal(t, three, photosOf(readFeed(t.Context(), strings.NewReader(`<rss xmlns:g="http://base.google.com/ns/1.0"><item><g:id>7</g:id><title>Sun</title>
<g:image_link>https://shop/w_4,h_5/1.jpg</g:image_link><g:additional_image_link>https://shop/w_4,h_5/2.jpg</g:additional_image_link><g:additional_image_link/>
<g:additional_image_link>https://shop/w_4,h_5/1.jpg</g:additional_image_link><g:additional_image_link> https://shop/3.jpg </g:additional_image_link></item></rss>`), "/shop/feed.xml")))
	require.Equal(t, three, photosOf(readCSV(t.Context(), strings.NewReader("id\ttitle\timage link\tadditional image link\tAdditional_image_link\n"+
		"7\tSun\thttps://shop/w_4,h_5/1.jpg\thttps://shop/w_4,h_5/2.jpg, https://shop/w_4,h_5/1.jpg,\thttps://shop/3.jpg\n"), "/shop/feed.tsv")))
	require.Equal(t, three, photosOf(readJSONL(t.Context(), strings.NewReader(`{"id":7,"title":"Sun","image_link":"https://shop/w_4,h_5/1.jpg","additional_image_link":["https://shop/w_4,h_5/2.jpg",null,"https://shop/3.jpg","https://shop/3.jpg"]}`), "/shop/feed.jsonl")))
	require.Equal(t, []photo{{"a", "a.jpg"}, {"a", "b.jpg"}, {"a", "c.jpg"}},
		photosOf(readCSV(t.Context(), strings.NewReader("title,image_link,additional_image_link\nSun,a.jpg,\"b.jpg,c.jpg\"\n"), "/shop/feed.csv")))

	listing, err := readCSV(t.Context(), strings.NewReader("id,image_link,additional_image_link\n7,https://shop/1.jpg,file:///etc/passwd\n"), "https://shop/feed.csv")
	require.NoError(t, err)
	require.Len(t, listing.Entries, 2)
	require.Empty(t, listing.Entries[0].Err)
	require.Contains(t, listing.Entries[1].Err, "line 2 of the catalogue names what it may not")

	listing, err = readCSV(t.Context(), strings.NewReader("photo,additional_image_link\na.jpg,b.jpg\n"), "/shop/list.csv")
	require.NoError(t, err)
	require.Len(t, listing.Entries, 1, "other catalogues may mean something else by the name")
	require.Equal(t, map[string]string{morePhotos: "b.jpg"}, listing.Entries[0].Attributes)
}

const feed = `<?xml version="1.0" encoding="ISO-8859-1"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>
<title>Shop</title><link>https://shop</link>
<item>
  <title>short</title><g:title>Robe d'été &amp; plage</g:title>
  <link>https://shop/1</link><g:id>1</g:id><g:image_link>https://shop/1.jpg</g:image_link>
  <g:price>29.99 EUR</g:price><g:item_group_id>g7</g:item_group_id>
  <g:shipping><g:country>FR</g:country><g:price>4 SEK</g:price></g:shipping><g:color>rouge</g:color>
</item>
<item><g:id>2</g:id><g:price>5 EUR</g:price></item>
</channel></rss>`

// Shops hand out their feed in XML, too. A product's shipping has a price of its own, which is not the product's.
func TestFeedInXML(t *testing.T) {
	listing, err := readFeed(t.Context(), strings.NewReader(strings.ReplaceAll(feed, "é", "\xe9")), "/shop/feed.xml")
	require.NoError(t, err)
	require.Empty(t, listing.Skipped)
	require.Len(t, listing.Entries, 2)
	e := listing.Entries[0]
	require.Equal(t, 29.99, *e.Price)
	require.Equal(t, Entry{Source: "https://shop/1.jpg", Location: e.Location, ProductID: "g7", Named: true, Title: "Robe d'été & plage", URL: "https://shop/1", Price: e.Price, Currency: "EUR", Attributes: map[string]string{"id": "1", "color": "rouge"}}, e)
	require.Equal(t, "line 10 of the catalogue names no photo", listing.Entries[1].Err)

	listing, err = readFeed(t.Context(), strings.NewReader(`<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><entry>
<id>tag:3</id><g:id>3</g:id><link href="https://shop/3"/><g:image_link>3.jpg</g:image_link></entry></feed>`), "/shop/feed.xml")
	require.NoError(t, err)
	require.Equal(t, "3", listing.Entries[0].ProductID)
	require.Equal(t, "https://shop/3", listing.Entries[0].URL)
}

func TestWrongFeed(t *testing.T) {
	for text, message := range map[string]string{
		"<html><body>404</body></html>": "it has no <item> or <entry>",
		"":                              "it has no <item> or <entry>",
		feed[:len(feed)/2]:              "it is no XML from there on: XML syntax error on line 6: unexpected EOF",
		"{}":                            "it has no <item>",
	} {
		_, err := readFeed(t.Context(), strings.NewReader(text), "/shop/feed.xml")
		require.ErrorContains(t, err, message)
	}
}

func FuzzFeed(f *testing.F) {
	f.Add(feed)
	f.Add("<entry><link href='x'/><image_link>\xff</image_link></entry>")
	f.Fuzz(func(t *testing.T, text string) {
		listing, err := readFeed(t.Context(), strings.NewReader(text), "/shop/feed.xml")
		if err != nil {
			return
		}
		require.NotEmpty(t, listing.Entries)
	})
}
