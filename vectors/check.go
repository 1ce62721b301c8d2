package vectors

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kleid-search/kleid/catalog"
)

// FilterError says that a filter names a facet or a label that the index does not have.
type FilterError struct {
	Facet string
	// Label is the one that the facet does not have. It means nothing when UnknownFacet is set.
	Label        string
	UnknownFacet bool
	// Known are the facets of the index, or the labels of the facet, in their order.
	Known []string
}

// Error repeats 100 characters of a name at most: who asks may have sent millions.
func (e *FilterError) Error() string {
	if e.UnknownFacet {
		return fmt.Sprintf("this index has no facet %.100q: use one of %s", e.Facet, list(e.Known))
	}
	return fmt.Sprintf("facet %.100q has no label %.100q: use one of %s", e.Facet, e.Label, list(e.Known))
}

func list(names []string) string {
	if len(names) == 0 {
		return "none (there are none)"
	}
	return strings.Join(names, ", ")
}

// QueryError says what is wrong with a query, a wrong filter aside.
type QueryError struct{ Message string }

func (e *QueryError) Error() string { return e.Message }

// Size is the number of floats of an embedding in an index; 0 for one that is not known.
func Size(meta catalog.Metadata, embedding Embedding) int {
	switch embedding {
	case Unsupervised:
		return meta.UnsupervisedSize
	case DeepRank:
		return meta.DeepRankSize
	}
	return 0
}

// Check returns a *FilterError for the first facet, in order of name, or label that the index does
// not have.
func (f Filter) Check(meta catalog.Metadata) error {
	for _, name := range f.Facets() {
		i := slices.IndexFunc(meta.Facets, func(facet catalog.Facet) bool { return facet.Name == name })
		if i < 0 {
			known := make([]string, len(meta.Facets))
			for j, facet := range meta.Facets {
				known[j] = facet.Name
			}
			return &FilterError{Facet: name, UnknownFacet: true, Known: known}
		}
		for _, label := range f[name] {
			if !slices.Contains(meta.Facets[i].Labels, label) {
				return &FilterError{Facet: name, Label: label, Known: slices.Clone(meta.Facets[i].Labels)}
			}
		}
	}
	return nil
}

