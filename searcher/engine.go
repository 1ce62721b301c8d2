package searcher

import (
	"context"

	"github.com/kleid-search/kleid/catalog"
)

// Engine searches the current index of a store, without HTTP. It is safe for concurrent use.
type Engine struct {
	options Options
}

// NewEngine opens the store's current index, if there is one. It returns an error with CodeWrongModel
// when that was made with another model than the embedder's. Close it before the store.
func NewEngine(ctx context.Context, options Options) (*Engine, error) {
	if err := options.complete(); err != nil {
		return nil, err
	}
	return &Engine{options: options}, nil
}

// SearchPhoto searches with the bytes of a photo file. A photo without a dress is no error: the answer
// has StatusNoDress. Errors are of type *Error where the caller can do something about it.
func (e *Engine) SearchPhoto(ctx context.Context, data []byte, request Request) (Answer, error) {
	return Answer{}, failure(CodeInternal, "not there yet")
}

// SearchPhotoID searches with a photo that is in the index, or was searched with lately, by photo.ID.
func (e *Engine) SearchPhotoID(ctx context.Context, photoID string, request Request) (Answer, error) {
	return Answer{}, failure(CodeInternal, "not there yet")
}

// SearchVector searches with a vector of the size of the request's embedding, of any length but 0.
func (e *Engine) SearchVector(ctx context.Context, vector []float32, request Request) (Answer, error) {
	return Answer{}, failure(CodeInternal, "not there yet")
}

// SimilarToItem finds what looks like a row of the index, its own product aside.
func (e *Engine) SimilarToItem(ctx context.Context, rowID string, request Request) (Answer, error) {
	return Answer{}, failure(CodeInternal, "not there yet")
}

// SimilarToProduct finds what looks like a product of the index, itself aside.
func (e *Engine) SimilarToProduct(ctx context.Context, productID string, request Request) (Answer, error) {
	return Answer{}, failure(CodeInternal, "not there yet")
}

// Item returns a row of the index, without embeddings.
func (e *Engine) Item(ctx context.Context, rowID string) (catalog.Row, error) {
	return catalog.Row{}, failure(CodeInternal, "not there yet")
}

// Watch looks for newly published indexes until the context is done. A Server does so by itself.
func (e *Engine) Watch(ctx context.Context) {}

// Close lets go of the index, once the searches under way are done with it.
func (e *Engine) Close() error { return nil }
