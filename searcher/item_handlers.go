package searcher

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kleid-search/kleid/catalog"
)

type similarToItemInput struct {
	RowID string `path:"row_id" pattern:"^[0-9a-f]{64}$" patternDescription:"64 lower-case hex digits"`
	SearchParameters
}

func (s *Server) similarToItem(ctx context.Context, in *similarToItemInput) (*answerOutput, error) {
	request, err := in.request()
	if err != nil {
		return nil, err
	}
	return s.answered(s.engine.SimilarToItem(ctx, in.RowID, request))
}

type similarToProductInput struct {
	ProductID string `path:"product_id" doc:"As the catalogue gave it, escaped as in any address"`
	SearchParameters
}

func (s *Server) similarToProduct(ctx context.Context, in *similarToProductInput) (*answerOutput, error) {
	request, err := in.request()
	if err != nil {
		return nil, err
	}
	// The router keeps what is escaped as it is, so that an id may have a slash.
	id, err := url.PathUnescape(in.ProductID)
	if err != nil {
		return nil, failure(CodeMalformed, "the product id cannot be read: escape what is special in it")
	}
	return s.answered(s.engine.SimilarToProduct(ctx, id, request))
}

// request reads the options of an address.
func (p *SearchParameters) request() (Request, error) {
	request, err := parseRequest(p.values)
	if err == nil && request.Box != nil {
		err = invalid("a box belongs to a photo that is sent: leave it out")
	}
	return request, err
}

type itemInput struct {
	RowID string `path:"row_id" pattern:"^[0-9a-f]{64}$" patternDescription:"64 lower-case hex digits"`
}

type itemOutput struct{ Body catalog.Row }

func (s *Server) item(ctx context.Context, in *itemInput) (*itemOutput, error) {
	row, err := s.engine.Item(ctx, in.RowID)
	if err != nil {
		return nil, err
	}
	return &itemOutput{s.public(row)}, nil
}

type itemsInput struct {
	Limit int `query:"limit" default:"12" minimum:"1" maximum:"24" doc:"How many items at most"`

	others []string // parameters that there are none of
}

// Resolve implements huma.Resolver: what may be meant as a filter is not passed over.
func (in *itemsInput) Resolve(ctx huma.Context) []error {
	address := ctx.URL()
	in.others = slices.DeleteFunc(sortedNames(address.Query()), func(name string) bool { return name == "limit" })
	return nil
}

type itemsOutput struct {
	Body struct {
		Items []catalog.Row `json:"items" nullable:"false" doc:"Of different products, the same for the same index"`
	}
}

func (s *Server) items(ctx context.Context, in *itemsInput) (*itemsOutput, error) {
	if len(in.others) > 0 {
		return nil, invalid("there is no parameter %q here: limit says how many samples there are, and filters are for what is similar to one of them", in.others[0])
	}
	rows, err := s.engine.Samples(ctx, in.Limit)
	if err != nil {
		return nil, err
	}
	var out itemsOutput
	out.Body.Items = make([]catalog.Row, len(rows)) // the engine keeps its own
	for i, row := range rows {
		out.Body.Items[i] = s.public(row)
	}
	return &out, nil
}

type facetsOutput struct{ Body Description }

func (s *Server) facets(ctx context.Context, _ *struct{}) (*facetsOutput, error) {
	d, err := s.engine.Describe(ctx)
	if err != nil {
		return nil, err
	}
	return &facetsOutput{d}, nil
}

type thumbnailInput struct {
	// The pattern is what keeps paths out.
	PhotoID string `path:"photo_id" pattern:"^[0-9a-f]{64}$" patternDescription:"64 lower-case hex digits"`
}

const thumbnailType = "image/jpeg"

type thumbnailOutput struct {
	ContentType  string `header:"Content-Type"`
	CacheControl string `header:"Cache-Control"`
	Body         []byte
}

func (s *Server) thumbnail(ctx context.Context, in *thumbnailInput) (*thumbnailOutput, error) {
	missing := failure(CodeNoThumbnail, "there is no thumbnail of photo %s", in.PhotoID)
	if s.engine.options.Thumbnails == nil {
		return nil, missing
	}
	data, err := s.engine.options.Thumbnails(ctx, in.PhotoID)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing
	}
	if err != nil {
		return nil, err
	}
	// The id is made of the photo's bytes, so what it names never changes.
	return &thumbnailOutput{thumbnailType, "public, max-age=31536000, immutable", data}, nil
}
