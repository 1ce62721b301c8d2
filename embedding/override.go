package embedding

import (
	"fmt"

	"github.com/kleid-search/kleid/models"
)

// Ignore returns a vector of an embedding ("deeprank", "unsupervised") without what it says of facets, so that
// they do not pull when it is searched with, and those of the facets that the model knows this of. Where there
// are none, or where nothing else would be left of the vector, it comes back as it is.
func (e *Embedder) Ignore(embedding string, vector []float32, facets []string) (rest []float32, ignored []string, err error) {
	basis, ignored, err := e.model.Override(embedding, facets)
	if err != nil {
		return nil, nil, fmt.Errorf("embedding: %w", err)
	}
	if len(ignored) == 0 {
		return vector, nil, nil
	}
	rest = models.Without(vector, basis)
	for _, v := range rest {
		if v > 1e-3 || v < -1e-3 {
			return rest, ignored, nil
		}
	}
	return vector, nil, nil
}
