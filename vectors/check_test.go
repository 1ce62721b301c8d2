package vectors

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
)

// What is wrong with a filter is said to the person who asks, with what there is.
func TestFilterErrors(t *testing.T) {
	meta := catalog.Metadata{Facets: []catalog.Facet{{Name: "sleeve", Labels: []string{"long", "short"}}, {Name: "neckline", Labels: []string{"boat"}}}}
	for message, filter := range map[string]Filter{
		`this index has no facet "colour": use one of sleeve, neckline`: {"sleeve": {"red"}, "colour": {"red"}},
		`facet "sleeve" has no label "red": use one of long, short`:     {"sleeve": {"long", "red"}},
	} {
		require.EqualError(t, filter.Check(meta), message)
	}
	require.EqualError(t, Filter{"x": nil}.Check(catalog.Metadata{}), `this index has no facet "x": use one of none (there are none)`)
	long := strings.Repeat("é", 5000)
	require.EqualError(t, Filter{long: nil}.Check(meta), `this index has no facet "`+long[:200]+`": use one of sleeve, neckline`)
	require.NoError(t, Filter(nil).Check(meta))
	require.Equal(t, []string{"a", "b"}, Filter{"b": nil, "a": nil}.Facets())
}

func TestUnit(t *testing.T) {
	long := []float32{3e30, 0, 4e30}
	require.InDeltaSlice(t, []float32{0.6, 0, 0.8}, Unit(long), 1e-6)
	require.Equal(t, float32(3e30), long[0], "the caller's vector stays as it is")
}

// Unit vectors keep their bits, others of about that length are made some.
func TestStored(t *testing.T) {
	unit := Unit([]float32{1, 2, 3})
	require.Equal(t, unit, Stored(unit))
	rounded := []float32{unit[0] + 3e-6, unit[1], unit[2]}
	require.Equal(t, rounded, Stored(rounded))
	for _, factor := range []float32{1.0015, 0.9985} {
		longer := []float32{factor * unit[0], factor * unit[1], factor * unit[2]}
		require.InDeltaSlice(t, unit, Stored(longer), 1e-7)
		require.Equal(t, factor*unit[0], longer[0], "the caller's vector stays as it is")
	}
}

// Text that is not valid is replaced in a copy.
func TestCleanText(t *testing.T) {
	row := catalog.Row{RowID: "a", Title: "b\xff", Attributes: map[string]string{"c\xff": "d", "e": "\xfe"}}
	clean := CleanText(row)
	require.Equal(t, catalog.Row{RowID: "a", Title: "b\ufffd", Attributes: map[string]string{"c\ufffd": "d", "e": "\ufffd"}}, clean)
	require.Equal(t, "b\xff", row.Title)
	require.Equal(t, map[string]string{"e": "\ufffd"}, CleanText(catalog.Row{Attributes: map[string]string{"e": "\xfe"}}).Attributes)
	require.Equal(t, map[string]string{"c\xff": "d", "e": "\xfe"}, row.Attributes)
}

// Attributes whose names become the same leave the same one on every run.
func TestCleanTextOfEqualNames(t *testing.T) {
	row := catalog.Row{Attributes: map[string]string{"gr\xf6\xdfe": "2", "gr\xe4\xdfe": "1", "gr\xfc\xdfe": "3"}}
	for range 50 {
		require.Equal(t, map[string]string{"gr\ufffde": "1"}, CleanText(row).Attributes)
	}
	row.Attributes["gr\ufffde"] = "right"
	for range 50 {
		require.Equal(t, map[string]string{"gr\ufffde": "right"}, CleanText(row).Attributes)
	}
}

// A range that no price lies in is refused, with what is wrong; one of a single price is none.
func TestPriceRange(t *testing.T) {
	require.NoError(t, PriceRange{}.Check())
	require.False(t, PriceRange{}.Restricts())
	for _, r := range []PriceRange{{Min: new(5.0), Max: new(5.0)}, {Max: new(-1.0)}, {Currency: "EUR"}} {
		require.NoError(t, r.Check())
		require.True(t, r.Restricts())
	}
	require.EqualError(t, PriceRange{Min: new(math.NaN())}.Check(), "a limit of the price is not a finite number: leave out the one that there is not")
	require.EqualError(t, PriceRange{Max: new(math.Inf(-1))}.Check(), "a limit of the price is not a finite number: leave out the one that there is not")
	require.EqualError(t, PriceRange{Min: new(150.0), Max: new(50.0)}.Check(), "the lowest price, 150, is above the highest, 50: swap them, or leave one out")
}
