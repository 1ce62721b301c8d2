package searcher

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"
)

type searchInput struct {
	request *fiber.Ctx
}

// Resolve implements huma.Resolver. The body has two forms, so the handler reads it.
func (in *searchInput) Resolve(ctx huma.Context) []error {
	in.request = humafiber.Unwrap(ctx)
	return nil
}

type answerOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Answer
}

func (s *Server) answered(a Answer, err error) (*answerOutput, error) {
	if err != nil {
		return nil, err
	}
	for i := range a.Results {
		a.Results[i].Row = s.public(a.Results[i].Row)
	}
	return &answerOutput{"no-store", a}, nil
}

// maxJSON is how many bytes a search without a photo may have, and what a form says beside the photo.
const maxJSON = 1 << 20

func (s *Server) search(ctx context.Context, in *searchInput) (*answerOutput, error) {
	kind, _, err := mime.ParseMediaType(in.request.Get(fiber.HeaderContentType))
	query, queryErr := url.ParseQuery(string(in.request.Request().URI().QueryString()))
	switch {
	case queryErr != nil:
		return nil, failure(CodeMalformed, "the address cannot be read: escape what is special in it")
	case err == nil && kind == fiber.MIMEMultipartForm:
		return s.searchForm(ctx, in.request, query)
	case err == nil && kind == fiber.MIMEApplicationJSON:
		body := in.request.Request().Body()
		if len(body) > maxJSON {
			return nil, failure(CodeTooLarge, "the JSON has %d bytes: send %d at most", len(body), maxJSON)
		}
		return s.searchJSON(ctx, body, query)
	}
	return nil, failure(CodeUnsupportedType, "the body is of type %q: send a form (multipart/form-data) with the field photo, or JSON", in.request.Get(fiber.HeaderContentType))
}

// searchForm searches with a photo. An option may be in the form or in the address; the form counts.
func (s *Server) searchForm(ctx context.Context, c *fiber.Ctx, values url.Values) (*answerOutput, error) {
	data, err := s.readForm(ctx, c, values)
	if err != nil {
		return nil, err
	}
	request, err := parseRequest(values)
	if err != nil {
		return nil, err
	}
	return s.answered(s.engine.SearchPhoto(ctx, data, request))
}

// readForm returns the photo of a form and adds what else it says to the values. Meanwhile the form is in memory
// several times, so one is read at a time; afterwards nothing but the photo is.
func (s *Server) readForm(ctx context.Context, c *fiber.Ctx, values url.Values) ([]byte, error) {
	if err := s.reading.take(ctx); err != nil {
		return nil, err
	}
	defer s.reading.leave()
	defer c.Request().ReleaseBody(0)
	defer c.Request().RemoveMultipartFormFiles()
	form, err := c.MultipartForm()
	if err != nil {
		return nil, failure(CodeMalformed, "the form cannot be read (%v)", err)
	}
	texts := 0
	for name, given := range form.Value {
		values[name] = given
		for _, text := range given {
			texts += len(name) + len(text)
		}
	}
	for name := range form.File {
		if name != "photo" {
			return nil, invalid("the form has a file %q: send one file, as photo", name)
		}
	}
	if _, ok := values["photo"]; ok {
		return nil, invalid("photo is a text: send it as a file, with a file name")
	}
	if texts > maxJSON {
		return nil, failure(CodeTooLarge, "the texts of the form have %d bytes: send %d at most", texts, maxJSON)
	}
	photos := form.File["photo"]
	if len(photos) != 1 {
		return nil, invalid("the form has %d photos: send one, as the file photo", len(photos))
	}
	file, err := photos[0].Open()
	if err != nil {
		return nil, fmt.Errorf("reading a form: %w", err)
	}
	defer file.Close()
	data := make([]byte, photos[0].Size)
	if _, err := io.ReadFull(file, data); err != nil {
		return nil, fmt.Errorf("reading a form: %w", err)
	}
	return data, nil
}

// searchBody is a search without a photo.
type searchBody struct {
	PhotoID       string    `json:"photo_id,omitempty" doc:"Of a photo of the index, or of one that was searched with lately: hex SHA-256 of its bytes"`
	RowID         string    `json:"row_id,omitempty" doc:"Of an item, as in /v1/items/{row_id}/similar"`
	ProductID     string    `json:"product_id,omitempty" doc:"As in /v1/products/{product_id}/similar"`
	Vector        []float32 `json:"vector,omitempty" doc:"An embedding"`
	Where         whereBody `json:"where,omitempty"`
	Ignore        []string  `json:"ignore,omitempty" doc:"Facets in which results need not be like the dress"`
	PriceMin      *float64  `json:"price_min,omitempty" doc:"The lowest price, itself included, as the catalogue's number. With a limit, dresses without a price are left out"`
	PriceMax      *float64  `json:"price_max,omitempty" doc:"The highest price, itself included, as the catalogue's number"`
	PriceCurrency *string   `json:"price_currency,omitempty" doc:"The currency that prices must have, as the catalogue writes it; if not given, numbers are compared whatever their currency"`
	K             *int      `json:"k,omitempty" minimum:"1" maximum:"1000" doc:"How many results at most; 10 if not given"`
	Offset        *int      `json:"offset,omitempty" minimum:"0" doc:"How many results to skip; offset and k are 16384 at most together"`
	Embedding     *string   `json:"embedding,omitempty" enum:"deeprank,unsupervised"`
	OnePerProduct *bool     `json:"one_per_product,omitempty" doc:"Whether a product is one result, by its nearest photo; true if not given"`
	Box           *string   `json:"box,omitempty" doc:"The box that a person chose when photo_id was searched with lately: x_min,y_min,x_max,y_max"`
}

