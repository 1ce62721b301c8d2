package datasets

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/storage"
)

// manifestFormats parse the manifests that there are, by extension. Rows that make no sense are bad ones.
var manifestFormats = map[string]func(name string, data []byte) (*table, []Bad, error){
	".csv": parseCSV, ".tsv": parseCSV, ".jsonl": parseJSONL, ".ndjson": parseJSONL, ".parquet": parseParquet,
}

func isManifest(name string) bool { return manifestFormats[strings.ToLower(path.Ext(name))] != nil }

// maxManifest is how many bytes a manifest may have.
const maxManifest = 1 << 30

// readManifest finds the photos that a manifest names.
func readManifest(ctx context.Context, bucket storage.Bucket, name string, options OpenOptions) ([]rawExample, []Bad, error) {
	data, err := storage.ReadAll(ctx, bucket, name, maxManifest)
	if err != nil {
		return nil, nil, err
	}
	t, bad, err := manifestFormats[strings.ToLower(path.Ext(name))](name, data)
	if err != nil {
		return nil, nil, err
	}
	examples, more, err := labelledByRow(t, options)
	return examples, append(bad, more...), err
}

// Columns by what they mean; the first that there is, counts.
var (
	photoColumns   = catalog.PhotoColumns
	productColumns = []string{"product_id", "product"}
	boxColumns     = []string{"x_min", "y_min", "x_max", "y_max"}
)

// facetPrefix stands before the names of facets in an index's columns, sourceSuffix behind those of who said so.
const facetPrefix, sourceSuffix = "facet_", "_source"

// labelledByRow makes examples of rows.
func labelledByRow(t *table, options OpenOptions) ([]rawExample, []Bad, error) {
	for _, side := range boxColumns { // as an index has them
		if column := t.first([]string{"box_" + side, side}); column != "" {
			t.columns[side] = t.columns[column]
		}
	}
	facets, err := t.facetColumns(options)
	if err != nil {
		return nil, nil, err
	}
	if t.first(photoColumns) == "" {
		return nil, nil, fmt.Errorf("no column is called %s: that of the photos is", strings.Join(photoColumns, ", "))
	}
	if err := t.needText(t.used(facets)...); err != nil {
		return nil, nil, err
	}
	var examples []rawExample
	var bad []Bad
	for row := range t.rows {
		e, err := t.example(row, facets)
		if err != nil {
			bad = append(bad, Bad{t.at(row), strings.TrimPrefix(err.Error(), fmt.Sprintf("%s: line %d: ", t.path, t.line(row)))})
			continue
		}
		examples = append(examples, e)
	}
	return examples, bad, nil
}

// at names a row.
func (t *table) at(row int) string { return fmt.Sprintf("%s:%d", t.path, t.line(row)) }

// first is the first of the columns that there is, one with a text if there is such, "" if there is none.
func (t *table) first(columns []string) string {
	if i := slices.IndexFunc(columns, t.hasText); i >= 0 {
		return columns[i]
	}
	for _, column := range columns {
		if _, ok := t.columns[column]; ok {
			return column
		}
	}
	return ""
}

// used are the columns that examples are made of, whether there are such or not.
func (t *table) used(facets map[string]string) []string {
	columns := append([]string{t.first(photoColumns), t.first(productColumns), "split", "fold", "is_dress"}, boxColumns...)
	for _, facet := range slices.Sorted(maps.Keys(facets)) {
		column := facets[facet]
		columns = append(columns, column)
		if strings.HasPrefix(column, facetPrefix) {
			columns = append(columns, column+sourceSuffix)
		}
	}
	return columns
}

