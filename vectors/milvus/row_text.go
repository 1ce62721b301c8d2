package milvus

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/kleid-search/kleid/catalog"
)

// cut is what stands where a text was shortened.
const cut = "…"

// rowText is a row as JSON without embeddings, shortened to what Milvus holds: of the title, the URL and the
// attributes, as few as will do are left out, the longest first, and what there is room for
// is kept of the last of them. It is an error if that is not enough, or if an id is too long.
func rowText(row catalog.Row) (string, error) {
	for _, text := range []string{row.RowID, row.ProductID, row.PhotoID} {
		if len(text) > maxText {
			return "", fmt.Errorf("an id has %d bytes, Milvus holds %d", len(text), maxText)
		}
	}
	row.EmbeddingUnsupervised, row.EmbeddingDeepRank = nil, nil
	data, err := json.Marshal(&row)
	if err == nil && len(data) > maxText {
		data, err = shortened(row)
	}
	if err == nil && len(data) > maxText {
		err = fmt.Errorf("without title and attributes it makes %d bytes, Milvus holds %d", len(data), maxText)
	}
	return string(data), err
}

// text is one that a row can do without in the store. The Parquet file has it in any case.
type text struct {
	value string
	size  int                                  // bytes, with its name
	put   func(row *catalog.Row, value string) // "" leaves it out
	whole bool                                 // a part of it is of no use
}

// textsOf returns the texts of a row, the longest first.
func textsOf(row catalog.Row) []text {
	texts := []text{
		{value: row.Title, size: len(row.Title), put: func(row *catalog.Row, value string) { row.Title = value }},
		{value: row.URL, size: len(row.URL), put: func(row *catalog.Row, value string) { row.URL = value }, whole: true},
	}
	for _, name := range slices.Sorted(maps.Keys(row.Attributes)) {
		texts = append(texts, text{value: row.Attributes[name], size: len(name) + len(row.Attributes[name]), put: func(row *catalog.Row, value string) {
			if row.Attributes[name] = value; value == "" {
				delete(row.Attributes, name)
			}
		}})
	}
	slices.SortStableFunc(texts, func(a, b text) int { return b.size - a.size })
	return texts
}

// shortened leaves out texts of a row until its JSON fits, or until none is left.
func shortened(row catalog.Row) (data []byte, err error) {
	texts := textsOf(row)
	// fits says whether the row does without the first n texts, but with a part of the last of them.
	fits := func(n int, part string) bool {
		short := row
		short.Attributes = maps.Clone(row.Attributes)
		for _, t := range texts[:n] {
			t.put(&short, "")
		}
		if part != "" {
			texts[n-1].put(&short, part)
		}
		data, err = json.Marshal(&short)
		return err == nil && len(data) <= maxText
	}
	n := sort.Search(len(texts), func(n int) bool { return fits(n, "") })
	if n == 0 || !fits(n, "") || texts[n-1].whole {
		return data, err
	}
	last := texts[n-1].value
	part := func(size int) string { return strings.ToValidUTF8(last[:size], "") + cut }
	size := sort.Search(len(last), func(size int) bool { return !fits(n, part(size+1)) })
	if size == 0 || !fits(n, part(size)) {
		fits(n, "")
	}
	return data, err
}
