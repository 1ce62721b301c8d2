package source

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kleid-search/kleid/catalog"
)

var (
	// commaPrice is how much of the world writes 1299.50, and Excel there; a comma before three digits may be either.
	commaPrice = regexp.MustCompile(`^[+-]?(\d+|\d{1,3}(\.\d{3})+),\d{1,2}$`)
	// groupedPrice has thousands that are told by what follows them.
	groupedPrice = regexp.MustCompile(`^[+-]?\d{1,3}(,\d{3})+\.\d{1,2}$`)
	// feedPrice has the currency behind it, as in the feeds of Google's Merchant service
	// (https://support.google.com/merchants/answer/6324371).
	feedPrice = regexp.MustCompile(`^(.*\d)\s*([A-Za-z]{3})$`)
)

// parsePrice reads a price as people and programs write it: 1299.50, 1299,50, 1.299,50 or 1,299.50, perhaps with the
// code of its currency (ISO 4217). What may mean two numbers, such as 1,299, is none.
func parsePrice(text string) (price float64, currency string, ok bool) {
	text = strings.TrimSpace(text)
	if parts := feedPrice.FindStringSubmatch(text); parts != nil {
		text, currency = parts[1], strings.ToUpper(parts[2])
	}
	switch {
	case commaPrice.MatchString(text):
		text = strings.ReplaceAll(strings.ReplaceAll(text, ".", ""), ",", ".")
	case groupedPrice.MatchString(text):
		text = strings.ReplaceAll(text, ",", "")
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, currency, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// oddity counts the rows of a manifest that are not read as they were meant.
type oddity struct{ rows, first, last int } // lines of the first and the last one

func (o *oddity) found(line int) {
	if o.last == line {
		return
	}
	if o.rows++; o.rows == 1 {
		o.first = line
	}
	o.last = line
}

// text is a value as valid text; one that is not is found odd, since people would read \xe9 where é was meant.
func (m *manifest) text(line int, value string) string {
	if !utf8.ValidString(value) {
		m.notUTF8.found(line)
	}
	return catalog.ValidText(value)
}

// read returns what was read, and tells what is odd in it.
func (m *manifest) read() Listing {
	tell := func(o oddity, what, why string) {
		if o.rows > 0 {
			rows := fmt.Sprintf("%d rows, the first in line %d, ", o.rows, o.first)
			if o.rows == 1 {
				rows = fmt.Sprintf("1 row, in line %d, ", o.first)
			}
			m.listing.Skipped = append(m.listing.Skipped, Skipped{m.name() + ": " + what, rows + why})
		}
	}
	tell(m.noPrice, "price", "of a price that is no number, or not in the row's currency, and so an attribute alone: write it as 1299.50 or 1299.50 EUR")
	tell(m.notUTF8, "text", "of text that is not UTF-8: save the catalogue as UTF-8")
	return m.listing
}
