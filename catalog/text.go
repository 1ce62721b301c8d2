package catalog

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// ValidText writes bytes that are no UTF-8, which a file name may have, as \xff: Parquet, JSON and the
// stores take text only, and two names must stay two.
func ValidText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&b, `\x%02x`, s[0])
		} else {
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}
