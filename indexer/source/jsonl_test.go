package source

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
)

func TestReadJSONL(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []Entry
	}{
		"a photo a line": {"{\"photo\": \"a.jpg\"}\r\n\n  {\"file\": \"b/c.jpg\"}", []Entry{
			{ProductID: "a", Source: "a.jpg", Location: "/shop/a.jpg"},
			{ProductID: "c", Source: "b/c.jpg", Location: "/shop/b/c.jpg"},
		}},
		"all members": {`{"product_id": "p 1", "image": "https://x.example/a.jpg", "title": "Red\nü", "url": "https://x.example/", "price": 1.50, "currency": "EUR", "colour": "red", "sizes": [36, 38], "new": true, "old": null}`, []Entry{{
			ProductID: "p 1", Named: true, Source: "https://x.example/a.jpg", Location: "https://x.example/a.jpg", Title: "Red\nü", URL: "https://x.example/",
			Price: new(1.5), Currency: "EUR", Attributes: map[string]string{"colour": "red", "sizes": "[36,38]", "new": "true"},
		}}},
		"numbers and texts": {`{"photo": "a.jpg", "product_id": 12345678901234567890, "price": "2"}`, []Entry{
			{ProductID: "12345678901234567890", Named: true, Source: "a.jpg", Location: "/shop/a.jpg", Price: new(2.0)},
		}},
		"attributes": {`{"photo": "a.jpg", "attributes": {"title": "inner", "colour": "red", "x": {"y": 1}}, "colour": "blue"}`, []Entry{
			{ProductID: "a", Source: "a.jpg", Location: "/shop/a.jpg", Attributes: map[string]string{"title": "inner", "colour": "blue", "x": `{"y":1}`}},
		}},
		"attributes that are none": {`{"photo": "a.jpg", "attributes": "x"}`, []Entry{
			{ProductID: "a", Source: "a.jpg", Location: "/shop/a.jpg", Attributes: map[string]string{"attributes": "x"}},
		}},
		"no photo": {`{"title": "x"}`, []Entry{
			{ProductID: "list.jsonl:1", Source: "list.jsonl:1", IsLine: true, Title: "x", Err: "line 1 of the catalogue names no photo"},
		}},
		"nothing": {"", nil},
	} {
		t.Run(name, func(t *testing.T) {
			listing, err := readJSONL(t.Context(), strings.NewReader(test.text), "/shop/list.jsonl")
			require.NoError(t, err)
			require.Equal(t, test.want, listing.Entries)
		})
	}
	bad := []string{"{", "[]", "null", `"a.jpg"`, "{}{}", "\x00", `{"photo": }`, strings.Repeat("x", catalog.MaxLine+1), strings.Repeat(`{"a":`, 20_000), "a.jpg"}
	listing, err := readJSONL(t.Context(), strings.NewReader(strings.Join(bad, "\n")+"\n{\"photo\": \"a.jpg\"}\n"), "list.jsonl")
	require.NoError(t, err)
	require.Len(t, listing.Entries, len(bad)+1)
	for i, e := range listing.Entries[:len(bad)] {
		require.Contains(t, e.Err, "of the catalogue", "line %d", i+1)
		require.NotEmpty(t, e.Source)
	}
	require.Empty(t, listing.Entries[len(bad)].Err)
}

func FuzzJSONL(f *testing.F) {
	for _, text := range []string{
		`{"photo": "a.jpg", "price": 1e5, "attributes": {"a": []}}`, "{\"image\": \"\\ud800\"}\n{", `{"path": "x", "attributes": null}`, "\ufeff{}", `{"photo": ["a"]}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		listing, err := readJSONL(t.Context(), strings.NewReader(text), "list.jsonl")
		if err == nil {
			requireSane(t, listing, strings.Count(text, "\n"))
		}
	})
}
