package milvus

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escapeWide writes an expression that has Chinese characters above U+FFFF with escapes for all that is not
// ASCII, which is in literals alone. Milvus reads such characters as others, of 16 bits, unless there is an
// escape like these in the expression (convertHanToASCII of its planparserv2); it knows these escapes itself.
// Milvus Lite reads all characters as they are, and does not know the escapes.
func escapeWide(expression string) string {
	if !strings.ContainsFunc(expression, isWideHan) {
		return expression
	}
	var out strings.Builder
	for _, r := range expression {
		switch {
		case r < utf8.RuneSelf:
			out.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			fmt.Fprintf(&out, `\U%08x`, r)
		}
	}
	return out.String()
}

// isWideHan knows planes 2 and 3 as a whole, since a server may have a newer Unicode.
func isWideHan(r rune) bool {
	return r >= 0x20000 && r <= 0x3ffff || r > 0xffff && unicode.Is(unicode.Han, r)
}
