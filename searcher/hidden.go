package searcher

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/kleid-search/kleid/vectors"
)

// warnOfHidden says which of Options.HideAttributes are in none of the rows that one search gives: a column whose name is
// misspelt is public. The service goes on, since a catalogue may have lost the column for a night, and has nothing to
// hide then.
func (e *Engine) warnOfHidden(ctx context.Context) {
	hidden := e.options.HideAttributes
	if len(hidden) == 0 || slices.Contains(hidden, "*") {
		return
	}
	current, release, err := e.pins.acquire()
	if err != nil || current == nil {
		return // searches say why
	}
	defer release()
	result, err := current.index.Search(ctx, vectors.Query{Vector: direction(current.meta.DeepRankSize), Embedding: vectors.DeepRank, K: MaxK})
	if err != nil {
		e.options.Logger.Error("it is not known whether the columns to hide are in the index", "error", err)
		return
	}
	if len(result.Matches) == 0 {
		return
	}
	columns := map[string]bool{}
	for _, m := range result.Matches {
		for name := range m.Row.Attributes {
			columns[name] = true
		}
	}
	for _, name := range hidden {
		if !columns[name] {
			e.options.Logger.Error("a column to hide is in no row that was looked at: if its name is misspelt, the column that is meant is public",
				"column", name, "columns", slices.Sorted(maps.Keys(columns)), "rows", len(result.Matches), "run", current.meta.Run)
		}
	}
}

// direction is an arbitrary vector, always the same, to rank by where a store cannot list.
func direction(size int) []float32 {
	random := rand.New(rand.NewPCG(1, 2))
	v := make([]float32, size)
	for i := range v {
		v[i] = float32(random.NormFloat64())
	}
	return vectors.Unit(v)
}
