package source

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParsePrice(t *testing.T) {
	for text, want := range map[string]float64{
		"1299.5": 1299.5, " 12 ": 12, "1e3": 1000, "-0.5": -0.5,
		"12,50": 12.5, "12,5": 12.5, "1299,50": 1299.5, "1.299,50": 1299.5, "1.234.567,89": 1234567.89,
		"1,299.50": 1299.5,
	} {
		got, currency, ok := parsePrice(text)
		require.True(t, ok, text)
		require.Empty(t, currency)
		require.InDelta(t, want, got, 1e-9, text)
	}
	for _, text := range []string{"", "free", "NaN", "1e999", "1,299", "12,50 €", "1.29,50", "1,2,3", ",50"} {
		_, _, ok := parsePrice(text)
		require.False(t, ok, text)
	}
}

// Google's product feeds have the currency behind the price; one that says otherwise than the row is not believed.
func TestPriceOfFeed(t *testing.T) {
	listing, err := readCSV(t.Context(), strings.NewReader("photo;price;currency\na.jpg;29.99 EUR;\nb.jpg;1.299,00 sek;SEK\nc.jpg;5USD;usd\nd.jpg;7 EUR;SEK\n"), "/shop/list.csv")
	require.NoError(t, err)
	require.Len(t, listing.Entries, 4)
	for i, want := range []struct {
		price    float64
		currency string
	}{{29.99, "EUR"}, {1299, "SEK"}, {5, "usd"}} {
		require.Equal(t, want.price, *listing.Entries[i].Price)
		require.Equal(t, want.currency, listing.Entries[i].Currency)
	}
	require.Nil(t, listing.Entries[3].Price)
	require.Equal(t, "7 EUR", listing.Entries[3].Attributes["price"])
	require.Len(t, listing.Skipped, 1)
}

// What a shop would miss on its pages is told, once for all rows.
func TestOddValuesAreTold(t *testing.T) {
	listing, err := readCSV(t.Context(), strings.NewReader("photo;title;price;colour\n"+
		"a.jpg;caf\xe9;12,50;ros\xe9\nb.jpg;x;free;\nc.jpg;x;;\nd.jpg;\xfc;12,50 \x80;x\n"), "/shop/list.csv")
	require.NoError(t, err)
	require.Len(t, listing.Entries, 4)
	require.Equal(t, 12.5, *listing.Entries[0].Price)
	require.Equal(t, []Skipped{
		{"list.csv: price", "2 rows, the first in line 3, of a price that is no number, or not in the row's currency, and so an attribute alone: write it as 1299.50 or 1299.50 EUR"},
		{"list.csv: text", "2 rows, the first in line 2, of text that is not UTF-8: save the catalogue as UTF-8"},
	}, listing.Skipped)

	listing, err = readJSONL(t.Context(), strings.NewReader("{\"photo\":\"a.jpg\",\"title\":\"é\"}\n{\"photo\":\"b.jpg\",\"title\":\"caf\xe9\",\"price\":\"12,50\"}\n"), "/shop/list.jsonl")
	require.NoError(t, err)
	require.Equal(t, 12.5, *listing.Entries[1].Price)
	require.Equal(t, []Skipped{{"list.jsonl: text", "1 row, in line 2, of text that is not UTF-8: save the catalogue as UTF-8"}}, listing.Skipped)

	listing, err = readCSV(t.Context(), strings.NewReader("photo,price\na\xff.jpg,5\nb.jpg,\n"), "/shop/list.csv")
	require.NoError(t, err)
	require.Empty(t, listing.Skipped, "a file's name may be any bytes")
}
