package searcher

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/vectors"
)

// How many results a search returns.
const (
	DefaultK = 10
	// MaxK is the most, and how deep results can be paged through, offset and k together: as deep as a
	// Milvus server allows.
	MaxK = 16_384
	// maxPage is the most that one answer over HTTP has; paging goes as deep as MaxK.
	maxPage = 1000
)

// How much a request may say, far more than any that means something.
const (
	maxConditions = 1000
	maxIgnored    = 64
)

// Request says what is searched for beside the photo. Its zero value asks for the DefaultK nearest
// products by DeepRank.
type Request struct {
	// Where is the filter. A result always satisfies it.
	Where vectors.Filter
	// Price restricts results, too: with a range, those without a price are left out.
	Price vectors.PriceRange
	// Ignore names facets in which results need not be like the queried dress: "this one, but with a v-neck" has
	// neckline here, and v-neck in Where. What the dress's vector says of them is taken out, where the model knows
	// how (Answer.Ignored); similarities are then those of the rest.
	Ignore []string
	// K results are returned at most, after skipping Offset; together at most MaxK. 0 stands for DefaultK.
	K, Offset int
	// Embedding is what "near" is measured by. "" stands for vectors.DeepRank.
	Embedding vectors.Embedding
	// EveryPhoto makes every photo a result of its own; otherwise a product is one, by its nearest photo.
	EveryPhoto bool
	// Box, if not nil, is where the dress is in the photo: a person chose it.
	Box *photo.Box
}

// complete puts defaults where there is nothing and checks what does not depend on the index.
func (r *Request) complete() error {
	if r.K == 0 {
		r.K = DefaultK
	}
	if r.Embedding == "" {
		r.Embedding = vectors.DeepRank
	}
	switch {
	case r.K < 0 || r.K > MaxK:
		return invalid("k is %d: use 1 to %d", r.K, MaxK)
	case r.Offset < 0 || r.Offset > MaxK-r.K:
		return invalid("offset is %d: use 0 to %d, as offset and k are %d at most together", r.Offset, MaxK-r.K, MaxK)
	case r.Embedding != vectors.DeepRank && r.Embedding != vectors.Unsupervised:
		return invalid("there is no embedding %q: use %s or %s", r.Embedding, vectors.DeepRank, vectors.Unsupervised)
	case r.Box != nil && r.Box.Empty():
		return invalid("the box %v is empty: use x_min,y_min,x_max,y_max in pixels", *r.Box)
	case len(r.Ignore) > maxIgnored:
		return invalid("ignore names %d facets: use %d at most", len(r.Ignore), maxIgnored)
	}
	if err := r.Price.Check(); err != nil {
		return known(err)
	}
	var ignore []string // the caller keeps its own
	for _, facet := range r.Ignore {
		if !slices.Contains(ignore, facet) {
			ignore = append(ignore, facet)
		}
	}
	r.Ignore = ignore
	return nil
}

// ParseWhere reads conditions of the form "neckline=v-neck", several of which may name one facet: then
// any of its labels passes. No condition gives a nil filter.
func ParseWhere(conditions []string) (vectors.Filter, error) {
	if len(conditions) > maxConditions {
		return nil, invalid("the filter has %d conditions: use %d at most", len(conditions), maxConditions)
	}
	var filter vectors.Filter
	for _, condition := range conditions {
		facet, label, ok := strings.Cut(condition, "=")
		if !ok || facet == "" || label == "" {
			return nil, invalid("the filter %q is not of the form facet=label, such as neckline=v-neck", condition)
		}
		if filter == nil {
			filter = make(vectors.Filter)
		}
		if !slices.Contains(filter[facet], label) {
			filter[facet] = append(filter[facet], label)
		}
	}
	return filter, nil
}

// ParseBox reads "x_min,y_min,x_max,y_max" in pixels of the upright photo.
func ParseBox(text string) (photo.Box, error) {
	parts := strings.Split(text, ",")
	var sides [4]int
	err := fmt.Errorf("%d numbers", len(parts))
	if len(parts) == len(sides) {
		for i, part := range parts {
			if sides[i], err = strconv.Atoi(strings.TrimSpace(part)); err != nil {
				break
			}
		}
	}
	box := photo.Box{XMin: sides[0], YMin: sides[1], XMax: sides[2], YMax: sides[3]}
	if err != nil || box.Empty() {
		return photo.Box{}, invalid("the box %q is not of the form x_min,y_min,x_max,y_max in pixels, with x_min < x_max and y_min < y_max", text)
	}
	return box, nil
}