// Facets returns the names of the facets that the filter restricts, in order.
func (f Filter) Facets() []string {
	names := make([]string, 0, len(f))
	for name := range f {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Check returns a *QueryError or *FilterError when the index cannot answer the query. Both say what
// to do, to the person who asks.
func (q Query) Check(meta catalog.Metadata) error {
	size := Size(meta, q.Embedding)
	if size == 0 {
		return &QueryError{fmt.Sprintf("there is no embedding %q: use %s or %s", q.Embedding, Unsupervised, DeepRank)}
	}
	if len(q.Vector) != size {
		return &QueryError{fmt.Sprintf("the vector has %d numbers, the index's %s embedding has %d", len(q.Vector), q.Embedding, size)}
	}
	if n := norm(q.Vector); math.IsNaN(n) || math.IsInf(n, 0) {
		return &QueryError{"the vector has a number that is not finite"}
	} else if n == 0 {
		return &QueryError{"the vector has no direction: all its numbers are 0"}
	}
	if q.K < 0 || q.Offset < 0 {
		return &QueryError{fmt.Sprintf("k (%d) and offset (%d) must not be negative", q.K, q.Offset)}
	}
	if err := q.Price.Check(); err != nil {
		return err
	}
	return q.Where.Check(meta)
}

// Unit returns the vector scaled to unit length, in new memory.
func Unit(vector []float32) []float32 {
	n := norm(vector)
	unit := make([]float32, len(vector))
	for i, v := range vector {
		unit[i] = float32(float64(v) / n)
	}
	return unit
}

// rounding is how far from 1 the length of a unit vector may be for its numbers' rounding.
const rounding = 1e-5

// Stored is how a store holds a vector: as it is, bit for bit, where its length is 1 but for rounding, else
// scaled to that, in new memory. So scalar products are cosines.
func Stored(vector []float32) []float32 {
	if math.Abs(norm(vector)-1) <= rounding {
		return vector
	}
	return Unit(vector)
}

func norm(vector []float32) float64 {
	var sum float64
	for _, v := range vector {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

// run ids become names of folders and parts of names of collections.
var runPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)

// maxSize is how many numbers an embedding may have: as many as Milvus takes.
const maxSize = 32768

// CheckMetadata refuses metadata that no index can be made of.
func CheckMetadata(meta catalog.Metadata) error {
	if err := CheckRun(meta.Run); err != nil {
		return err
	}
	for _, size := range []int{meta.UnsupervisedSize, meta.DeepRankSize} {
		if size <= 0 || size > maxSize {
			return fmt.Errorf("the embedding sizes are %d and %d: both must be between 1 and %d", meta.UnsupervisedSize, meta.DeepRankSize, maxSize)
		}
	}
	seen := make(map[string]bool)
	for _, facet := range meta.Facets {
		if facet.Name == "" || seen[facet.Name] {
			return fmt.Errorf("facet %q is without a name or there twice", facet.Name)
		}
		seen[facet.Name] = true
		if len(facet.Labels) == 0 {
			return fmt.Errorf("facet %q has no labels", facet.Name)
		}
		for i, label := range facet.Labels {
			if label == "" || !utf8.ValidString(facet.Name+label) {
				return fmt.Errorf("facet %q has the label %q: both must be text", facet.Name, label)
			}
			if slices.Contains(facet.Labels[:i], label) {
				return fmt.Errorf("facet %q has the label %q twice", facet.Name, label)
			}
		}
	}
	return nil
}

// CheckRun refuses what is no run id: one has up to 100 letters, digits, _ and -, and begins with a
// letter or digit.
func CheckRun(run string) error {
	if !runPattern.MatchString(run) {
		return fmt.Errorf("the run id %q is not usable: it has 1 to 100 letters, digits, _ and -, and begins with a letter or digit", run)
	}
	return nil
}

// CheckDrop refuses to drop what is no run id, or a store's current run.
func CheckDrop(ctx context.Context, store Store, run string) error {
	if err := CheckRun(run); err != nil {
		return err
	}
	current, err := store.CurrentRun(ctx)
	if err != nil {
		return err
	}
	if current == run {
		return fmt.Errorf("run %s is the current index: publish another before dropping it", run)
	}
	return nil
}

// unitTolerance is how far a stored vector's length may be from 1: rounding to float16 stays within.
const unitTolerance = 2e-3

// CheckRow refuses a row that an index of this metadata cannot hold.
func CheckRow(meta catalog.Metadata, row *catalog.Row) error {
	if err := checkRow(meta, row); err != nil {
		return fmt.Errorf("row %s (%s): %w", row.RowID, row.Source, err)
	}
	return nil
}

func checkRow(meta catalog.Metadata, row *catalog.Row) error {
	if row.RowID == "" || row.ProductID == "" {
		return errors.New("it needs a row id and a product id")
	}
	if row.Status != catalog.StatusOK {
		return fmt.Errorf("its status is %q: only rows with status %q go into a store", row.Status, catalog.StatusOK)
	}
	if err := checkVector(row.EmbeddingUnsupervised, meta.UnsupervisedSize); err != nil {
		return fmt.Errorf("the unsupervised embedding %w", err)
	}
	if err := checkVector(row.EmbeddingDeepRank, meta.DeepRankSize); err != nil {
		return fmt.Errorf("the DeepRank embedding %w", err)
	}
	if row.Price != nil && (math.IsNaN(*row.Price) || math.IsInf(*row.Price, 0)) {
		return errors.New("the price is not a finite number")
	}
	if notFinite(row.BoxConfidence) {
		return errors.New("the box confidence is not a finite number")
	}
	for _, c := range row.Colours {
		if notFinite(c.L) || notFinite(c.A) || notFinite(c.B) || notFinite(c.Share) {
			return fmt.Errorf("the colour %q has a number that is not finite", c.Name)
		}
	}
	for name, value := range row.Facets {
		if err := (Filter{name: {value.Label}}).Check(meta); err != nil {
			return err
		}
		if notFinite(value.Probability) {
			return fmt.Errorf("the probability of facet %q is not a finite number", name)
		}
	}
	return nil
}

func notFinite(v float32) bool { return v-v != 0 }

func checkVector(vector []float32, size int) error {
	if len(vector) != size {
		return fmt.Errorf("has %d numbers, the index's have %d", len(vector), size)
	}
	// Written so that a length of NaN is refused too.
	if n := norm(vector); !(math.Abs(n-1) <= unitTolerance) {
		return fmt.Errorf("has length %v instead of 1", n)
	}
	return nil
}

// CleanText returns the row with valid UTF-8 in every text, as JSON and the network demand: a file
// name may be any bytes. It changes nothing that the caller holds.
func CleanText(row catalog.Row) catalog.Row {
	for _, s := range []*string{&row.RowID, &row.PhotoID, &row.ProductID, &row.Source, &row.Title, &row.URL,
		&row.Currency, &row.Error, &row.EmbeddingModel, &row.FacetModel} {
		*s = CleanID(*s)
	}
	for key, value := range row.Attributes {
		if CleanID(key) == key && CleanID(value) == value {
			continue
		}
		// Of names that become the same, the one that was right keeps its value, or else the first, whatever the order
		// of the map.
		clean := make(map[string]string, len(row.Attributes))
		for k, v := range row.Attributes {
			if CleanID(k) == k {
				clean[k] = CleanID(v)
			}
		}
		for _, k := range slices.Sorted(maps.Keys(row.Attributes)) {
			if _, ok := clean[CleanID(k)]; !ok {
				clean[CleanID(k)] = CleanID(row.Attributes[k])
			}
		}
		row.Attributes = clean
		break
	}
	return row
}

// CleanID is how a store holds an id: with valid UTF-8. Stores look for ids as they hold them, so that a
// row is found by the very bytes that it was added with.
func CleanID(id string) string { return strings.ToValidUTF8(id, "\uFFFD") }
