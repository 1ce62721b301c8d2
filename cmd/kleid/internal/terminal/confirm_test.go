package terminal

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadYes(t *testing.T) {
	for text, want := range map[string]error{"y\n": nil, "Yes\nmore": nil, "\n": errRefused, "": errRefused, "no\n": errRefused, "yesterday\n": errRefused} {
		require.Equal(t, want, readYes(strings.NewReader(text)), text)
	}
}
