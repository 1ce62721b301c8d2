package milvus

import (
	"strconv"
	"strings"

	"github.com/kleid-search/kleid/vectors"
)

// escapes are the few that every Milvus knows, Lite included. All else may stand as it is between
// double quotes, but for what escapeWide is about.
var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

// quote writes a text as a literal of Milvus's filter language.
func quote(text string) string { return `"` + escapes.Replace(text) + `"` }

// isIn is the condition that a field has one of the values, of which there is at least one.
func isIn(field string, values []string) string { return field + " in " + literals(values) }

func isNotIn(field string, values []string) string { return field + " not in " + literals(values) }

func literals(values []string) string {
	quoted := make([]string, len(values))
	for i, value := range values {
		quoted[i] = quote(value)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// allOf joins conditions, leaving out empty ones.
func allOf(conditions ...string) string {
	var some []string
	for _, c := range conditions {
		if c != "" {
			some = append(some, c)
		}
	}
	return strings.Join(some, " and ")
}

// priceExpression is a range of prices as a condition; "" if all rows pass it.
func priceExpression(r vectors.PriceRange) string {
	if !r.Restricts() {
		return ""
	}
	conditions := []string{fieldPriced + " == true"}
	if r.Min != nil {
		conditions = append(conditions, fieldPrice+" >= "+number(*r.Min))
	}
	if r.Max != nil {
		conditions = append(conditions, fieldPrice+" <= "+number(*r.Max))
	}
	if r.Currency != "" {
		conditions = append(conditions, isIn(fieldCurrency, []string{vectors.CleanID(r.Currency)}))
	}
	return allOf(conditions...)
}

// number writes a number exactly, and so that it is none of Milvus's integers, which are smaller.
func number(v float64) string { return strconv.FormatFloat(v, 'e', -1, 64) }

// filterExpression is a filter as a condition; "" if all rows pass it. No row passes a facet without
// labels, for which there is no condition: possible is false.
func filterExpression(filter vectors.Filter) (expression string, possible bool) {
	var conditions []string
	for _, facet := range filter.Facets() {
		if len(filter[facet]) == 0 {
			return "", false
		}
		conditions = append(conditions, isIn(facetField(facet), filter[facet]))
	}
	return allOf(conditions...), true
}
