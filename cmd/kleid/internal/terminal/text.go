package terminal

import (
	"strconv"
	"strings"
	"unicode"
)

// Printable quotes a text that would do something to a terminal: names and titles may hold anything.
func Printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// WithoutEscapes shows what would do something to a terminal, but for new lines: errors repeat labels of models, names of
// files and what servers say.
func WithoutEscapes(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == '\n' || unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}
