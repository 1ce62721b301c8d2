package catalog

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValidText(t *testing.T) {
	for text, want := range map[string]string{"": "", "größe\n": "größe\n", "a\xffb\xc3": `a\xffb\xc3`, "\ufffd": "\ufffd", "\xed\xa0\x80": `\xed\xa0\x80`} {
		require.Equal(t, want, ValidText(text))
	}
}
