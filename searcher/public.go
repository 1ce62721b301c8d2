package searcher

import (
	"maps"
	"slices"
	"strings"

	"github.com/kleid-search/kleid/catalog"
)

// public returns what anybody may see of a row. The row is left as it is.
func (s *Server) public(row catalog.Row) catalog.Row {
	row.Source = withoutSecrets(row.Source)
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

// withoutSecrets cuts user, password and query from a source that is a URL: a signature may be there.
func withoutSecrets(source string) string {
	scheme, rest, ok := strings.Cut(source, "://")
	if !ok {
		return source
	}
	rest, _, _ = strings.Cut(rest, "?")
	host, path := rest, ""
	if i := strings.IndexAny(rest, "/#"); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	return scheme + "://" + host[strings.LastIndexByte(host, '@')+1:] + path
}
