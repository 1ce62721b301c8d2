package main

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/indexer"
)

// TestIndexOfLabelsByPeople: what merchandisers said is what customers filter by.
func TestIndexOfLabelsByPeople(t *testing.T) {
	s := newShop(t)
	row := rows(t, s.index)[0]
	label := "boat"
	if row.Facets["neckline"].Label == label {
		label = "cowl"
	}
	line := func(facet, label string) string {
		return fmt.Sprintf(`{"time":"2026-11-30T12:00:00Z","judge":"ann","photo_id":%q,"facet":%q,"label":%q}`+"\n", row.PhotoID, facet, label)
	}
	out := t.TempDir()
	said := write(t, filepath.Join(t.TempDir(), "judgements.jsonl"), []byte(line("neckline", label)+line("sleeve", "bell")))
	r := kleid(t, "index", "--catalogue", s.catalogue, "--out", out, "--judgements", said, "--json")
	require.Equal(t, exit.Done, r.code, r.stderr)
	require.Contains(t, r.stderr, "left out until it is trained with them: sleeve=bell")
	require.Equal(t, 1, decodeLine[indexer.Report](t, r).Judged)
	judged := rows(t, out)[0]
	require.Equal(t, catalog.FacetValue{Label: label, Probability: 1, Source: catalog.Human}, judged.Facets["neckline"])
	require.Equal(t, row.Facets["sleeve"], judged.Facets["sleeve"])

	found := search(t, filepath.Join(s.dir, "photos", filepath.Base(row.Source)), "--index", out, "--where", "neckline="+label, "--k", "1")
	require.Equal(t, row.ProductID, found.Results[0].ProductID)
	require.Equal(t, judged.Facets["neckline"], found.Results[0].Facets["neckline"])

	for name, args := range map[string][]string{
		"no such file": {"--judgements", filepath.Join(out, "none.jsonl")},
		"no judgement": {"--judgements", s.catalogue},
	} {
		t.Run(name, func(t *testing.T) {
			r := kleid(t, append([]string{"index", "--catalogue", s.catalogue, "--out", t.TempDir()}, args...)...)
			require.Equal(t, exit.Failed, r.code)
			require.Contains(t, r.stderr, "--judgements: ")
			require.Contains(t, r.stderr, args[1])
		})
	}
}
