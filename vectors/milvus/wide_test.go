package milvus

import (
	"strconv"
	"testing"

	"github.com/milvus-io/milvus-proto/go-api/v2/milvuspb"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/vectors/milvus/milvustest"
)

func TestEscapeWide(t *testing.T) {
	for text, want := range map[string]string{
		"dress-1":         `"dress-1"`,
		"größe \"連衣裙\" 👗": `"größe \"連衣裙\" 👗"`,
		"𠮷野-1":            `"\U00020bb7\u91ce-1"`,
		"𠮷\n\"ß\" 👗\\":    `"\U00020bb7\n\"\u00df\" \U0001f457\\"`,
		"\U00031350":      `"\U00031350"`,
	} {
		literal := escapeWide(quote(text))
		require.Equal(t, want, literal)
		read, err := strconv.Unquote(literal) // as Milvus does at last
		require.NoError(t, err)
		require.Equal(t, text, read)
	}
}

// Escapes are for Milvus itself: Lite does not know them.
func testWideTexts(t *testing.T, server *milvustest.Server) {
	expressions := make(chan string, 3)
	address := milvustest.Proxy(t, server.Address, func(call *milvustest.Call) error {
		switch call.Method {
		case "GetVersion":
			return call.Answer(&milvuspb.GetVersionResponse{Version: "v2.5.4"})
		case "Query":
			var request milvuspb.QueryRequest
			if err := call.Request(&request); err != nil {
				return err
			}
			if request.GetExpr() != "" {
				expressions <- request.GetExpr()
			}
		}
		return nil
	})
	index := publish(t, open(t, milvustest.URL(address, "wide_texts")), "r-1", 3)
	_, err := index.ByProduct(t.Context(), "𠮷")
	require.ErrorContains(t, err, "escape", "the server behind it is Lite")
	require.Equal(t, `product_id in ["\U00020bb7"]`, <-expressions)
}
