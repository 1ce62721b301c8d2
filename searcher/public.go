package searcher

import (
	"maps"
	"slices"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/storage"
)

// public returns what anybody may see of a row. The row is left as it is.
func (s *Server) public(row catalog.Row) catalog.Row {
	row.Source = storage.WithoutSecrets(row.Source)
	hidden := s.engine.options.HideAttributes
	switch {
	case len(hidden) == 0 || row.Attributes == nil:
		return row
	case slices.Contains(hidden, "*"):
		row.Attributes = nil
		return row
	}
	row.Attributes = maps.Clone(row.Attributes) // the index may hold the map
	for _, name := range hidden {
		delete(row.Attributes, name)
	}
	return row
}
