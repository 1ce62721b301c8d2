package milvus

import (
	"context"
	"slices"

	"github.com/milvus-io/milvus-sdk-go/v2/client"

	"github.com/kleid-search/kleid/vectors"
)

const (
	// fewRows is up to how many rows it costs little to look at all of them here.
	fewRows = 8192
	// mostRows is up to how many rows are looked at here where a graph finds too few however widely it is searched:
	// beyond, 128 MB of vectors and more, the answer is shorter instead.
	mostRows = 1 << 16
	// vectorsPage is how many bytes of vectors are fetched at once.
	vectorsPage = 16 << 20
)

// exhaustive fetches the vectors of all rows that pass and ranks them here. That is for searches through a
// graph, which may miss rows, most of all where few pass a filter: they are far apart in the graph then.
func (s *search) exhaustive(ctx context.Context) ([]hit, error) {
	rows, err := s.passing(ctx)
	if err != nil {
		return nil, err
	}
	hits := make([]hit, 0, rows)
	size, field := vectors.Size(s.metadata, s.embedding), vectorField(s.embedding)
	fields := []string{fieldRowID, fieldProductID, field}
	err = s.inPages(ctx, s.filter, fields, rows, max(1, vectorsPage/(4*size)), func(page client.ResultSet, n int) error {
		ids, err := texts(page, fieldRowID, n)
		if err != nil {
			return err
		}
		products, err := texts(page, fieldProductID, n)
		if err != nil {
			return err
		}
		rowVectors, err := floats(page, field, size, n)
		if err != nil {
			return err
		}
		for i, v := range rowVectors {
			hits = append(hits, hit{ids[i], products[i], similarity(cosine(s.unit, v))})
		}
		return nil
	})
	slices.SortFunc(hits, compareHits)
	s.exact = true
	return hits, err
}

// passing is how many rows pass the filter.
func (s *search) passing(ctx context.Context) (n int, err error) {
	if s.rowCount < 0 {
		s.rowCount, err = s.countRowsIn(ctx, &s.special, s.filter)
	}
	return s.rowCount, err
}

// cosine is that of a unit vector and one whose length is 1 up to rounding.
func cosine(unit, v []float32) float32 {
	var sum float64
	for i := range v {
		sum += float64(unit[i]) * float64(v[i])
	}
	return float32(sum)
}
