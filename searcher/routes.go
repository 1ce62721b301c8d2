package searcher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/compress"
	"github.com/gofiber/fiber/v2/middleware/cors"
	"github.com/valyala/fasthttp"

	"github.com/kleid-search/kleid/catalog"
)

// route sets up everything that the server answers to.
func (s *Server) route() error {
	s.app.Use(s.measure, s.secure) // of refusals, too
	origins, err := browserOrigins(s.engine.options.AllowedOrigins)
	if err != nil {
		return err
	}
	if len(origins) > 0 {
		if slices.Contains(origins, "*") {
			origins = []string{"*"} // which Fiber takes alone
		}
		s.app.Use(cors.New(cors.Config{
			AllowOrigins: strings.Join(origins, ","),
			AllowMethods: "GET,POST,HEAD",
			AllowHeaders: fiber.HeaderContentType,
			// Pages may read when to come again, as other clients do.
			ExposeHeaders: fiber.HeaderRetryAfter,
			MaxAge:        3600,
		}))
	}
	s.app.Use(compress.New(compress.Config{Level: compress.LevelBestSpeed}), s.guard, s.limit)

	api := humafiber.New(s.app, s.apiConfig())
	register(s, api, http.MethodPost, "/v1/search", "search", "Find dresses that look like a photo", s.search)
	register(s, api, http.MethodGet, "/v1/items", "items", "Some items to begin with", s.items)
	register(s, api, http.MethodGet, "/v1/items/{row_id}", "item", "One item: a photo of a product", s.item)
	register(s, api, http.MethodGet, "/v1/items/{row_id}/similar", "similar-to-item", "Find dresses that look like an item", s.similarToItem)
	register(s, api, http.MethodGet, "/v1/products/{product_id}/similar", "similar-to-product", "Find dresses that look like a product", s.similarToProduct)
	register(s, api, http.MethodGet, "/v1/facets", "facets", "What can be filtered by", s.facets)
	register(s, api, http.MethodGet, "/v1/thumbnails/{photo_id}", "thumbnail", "A small picture of an item, as JPEG", s.thumbnail)
	s.registerProbes(api)

	describeSearch(api)
	describeThumbnail(api)
	describeRows(api)
	description, err := json.Marshal(api.OpenAPI())
	if err != nil {
		return fmt.Errorf("searcher: describing the API: %w", err)
	}
	s.app.Get("/openapi.json", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, "application/openapi+json")
		return c.Send(description)
	})
	return s.routePages()
}

func (s *Server) apiConfig() huma.Config {
	config := huma.DefaultConfig("Kleid", s.engine.options.Version)
	config.Info.Description = "Finds the dress in a photo, describes it and finds dresses that look like it. " +
		"Errors are problem details (RFC 9457), but for one: a connection too many is answered 503 in plain text."
	// The built-in pages load scripts from elsewhere, and the description is written out lazily, without a lock.
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil // they add $schema to every answer
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.Transformers = []huma.Transformer{func(_ huma.Context, _ string, v any) (any, error) {
		if m, ok := v.(*huma.ErrorModel); ok {
			return validationProblem(m), nil
		}
		return v, nil
	}}
	return config
}

// schemaName keeps apart types of the same name: a Facet of the catalogue has labels, one of an answer a
// label.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	if t == reflect.TypeFor[catalog.Facet]() {
		return "Catalog" + name
	}
	return name
}

// register adds a typed route whose errors become problems; what answers to GET answers to HEAD.
func register[I, O any](s *Server, api huma.API, method, path, id, summary string, handle func(context.Context, *I) (*O, error)) {
	problems := &huma.Response{
		Description: "What is wrong (RFC 9457)",
		Content: map[string]*huma.MediaType{
			problemType: {Schema: api.OpenAPI().Components.Schemas.Schema(problemReflection, true, "")},
		},
	}
	operation := huma.Operation{
		OperationID: id, Method: method, Path: path, Summary: summary,
		// Naming 200 too keeps huma from describing errors in its own way.
		Responses: map[string]*huma.Response{"200": {Description: http.StatusText(http.StatusOK)}, "default": problems},
	}
	handler := func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, s.problem(err)
		}
		return out, nil
	}
	huma.Register(api, operation, handler)
	if method == http.MethodGet {
		// As HTTP has it (RFC 9110): the same without the body, which is left out when it is sent.
		operation.Method, operation.OperationID, operation.Hidden = http.MethodHead, id+"-head", true
		huma.Register(api, operation, handler)
	}
}

// knownMethods hands on what has a method that Fiber does not know as a PATCH, which no address takes: Fiber would
// answer it by itself, in its own way.
func knownMethods(handle fasthttp.RequestHandler, known []string) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		if !slices.Contains(known, string(ctx.Method())) {
			ctx.Request.Header.SetMethod(fiber.MethodPatch)
		}
		handle(ctx)
	}
}

