package studio

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/datasets"
)

// TestEveryLabel: a large catalogue has every label of every facet, and nothing that is no label.
func TestEveryLabel(t *testing.T) {
	seen := map[string]map[string]int{}
	for _, p := range Products("test", 1, 4000) {
		for _, f := range datasets.Facets() {
			require.Contains(t, f.Labels, p.Facets[f.Name], "%s of %s", f.Name, p.ID)
		}
		require.NotEmpty(t, p.Title)
		require.NotEmpty(t, p.Colour)
		require.Greater(t, p.Price, 0.0)
		for name, label := range p.Facets {
			if seen[name] == nil {
				seen[name] = map[string]int{}
			}
			seen[name][label]++
		}
	}
	for _, f := range datasets.Facets() {
		for _, label := range f.Labels {
			require.GreaterOrEqual(t, seen[f.Name][label], 20, "%s %s", f.Name, label)
		}
	}
}

// TestSiblings: at least half of the products have one, of the same cloth, with one or two facets
// changed.
func TestSiblings(t *testing.T) {
	products := Products("test", 2, 600)
	byID := map[string]*Product{}
	for i := range products {
		require.NotContains(t, byID, products[i].ID)
		byID[products[i].ID] = &products[i]
	}
	siblings := 0
	for i := range products {
		p := &products[i]
		if p.Sibling == "" {
			continue
		}
		siblings++
		s := byID[p.Sibling]
		require.NotNil(t, s)
		require.Equal(t, p.ID, s.Sibling)
		require.Equal(t, p.Colour, s.Colour)
		require.Equal(t, p.Facets["pattern"], s.Facets["pattern"])
		require.Equal(t, p.look.print, s.look.print)
		require.Equal(t, p.look.base, s.look.base)
		require.Contains(t, []int{1, 2}, p.differs(*s))
	}
	require.GreaterOrEqual(t, siblings, len(products)/2)
}

// TestProductsAreStable: a product does not depend on how many there are, and no two domains or seeds
// share one.
func TestProductsAreStable(t *testing.T) {
	few, many := Products("test", 3, 40), Products("test", 3, 200)
	for i := range few {
		require.Equal(t, many[i].ID, few[i].ID)
		require.Equal(t, many[i].Facets, few[i].Facets)
	}
	ids := func(products []Product) (out []string) {
		for _, p := range products {
			out = append(out, p.ID)
		}
		return out
	}
	for _, other := range [][]Product{Products("demo", 3, 200), Products("test", 4, 200)} {
		for _, id := range ids(other) {
			require.False(t, slices.Contains(ids(many), id))
		}
	}
	require.Len(t, Products("test", 3, 7), 7)
	require.Empty(t, Products("test", 3, 0))
}

// TestCutFollowsFacets: hems and sleeves are as long as their labels say.
func TestCutFollowsFacets(t *testing.T) {
	p := Products("test", 5, 1)[0]
	before := 0.0
	for _, length := range []string{"mini", "knee", "midi", "maxi"} {
		p.Facets["length"] = length
		hem := sew(&p, 1).hem
		require.Greater(t, hem, before+8, length)
		before = hem
	}
	before = -1
	for _, sleeve := range []string{"sleeveless", "cap", "short", "three-quarters", "long"} {
		p.Facets["sleeve"] = sleeve
		c := sew(&p, 1)
		require.Greater(t, c.sleeveLength(), before, sleeve)
		before = c.sleeveLength()
	}
	for _, f := range datasets.Facets() {
		if f.Name != "silhouette" {
			continue
		}
		profiles := map[[3]int]string{}
		for _, silhouette := range f.Labels {
			p.Facets["silhouette"], p.Facets["length"] = silhouette, "knee"
			c := sew(&p, 1)
			require.NotEmpty(t, c.body.knots, silhouette)
			shape := [3]int{int(2 * c.body.at(60)), int(2 * c.body.at(84)), int(2 * c.body.at(118))}
			require.NotContains(t, profiles, shape, "%s looks like %s", silhouette, profiles[shape])
			profiles[shape] = silhouette
		}
	}
}

func TestDyed(t *testing.T) {
	p := Products("test-dyed", 1, 1)[0]
	for _, colour := range Dyes() {
		dyed := p.Dyed(colour)
		require.NotEqual(t, p.ID, dyed.ID)
		require.Equal(t, p.Facets, dyed.Facets)
		require.Equal(t, colour, dyed.Colour)
		require.Equal(t, dyed, p.Dyed(colour))
		require.Equal(t, sew(&p, 1), sew(&dyed, 1), "it is cut as the other")
	}
}

// TestMainColourIsOnTheCloth: of two dresses whose cloth is the same, pixel for pixel, the main colour is the same,
// whatever dyes there are that are not printed.
func TestMainColourIsOnTheCloth(t *testing.T) {
	same := 0
	for _, p := range Products("test-main", 1, 600) {
		other := p
		for i := 1; i < 3; i++ {
			other.look.accent[i] = rgb{-999, -999, -999}
		}
		if p.look.dyes[1] == "" || !slices.Equal(printCloth(&p).pix, printCloth(&other).pix) {
			continue
		}
		same++
		require.Equal(t, other.MainColour(), p.MainColour(), "%s, printed with %v", p.ID, p.look.dyes)
	}
	require.Greater(t, same, 50)
}
