package photos

import (
	"fmt"
	"strings"

	"golang.org/x/text/currency"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
)

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

// coloursText lists dominant colours with their shares of the dress.
func coloursText(colours []catalog.Colour) []string {
	var texts []string
	for _, c := range colours {
		texts = append(texts, fmt.Sprintf("%s %.0f%%", terminal.Printable(c.Name), 100*c.Share))
	}
	return texts
}
