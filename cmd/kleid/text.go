package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/currency"

	"github.com/kleid-search/kleid/catalog"
)

// printable quotes a text that would do something to a terminal: names and titles may hold anything.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// withoutEscapes shows what would do something to a terminal, but for new lines: errors repeat labels of models, names of
// files and what servers say.
func withoutEscapes(text string) string {
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

// priceText has as many decimals as the currency (ISO 4217), two where it is none that is known.
func priceText(price float64, code string) string {
	decimals := 2
	if unit, err := currency.ParseISO(code); err == nil {
		decimals, _ = currency.Standard.Rounding(unit)
	}
	return strings.TrimSpace(fmt.Sprintf("%.*f %s", decimals, price, code))
}

// boxText says where a dress is and how sure that is.
func boxText(b catalog.Box, confidence float32) string {
	return fmt.Sprintf("x %d to %d, y %d to %d (%.0f%% sure)", b.XMin, b.XMax, b.YMin, b.YMax, 100*confidence)
}
