package main

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
)

func TestMisspeltVariables(t *testing.T) {
	known := variables(newApp(strings.NewReader(""), io.Discard, io.Discard).Commands)
	for name, meant := range map[string]string{
		"KLEID_HIDE_ATTRIBUTE": "KLEID_HIDE_ATTRIBUTES", "KLEID_HIDDEN_ATTRIBUTES": "KLEID_HIDE_ATTRIBUTES", "KLEID_ALLOWED_ORIGINS": "KLEID_ALLOWED_ORIGIN",
		"KLEID_CATALOG": "KLEID_CATALOGUE", "KLEID_MODEL": "KLEID_MODELS",
		"KLEID_HIDE_ATTRIBUTES": "", "KLEID_THREADS": "", "KLEID_QUALITY_LISTEN": "", "HOME": "",
		// Of compose, of tests, and of Kubernetes, for services that are called kleid and kleid-search.
		"KLEID_VERSION": "", "KLEID_PHOTOS": "", "KLEID_CHROMIUM": "", "KLEID_LONG": "",
		"KLEID_PORT": "", "KLEID_SERVICE_HOST": "", "KLEID_SERVICE_PORT": "", "KLEID_SERVICE_PORT_HTTP": "", "KLEID_PORT_8080_TCP": "", "KLEID_PORT_8080_TCP_ADDR": "",
		"KLEID_PORT_8080_TCP_PORT": "", "KLEID_PORT_8080_TCP_PROTO": "", "KLEID_SEARCH_SERVICE_HOST": "", "KLEID_SEARCH_PORT": "", "KLEID_SEARCHER_PORT": "", "KLEID_MODELS_PORT": "",
	} {
		require.Equal(t, meant, nearVariable(name, known), name)
	}
	t.Setenv("KLEID_HIDE_ATTRIBUTE", "purchase_price")
	t.Setenv("KLEID_ALLOWED_ORIGINS", "") // compose's way of leaving one out
	r := kleid(t, "version")
	require.Equal(t, exit.Done, r.code)
	require.Contains(t, r.stderr, "variable=KLEID_HIDE_ATTRIBUTE meant=KLEID_HIDE_ATTRIBUTES")
	require.NotContains(t, r.stderr, "ORIGIN")
}

func TestVariablesOfAnotherKind(t *testing.T) {
	for _, test := range []struct{ name, value, says string }{
		{"KLEID_MAX_UPLOAD", "8M", `kleid serve: KLEID_MAX_UPLOAD is "8M", but takes a whole number`},
		{"KLEID_THREADS", "all", `KLEID_THREADS is "all", but takes a whole number`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(test.name, test.value)
			r := kleid(t, "serve", "--index", "index")
			require.Equal(t, exit.Usage, r.code)
			require.Contains(t, r.stderr, test.says)
		})
	}
}