// example reads a row; facets are the columns of the facets.
func (t *table) example(row int, facets map[string]string) (rawExample, error) {
	e := rawExample{Example: Example{Labels: map[string]string{}, at: t.at(row)}}
	e.source = strings.TrimSpace(t.get(row, t.first(photoColumns)))
	if e.source == "" {
		return e, errors.New("it names no photo")
	}
	if !strings.Contains(e.source, "://") {
		e.source = strings.ReplaceAll(e.source, `\`, "/") // written on Windows
	}
	e.Name = strings.ToValidUTF8(e.source, "?")
	e.Product = productID(t.text(row, t.first(productColumns)))
	if e.ProductGiven = e.Product != ""; !e.ProductGiven {
		e.Product = productOf(e.source)
	}
	e.Product = strings.ToValidUTF8(e.Product, "?")
	var err error
	if e.Box, err = t.box(row); err != nil {
		return e, err
	}
	if e.Fold, err = t.fold(row); err != nil {
		return e, err
	}
	if e.Split, err = parseSplit(t.text(row, "split")); err != nil {
		return e, err
	}
	if e.NoDress, err = t.noDress(row); err != nil || e.NoDress {
		return e, err
	}
	for facet, column := range facets {
		label := labelOf(t.text(row, column))
		if label == "" || strings.HasPrefix(column, facetPrefix) && !t.judged(row, column) {
			continue
		}
		if len(label) > maxLabel {
			return e, fmt.Errorf("column %s has %d bytes, more than the %d of a label", column, len(label), maxLabel)
		}
		e.Labels[facet] = label
	}
	return e, nil
}

// floatID is a whole number as a program for statistics writes it in a column that lacks some, which has no whole ones;
// Java and Spark do so from ten million on with one digit, a point and E.
var floatID = regexp.MustCompile(`^(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?(e\+[0-9]+)?$|^-?[1-9](\.[0-9]+E[0-9]+)$`)

// productID is a product's id in whatever form a table has it: 1234567.0 and 1.234567e+06 are 1234567, and
// 1.2345678E7 is 12345678. What people write, such as 12E4 and 007, stays.
func productID(text string) string {
	parts := floatID.FindStringSubmatch(text)
	if parts == nil {
		return text
	}
	whole, fraction, exponent := parts[1], parts[2], parts[3]+parts[4]
	if exponent == "" && strings.Trim(fraction, ".0") == "" {
		return whole // with all its digits, however many there are
	}
	if v, err := strconv.ParseFloat(text, 64); err == nil && v == math.Trunc(v) {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return text
}

// judged says whether a person gave the label in an index's column, as far as there is one that says so.
func (t *table) judged(row int, column string) bool {
	_, ok := t.columns[column+sourceSuffix]
	return !ok || t.get(row, column+sourceSuffix) == string(catalog.Human)
}

// maxLabel is how many bytes a label may have.
const maxLabel = 200

// labelOf is a label as somebody wrote it, but that spaces and control characters of all kinds are one space.
func labelOf(text string) string {
	isSpace := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "?"), isSpace), " ")
}

// facetColumns finds the columns of the facets that are wanted, by the facets' names.
func (t *table) facetColumns(options OpenOptions) (map[string]string, error) {
	if options.NoLabels {
		return nil, nil
	}
	facets := map[string]bool{}
	for _, name := range options.Facets {
		facets[name] = true
	}
	if len(options.Facets) == 0 {
		for column := range t.columns {
			name, prefixed := strings.CutPrefix(column, facetPrefix)
			facet, err := FacetName(name)
			if err == nil && !t.besideFacet(column) && (prefixed || slices.Contains(options.Known, facet)) {
				facets[facet] = true
			}
		}
	}
	found := map[string]string{}
	for column := range t.columns {
		name, prefixed := strings.CutPrefix(column, facetPrefix)
		facet, err := FacetName(name)
		// Of an index that has a facet "cut", the shop's own column "cut" may be anything.
		meant := prefixed || slices.Contains(options.Facets, facet) || slices.Contains(options.Known, facet)
		if err == nil && meant && facets[facet] && !ownColumn(column) && (found[facet] == "" || t.ahead(column, found[facet])) {
			found[facet] = column
		}
	}
	if len(found) == 0 && !options.Unlabelled {
		wanted := "none begins with " + facetPrefix
		if len(options.Facets) > 0 {
			wanted = "none is " + strings.Join(options.Facets, " or ")
		}
		return nil, fmt.Errorf("no column is a facet's: %s; there are %s", wanted, strings.Join(slices.Sorted(maps.Keys(t.columns)), ", "))
	}
	return found, nil
}

// ahead says whether a column of a facet counts, and not another one: the one with a text does, then the one without the
// prefix, and of two in other letters always the same.
func (t *table) ahead(column, than string) bool {
	if has := t.hasText(column); has != t.hasText(than) {
		return has
	}
	own, others := !strings.HasPrefix(column, facetPrefix), !strings.HasPrefix(than, facetPrefix)
	if own != others {
		return own
	}
	return column > than
}

// besideFacet says whether a column tells of another one's facet how sure it is, or who said so.
func (t *table) besideFacet(column string) bool {
	for _, suffix := range []string{"_probability", sourceSuffix} {
		if of, ok := strings.CutSuffix(column, suffix); ok {
			if _, ok := t.columns[of]; ok {
				return true
			}
		}
	}
	return false
}

// columnName is a column's name without spaces around it; those that Labels are not read from are found in any
// case.
func columnName(name string) string {
	name = strings.TrimSpace(name)
	if lower := strings.ToLower(name); ownColumn(lower) {
		return lower
	}
	return name
}

// ownColumn says whether a column, in small letters, is one that Labels are not read from.
func ownColumn(name string) bool {
	return slices.Contains(photoColumns, name) || slices.Contains(productColumns, name) || slices.Contains(boxColumns, strings.TrimPrefix(name, "box_")) ||
		name == "split" || name == "fold" || name == "is_dress"
}

// name names the columns of a table, the first of each name.
func (t *table) name(columns []string) {
	t.columns = map[string]int{}
	for i, column := range columns {
		if column = columnName(column); column == "" {
			continue
		}
		if _, ok := t.columns[column]; !ok {
			t.columns[column] = i
		}
	}
}
