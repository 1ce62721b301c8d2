package milvus

import (
	"context"
	"fmt"

	"github.com/milvus-io/milvus-sdk-go/v2/client"
)

// inPages fetches fields of all rows that meet a condition, about perPage rows at a time: a server refuses
// replies that are too large. rows is how many there are. visit gets each page and its number of rows.
//
// Milvus gives the first 16,384 rows of a query one after another, not more, and without limit all in one reply.
// So pages are ranges of row ids: those are SHA-256, of which as many begin with one digit as with
// another. Other ids make pages of unequal size.
func (x *index) inPages(ctx context.Context, condition string, fields []string, rows, perPage int, visit func(page client.ResultSet, rows int) error) error {
	for _, part := range idRanges((rows + perPage - 1) / perPage) {
		page, err := x.query(ctx, allOf(condition, part), fields)
		if err != nil {
			return err
		}
		n := 0
		if column := page.GetColumn(fields[0]); column != nil { // a reply without rows has no columns either
			n = column.Len()
		}
		if err := visit(page, n); err != nil {
			return err
		}
	}
	return nil
}

// idRanges are conditions of which each row meets one.
func idRanges(n int) []string {
	const prefixes = 1 << 16
	n = min(n, prefixes)
	if n <= 1 {
		return []string{fieldRowID + ` != ""`} // a query without limit needs a condition, and this one holds
	}
	bound := func(i int) string { return fmt.Sprintf(`"%04x"`, i*prefixes/n) }
	ranges := make([]string, n)
	for i := range ranges {
		switch from, to := fieldRowID+" >= "+bound(i), fieldRowID+" < "+bound(i+1); {
		case i == 0:
			ranges[i] = to
		case i == n-1:
			ranges[i] = from
		default:
			ranges[i] = from + " and " + to
		}
	}
	return ranges
}