// refused is where the reason is of a request that the HTTP server refuses before any route sees it.
type refused struct{}

// refuse answers what the HTTP server refuses, such as a body that is too large, as the routes do: it is counted, and
// other origins may read why.
func (s *Server) refuse(c *fiber.Ctx, err error) error {
	if c.Locals(refused{}) != nil {
		return err // it was not to be answered
	}
	if errors.Is(err, fiber.ErrBadGateway) {
		return nil // the client's own connection broke: nobody is there to be told, and nothing is wrong here
	}
	if errors.Is(err, fiber.ErrRequestTimeout) {
		s.connections.late()
	}
	c.Locals(refused{}, err)
	c.Method(fiber.MethodGet) // the request's may be one that Fiber does not know
	return c.RestartRouting()
}

// guard turns panics into problems, and refuses what later parts would stumble over.
func (s *Server) guard(c *fiber.Ctx) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	if err, ok := c.Locals(refused{}).(error); ok {
		return err
	}
	if _, err := url.ParseRequestURI(string(c.Request().RequestURI())); err != nil {
		return failure(CodeMalformed, "the address cannot be read: escape what is special in it")
	}
	// A few bytes that unfold to gigabytes would pass the limit of the body.
	if encoding := c.Get(fiber.HeaderContentEncoding); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return failure(CodeUnsupportedType, "the body is compressed (%s): send it as it is", encoding)
	}
	return c.Next()
}

// contentPolicy lets the page load what the service itself serves, and nothing else.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func (s *Server) secure(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentSecurityPolicy, contentPolicy)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderReferrerPolicy, "strict-origin-when-cross-origin")
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	// A shop's page shows thumbnails and runs the widget; nothing else is for other pages to embed. Thumbnails stay
	// in caches for a year, so theirs does not depend on whether a page is allowed today.
	policy := "same-origin"
	if strings.HasPrefix(c.Path(), "/v1/thumbnails/") ||
		len(s.engine.options.AllowedOrigins) > 0 && (strings.HasPrefix(c.Path(), "/v1/") || c.Path() == "/widget.js") {
		policy = "cross-origin"
	}
	c.Set("Cross-Origin-Resource-Policy", policy)
	return c.Next()
}

// limit bounds the work for a request.
func (s *Server) limit(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), s.engine.options.Timeout)
	defer cancel()
	c.SetUserContext(ctx)
	return c.Next()
}

// describeSearch adds the body of a search to the description. It comes after the registration: huma
// would take a described body for one that it is to read, and this one has two forms.
func describeSearch(api huma.API) {
	form := func(properties map[string]*huma.Schema) *huma.MediaType {
		return &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeObject, Properties: properties, Required: []string{"photo"}}}
	}
	text := func(doc string, examples ...any) *huma.Schema {
		return &huma.Schema{Type: huma.TypeString, Description: doc, Examples: examples}
	}
	api.OpenAPI().Paths["/v1/search"].Post.RequestBody = &huma.RequestBody{
		Required: true,
		Content: map[string]*huma.MediaType{
			"multipart/form-data": form(map[string]*huma.Schema{
				"photo":           {Type: huma.TypeString, Format: "binary", Description: "JPEG, PNG, WebP, GIF or BMP"},
				"where":           {Type: huma.TypeArray, Items: text("", "neckline=v-neck"), Description: whereDoc},
				"ignore":          {Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}, Description: ignoreDoc},
				"price_min":       {Type: huma.TypeNumber, Description: priceMinDoc},
				"price_max":       {Type: huma.TypeNumber, Description: priceMaxDoc},
				"price_currency":  {Type: huma.TypeString, Description: currencyDoc},
				"k":               {Type: huma.TypeInteger, Description: kDoc},
				"offset":          {Type: huma.TypeInteger, Description: offsetDoc},
				"embedding":       {Type: huma.TypeString, Enum: []any{"deeprank", "unsupervised"}, Description: embeddingDoc},
				"one_per_product": {Type: huma.TypeBoolean, Description: oneDoc},
				"box":             text(boxDoc, "120,80,480,900"),
			}),
			"application/json": {Schema: api.OpenAPI().Components.Schemas.Schema(searchBodyReflection, true, "")},
		},
	}
}

// describeThumbnail corrects huma, which takes any bytes for JSON.
func describeThumbnail(api huma.API) {
	api.OpenAPI().Paths["/v1/thumbnails/{photo_id}"].Get.Responses["200"].Content = map[string]*huma.MediaType{
		thumbnailType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
	}
}

// describeRows leaves out of the description what the service leaves out of rows.
func describeRows(api huma.API) {
	schemas := api.OpenAPI().Components.Schemas.Map()
	for _, name := range []string{"Row", "Result"} {
		delete(schemas[name].Properties, "embedding_unsupervised")
		delete(schemas[name].Properties, "embedding_deeprank")
	}
}
