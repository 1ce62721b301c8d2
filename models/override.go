package models

import (
	"fmt"
	"math"
)

// "This dress, but with a v-neck": the vector of a dress says, among all else, that its neck is round, and
// pulls towards round ones. For each facet a model may know the directions of an embedding in which dresses
// that are alike but for that facet differ. A query without its part in them looks for the rest of the dress;
// since the part is taken out by an orthogonal projection P, <Pq, x> = <Pq, Px>, and stored vectors stay as they
// are. The directions are therefore no part of embedding_model: an index stays valid when they change.

// OverrideName is the weight that holds the directions of a facet in an embedding, [directions, size]:
// "override.deeprank.neckline".
func OverrideName(embedding, facet string) string { return overridePrefix + embedding + "." + facet }

const overridePrefix = "override."

// Override returns the directions of facets in an embedding ("deeprank", "unsupervised"), as an orthonormal
// basis of all that they span, and the facets that the model knows any of.
func (m *Model) Override(embedding string, facets []string) (basis [][]float64, known []string, err error) {
	for _, facet := range facets {
		name := OverrideName(embedding, facet)
		t, ok := m.Weights[name]
		if !ok {
			continue
		}
		size := m.Config.EmbeddingSize
		if len(t.Shape) != 2 || t.Shape[1] != size || len(t.Data) != t.Shape[0]*size {
			return nil, nil, fmt.Errorf("model: %s is %v, but embeddings have %d numbers: run kleid train override", name, t.Shape, size)
		}
		known = append(known, facet)
		for i := range t.Shape[0] {
			basis = extended(basis, t.Data[i*size:(i+1)*size])
		}
	}
	return basis, known, nil
}

// extended adds to an orthonormal basis what a unit vector has beside it, if that is more than rounding.
func extended(basis [][]float64, vector []float32) [][]float64 {
	rest := make([]float64, len(vector))
	for i, v := range vector {
		rest[i] = float64(v)
	}
	for range 2 { // Gram and Schmidt, twice for what rounding leaves
		for _, b := range basis {
			part := inner(rest, b)
			for i := range rest {
				rest[i] -= part * b[i]
			}
		}
	}
	length := math.Sqrt(inner(rest, rest))
	if length < 0.02 {
		return basis
	}
	for i := range rest {
		rest[i] /= length
	}
	return append(basis, rest)
}

func inner(a, b []float64) float64 {
	var sum float64
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// Without returns a vector without its part in an orthonormal basis.
func Without(vector []float32, basis [][]float64) []float32 {
	rest := make([]float64, len(vector))
	for i, v := range vector {
		rest[i] = float64(v)
	}
	for _, b := range basis {
		part := inner(rest, b)
		for i := range rest {
			rest[i] -= part * b[i]
		}
	}
	out := make([]float32, len(rest))
	for i, v := range rest {
		out[i] = float32(v)
	}
	return out
}

// WithoutOverrides drops the directions that were fitted to other embeddings.
func (w Weights) WithoutOverrides() Weights {
	rest := Weights{}
	for name, t := range w {
		if len(name) < len(overridePrefix) || name[:len(overridePrefix)] != overridePrefix {
			rest[name] = t
		}
	}
	return rest
}
