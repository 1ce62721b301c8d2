package catalog

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestConditionsOnAttributes read numbers in texts; those that are missing are none, like those of columns.
func TestConditionsOnAttributes(t *testing.T) {
	r := &Reader{columns: columnsOf(nil)}
	row := &Row{Attributes: map[string]string{"stock": " 4 ", "sold": "", "fabric": "silk"}}
	for condition, want := range map[string]bool{
		"float(attributes.stock) > 3":                          true,
		"float(attributes.stock) > 4":                          false,
		"float(attributes.sold) < 1":                           false,
		"float(attributes.other) < 1":                          false,
		"float(price) < 1":                                     false,
		"float(3) == 3.0":                                      true,
		`attributes.fabric == "silk" && attributes.sold == ""`: true,
	} {
		holds, err := r.where(condition)
		require.NoError(t, err, condition)
		ok, err := holds(row)
		require.NoError(t, err, condition)
		require.Equal(t, want, ok, condition)
	}
	holds, err := r.where("float(attributes.fabric) > 3")
	require.NoError(t, err)
	_, err = holds(row)
	require.ErrorContains(t, err, `"silk" is no number`)
}