// whereBody is a filter in JSON: the labels that are allowed, or one of them, by facet.
type whereBody map[string]labelsBody

type labelsBody []string

// UnmarshalJSON takes one label for a list of one.
func (l *labelsBody) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*l = labelsBody{one}
		return nil
	}
	if json.Unmarshal(data, (*[]string)(l)) != nil {
		return invalid("where has for a facet what is no label: send a string, or an array of strings")
	}
	return nil
}

func (w whereBody) conditions() ([]string, error) {
	var conditions []string
	for facet, labels := range w {
		if len(labels) == 0 {
			return nil, invalid("the filter names facet %q without a label: name one, or leave the facet out", facet)
		}
		for _, label := range labels {
			conditions = append(conditions, facet+"="+label)
		}
	}
	slices.Sort(conditions)
	return conditions, nil
}

// searchJSON searches with what the body names. An option may be in the body or in the address; the
// body counts.
func (s *Server) searchJSON(ctx context.Context, data []byte, values url.Values) (*answerOutput, error) {
	var body searchBody
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		return nil, unreadable(err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, failure(CodeMalformed, "something follows the JSON: send one object")
	}
	request, err := body.request(values)
	if err != nil {
		return nil, err
	}
	given := 0
	for _, is := range []bool{body.PhotoID != "", body.RowID != "", body.ProductID != "", body.Vector != nil} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		return nil, invalid("the body names %d things to search with: name one of photo_id, row_id, product_id and vector", given)
	case request.Box != nil && body.PhotoID == "":
		return nil, invalid("a box belongs to a photo: name its photo_id")
	case body.PhotoID != "":
		return s.answered(s.engine.SearchPhotoID(ctx, body.PhotoID, request))
	case body.RowID != "":
		return s.answered(s.engine.SimilarToItem(ctx, body.RowID, request))
	case body.ProductID != "":
		return s.answered(s.engine.SimilarToProduct(ctx, body.ProductID, request))
	}
	return s.answered(s.engine.SearchVector(ctx, body.Vector, request))
}

// unreadable says what is wrong with a body in the words of JSON, not of Go.
func unreadable(err error) error {
	var (
		own  *Error
		kind *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &kind) && kind.Field == "":
		return failure(CodeMalformed, "the body cannot be %s: send an object", kind.Value)
	case errors.As(err, &kind):
		return failure(CodeMalformed, "%s cannot be %s: send %s", kind.Field, kind.Value, jsonKind(kind.Type))
	}
	return failure(CodeMalformed, "the JSON cannot be read (%s)", strings.TrimPrefix(err.Error(), "json: "))
}

// jsonKind names what a field of a searchBody takes.
func jsonKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int:
		return "a whole number"
	case reflect.Float64:
		return "a number that is not too large"
	case reflect.Float32:
		return "numbers that are not too large"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.String {
			return "an array of names"
		}
		return "an array of numbers"
	case reflect.Map:
		return "an object of facets"
	}
	return "a string"
}

// request lays the body's options over those of the address.
func (b searchBody) request(values url.Values) (Request, error) {
	if b.Where != nil {
		conditions, err := b.Where.conditions()
		if err != nil {
			return Request{}, err
		}
		values["where"] = conditions
	}
	if b.Ignore != nil {
		values["ignore"] = b.Ignore
	}
	lay := func(name string, is bool, value func() string) {
		if is {
			values[name] = []string{value()}
		}
	}
	lay("price_min", b.PriceMin != nil, func() string { return fmt.Sprint(*b.PriceMin) })
	lay("price_max", b.PriceMax != nil, func() string { return fmt.Sprint(*b.PriceMax) })
	lay("price_currency", b.PriceCurrency != nil, func() string { return *b.PriceCurrency })
	lay("k", b.K != nil, func() string { return fmt.Sprint(*b.K) })
	lay("offset", b.Offset != nil, func() string { return fmt.Sprint(*b.Offset) })
	lay("embedding", b.Embedding != nil, func() string { return *b.Embedding })
	lay("one_per_product", b.OnePerProduct != nil, func() string { return fmt.Sprint(*b.OnePerProduct) })
	lay("box", b.Box != nil, func() string { return *b.Box })
	return parseRequest(values)
}
