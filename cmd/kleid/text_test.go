package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPriceText(t *testing.T) {
	for want, got := range map[string]string{
		"1000 JPY": priceText(1000, "JPY"), "59.90 EUR": priceText(59.9, "EUR"), "1.500 KWD": priceText(1.5, "KWD"),
		"59.90": priceText(59.9, ""), "59.90 points": priceText(59.9, "points"),
	} {
		require.Equal(t, want, got)
	}
}
