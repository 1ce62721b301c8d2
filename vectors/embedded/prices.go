package embedded

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/kleid-search/kleid/vectors"
)

// prices finds rows by price.
type prices struct {
	all        int // rows, those without a price included
	currencies []currency
	values     []float64 // [rows with a price], currency after currency, in order
	rows       []uint32  // [rows with a price] whose price each is
}

// parsePrices checks everything that within relies on.
func parsePrices(values, rows []byte, m *manifest) (p prices, err error) {
	p = prices{all: m.Rows, currencies: m.Currencies}
	if p.values, err = numbers[float64](values); err != nil {
		return p, fmt.Errorf("%s: %w", pricesFile, err)
	}
	if p.rows, err = numbers[uint32](rows); err != nil {
		return p, fmt.Errorf("%s: %w", priceRowsFile, err)
	}
	start := 0
	for _, c := range p.currencies {
		end := start + c.Rows
		if !slices.IsSorted(p.values[start:end]) || c.Rows > 0 && math.IsNaN(p.values[start]) { // NaN sorts first
			return p, fmt.Errorf("%s: the prices in %q are not in order", pricesFile, c.Name)
		}
		start = end
	}
	for _, row := range p.rows {
		if int(row) >= m.Rows {
			return p, fmt.Errorf("%s: row %d of %d", priceRowsFile, row, m.Rows)
		}
	}
	return p, nil
}

// within returns the rows whose price lies in a range. It takes a bit a row of the index, and a step a row that
// passes: little beside the scan of their vectors.
func (p prices) within(r vectors.PriceRange) *roaring.Bitmap {
	passing := make([]uint64, (p.all+63)/64)
	name := vectors.CleanID(r.Currency)
	start := 0
	for _, c := range p.currencies {
		end := start + c.Rows
		if name == "" || name == c.Name {
			from, to := start, end
			if r.Min != nil {
				from += sort.SearchFloat64s(p.values[start:end], *r.Min)
			}
			if r.Max != nil {
				to = start + sort.Search(c.Rows, func(i int) bool { return p.values[start+i] > *r.Max })
			}
			for _, row := range p.rows[from:to] {
				passing[row/64] |= 1 << (row % 64)
			}
		}
		start = end
	}
	return roaring.FromDense(passing, false)
}

// byPrice returns the numbers of the rows with a price, by currency, then price, then number.
func (w *writer) byPrice(order []int) []uint32 {
	var rows []uint32
	for row, i := range order {
		if !math.IsNaN(w.rows[i].price) {
			rows = append(rows, uint32(row))
		}
	}
	slices.SortStableFunc(rows, func(a, b uint32) int {
		x, y := &w.rows[order[a]], &w.rows[order[b]]
		return cmp.Or(cmp.Compare(w.currencies.texts[x.currency], w.currencies.texts[y.currency]), cmp.Compare(x.price, y.price))
	})
	return rows
}

// pricesOf returns the prices of rows.
func (w *writer) pricesOf(order []int, rows []uint32) []float64 {
	values := make([]float64, len(rows))
	for i, row := range rows {
		values[i] = w.rows[order[row]].price
	}
	return values
}

// currenciesOf counts the rows of each currency, of rows that are in order of it; not nil where there are none.
func (w *writer) currenciesOf(order []int, rows []uint32) []currency {
	all := []currency{}
	for _, row := range rows {
		name := w.currencies.texts[w.rows[order[row]].currency]
		if len(all) == 0 || all[len(all)-1].Name != name {
			all = append(all, currency{Name: name})
		}
		all[len(all)-1].Rows++
	}
	return all
}
