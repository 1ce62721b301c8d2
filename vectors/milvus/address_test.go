package milvus

import (
	"strings"
	"testing"

	"github.com/milvus-io/milvus-sdk-go/v2/entity"
	"github.com/stretchr/testify/require"
)

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]address{
		"milvus://localhost/dresses":                   {host: "localhost:19530", alias: "dresses"},
		"milvus://10.0.0.1:1234/d_1":                   {host: "10.0.0.1:1234", alias: "d_1"},
		"milvus://[::1]/d":                             {host: "[::1]:19530", alias: "d"},
		"milvus://[::1]:7/d":                           {host: "[::1]:7", alias: "d"},
		"milvuss://cloud.example/d?token=a%26b":        {host: "cloud.example:19530", tls: true, alias: "d", token: "a&b"},
		"milvus://me:p%40ss@h/d?database=x&index=hnsw": {host: "h:19530", username: "me", password: "p@ss", alias: "d", database: "x", index: entity.HNSW},
		"milvus://h/d?index=flat":                      {host: "h:19530", alias: "d", index: entity.Flat},
		"milvus://h/d?index=auto":                      {host: "h:19530", alias: "d"},
	} {
		got, err := parseAddress(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for text, why := range map[string]string{
		"":                                       "milvus://",
		"http://h/d":                             "milvus://",
		"milvus:///d":                            "no host",
		"milvus://h":                             "alias",
		"milvus://h/":                            "alias",
		"milvus://h/a/b":                         "alias",
		"milvus://h/a-b":                         "alias",
		"milvus://h/1a":                          "alias",
		"milvus://h/d?index=ivf":                 "not auto, flat or hnsw",
		"milvus://h/d?k=1":                       "parameter that is not",
		"milvus://h/d?%zz":                       "parameters",
		"milvus://h:port/d":                      "cannot be read",
		"milvus://me:hush@h:p/d":                 "cannot be read",
		"milvus://me:hush@h/":                    "alias",
		"milvus://me:hush#1@h/d":                 "%23",
		"milvus://me:1#hush@h/d":                 "%23",
		"milvus://h/d?token=12#hush":             "#",
		"milvus://me:hush/1@h/d":                 "%2F",
		"milvus://me:12/hush@h/d":                "%2F",
		"milvus://me:hush?1@h/d":                 "%3F",
		"milvus://me:12?hush@h/d":                "%3F",
		"milvus://me:12/d?hush@h/d":              "%3F",
		"milvus://me:hu%sh@h/d":                  "%25",
		"milvus://me:hush 1@h/d":                 "cannot be read",
		"milvus://h/d&token=hush":                "alias",
		"milvus://h/d?token=1&hush=":             "%26",
		"milvus://h/d?token=hush%zz":             "parameters",
		"milvus://h/" + strings.Repeat("a", 121): "alias",
		"milvus://me:hush%40h/d":                 "%40",
		"milvus://me:hush/d":                     "port",
		"milvus://h/me:hush":                     "alias",
		"milvus://h/d&tok%65n=hush":              "alias",
		"milvus://h/d?password=hush":             "parameter that is not",
		"milvus://h/d?hush":                      "parameter that is not",
		"milvus://h/d?index=hush":                "not auto, flat or hnsw",
		"milvus:me:hush@h":                       "no host",
	} {
		_, err := parseAddress(text)
		require.ErrorContains(t, err, why, text)
		require.ErrorContains(t, err, urlForm)
		require.NotContains(t, err.Error(), "hush")
	}
}

func FuzzParseAddress(f *testing.F) {
	f.Add("milvus://me:pass@h:1/d?index=flat")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parseAddress(text)
		if err == nil {
			require.NotEmpty(t, a.host)
			require.Regexp(t, aliasPattern, a.alias)
		}
	})
}

func TestNames(t *testing.T) {
	names := make(map[string]bool)
	for _, pair := range [][2]string{{"a", "b_c"}, {"a_b", "c"}, {"a", "b-c"}, {"a", "b.c"}, {"A", "b_c"}} {
		name := collectionOf(pair[0], pair[1])
		require.Regexp(t, `^[A-Za-z_][A-Za-z0-9_]{0,254}$`, name)
		require.True(t, strings.HasPrefix(name, pair[0]+"_b_c_") || strings.HasPrefix(name, "a_b_c_"))
		require.False(t, names[name])
		names[name] = true
	}
	longest := collectionOf(strings.Repeat("a", 120), strings.Repeat("b", 100))
	require.LessOrEqual(t, len(longest), 255)
	require.Equal(t, "facet_neckline", facetField("neckline"))
	require.NotEqual(t, facetField("Länge 1"), facetField("Länge-1"))
}

func TestAddressName(t *testing.T) {
	for text, want := range map[string]string{
		"milvus://host/dresses":                                         "milvus://host:19530/dresses",
		"milvuss://Host:19530/dresses?token=secret":                     "milvus://host:19530/dresses",
		"milvus://user:secret@host:1/dresses?database=a%26b&index=flat": "milvus://host:1/dresses?database=a%26b",
	} {
		a, err := parseAddress(text)
		require.NoError(t, err)
		require.Equal(t, want, a.name())
	}
}
