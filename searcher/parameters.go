package searcher

import (
	"encoding/json"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/vectors"
)

// What the API's description says of the options.
const (
	whereDoc     = "A label that is allowed, as facet=label. Several of one facet allow any of them, facets restrict each other. neckline=v-neck is short for where=neckline=v-neck."
	ignoreDoc    = "A facet in which results need not be like the dress: this one, but with a v-neck, is neckline=v-neck and ignore=neckline"
	priceMinDoc  = "The lowest price, itself included, as the catalogue's number. With a limit, dresses without a price are left out"
	priceMaxDoc  = "The highest price, itself included, as the catalogue's number"
	currencyDoc  = "The currency that prices must have, as the catalogue writes it; if not given, numbers are compared whatever their currency"
	kDoc         = "How many results at most, 1 to 1000; 10 if not given"
	offsetDoc    = "How many results to skip; offset and k are 16384 at most together"
	embeddingDoc = "What near is measured by: deeprank, learned from judgements of likeness, or unsupervised; deeprank if not given"
	oneDoc       = "Whether a product is one result, by its nearest photo; true if not given"
	boxDoc       = "Where the dress is, as x_min,y_min,x_max,y_max in pixels of the upright photo; found by the model if not given"
)

var (
	problemReflection    = reflect.TypeFor[Problem]()
	searchBodyReflection = reflect.TypeFor[searchBody]()
)

// SearchParameters are the options of a search in an address. huma describes and checks them, which it
// does only for the fields of an exported type; what a request says is read by parseRequest, as in forms.
type SearchParameters struct {
	Where         []string `query:"where,explode" doc:"A label that is allowed, as facet=label. Several of one facet allow any of them, facets restrict each other. neckline=v-neck is short for where=neckline=v-neck."`
	Ignore        []string `query:"ignore,explode" doc:"A facet in which results need not be like the dress: this one, but with a v-neck, is neckline=v-neck and ignore=neckline"`
	PriceMin      float64  `query:"price_min" doc:"The lowest price, itself included, as the catalogue's number. With a limit, dresses without a price are left out"`
	PriceMax      float64  `query:"price_max" doc:"The highest price, itself included, as the catalogue's number"`
	PriceCurrency string   `query:"price_currency" doc:"The currency that prices must have, as the catalogue writes it; if not given, numbers are compared whatever their currency"`
	K             int      `query:"k" default:"10" minimum:"1" maximum:"1000" doc:"How many results at most"`
	Offset        int      `query:"offset" default:"0" minimum:"0" doc:"How many results to skip; offset and k are 16384 at most together"`
	Embedding     string   `query:"embedding" enum:"deeprank,unsupervised" default:"deeprank" doc:"What near is measured by: deeprank, learned from judgements of likeness, or unsupervised"`
	OnePerProduct bool     `query:"one_per_product" default:"true" doc:"Whether a product is one result, by its nearest photo"`

	values url.Values
}

// Resolve implements huma.Resolver: every parameter is kept, also those named after a facet.
func (p *SearchParameters) Resolve(ctx huma.Context) []error {
	address := ctx.URL()
	p.values = address.Query()
	return nil
}

// parseRequest reads options from a form or an address. Names it does not know are facets, so that
// nothing that was meant as a filter is passed over; empty values count as not given.
func parseRequest(values url.Values) (Request, error) {
	var request Request
	var conditions []string
	var wheres []whereBody
	for _, name := range sortedNames(values) {
		given := slices.DeleteFunc(slices.Clone(values[name]), func(v string) bool { return v == "" })
		if len(given) == 0 {
			continue
		}
		var err error
		switch name {
		case "where":
			for _, v := range given {
				if !strings.HasPrefix(v, "{") {
					conditions = append(conditions, v)
					continue
				}
				var w whereBody
				if err := json.Unmarshal([]byte(v), &w); err != nil {
					return request, invalid("the filter %q is not of the form {\"facet\":[\"label\"]}", v)
				}
				wheres = append(wheres, w)
			}
		case "ignore":
			request.Ignore = given
		case "price_min":
			request.Price.Min, err = parsePrice(name, given)
		case "price_max":
			request.Price.Max, err = parsePrice(name, given)
		case "price_currency":
			request.Price.Currency, err = parseOne(name, given, "a name", func(v string) (string, error) { return v, nil })
		case "k":
			request.K, err = parseK(given)
		case "offset":
			request.Offset, err = parseOne(name, given, wholeNumber, strconv.Atoi)
		case "embedding":
			request.Embedding, err = parseOne(name, given, "a name", func(v string) (vectors.Embedding, error) { return vectors.Embedding(v), nil })
		case "one_per_product":
			var one bool
			one, err = parseOne(name, given, trueOrFalse, strconv.ParseBool)
			request.EveryPhoto = !one
		case "box":
			var box photo.Box
			if len(given) > 1 {
				return request, invalid("box is given %d times: give it once", len(given))
			}
			if box, err = ParseBox(given[0]); err == nil {
				request.Box = &box
			}
		default:
			for _, label := range given {
				conditions = append(conditions, name+"="+label)
			}
		}
		if err != nil {
			return request, err
		}
	}
	for _, w := range wheres {
		more, err := w.conditions()
		if err != nil {
			return request, err
		}
		conditions = append(conditions, more...)
	}
	var err error
	request.Where, err = ParseWhere(conditions)
	return request, err
}

func parsePrice(name string, given []string) (*float64, error) {
	price, err := parseOne(name, given, priceNumber, func(v string) (float64, error) { return strconv.ParseFloat(v, 64) })
	return &price, err
}

func parseK(given []string) (int, error) {
	k, err := parseOne("k", given, wholeNumber, strconv.Atoi)
	if err != nil {
		return 0, err
	}
	return k, checkK(k)
}

func checkK(k int) error {
	if k < 1 || k > maxPage {
		return invalid("k is %d: use 1 to %d, and offset for more", k, maxPage)
	}
	return nil
}

// What an option takes.
const (
	wholeNumber = "a whole number"
	priceNumber = "a number, such as 49.95"
	trueOrFalse = "true or false"
)

// kindOfUnparsed is what an option takes that huma could not read, by huma's words; all numbers that need not be whole are
// prices.
var kindOfUnparsed = map[string]string{"invalid integer": wholeNumber, "invalid float": priceNumber, "invalid boolean": trueOrFalse}

func parseOne[T any](name string, given []string, kind string, parse func(string) (T, error)) (T, error) {
	var zero T
	if len(given) > 1 {
		return zero, invalid("%s is given %d times: give it once", name, len(given))
	}
	value, err := parse(given[0])
	if err != nil {
		return zero, unparsed(name, given[0], kind)
	}
	return value, nil
}

func unparsed(name, value, kind string) *Error { return invalid("%s is %q: use %s", name, value, kind) }

func sortedNames(values url.Values) []string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
