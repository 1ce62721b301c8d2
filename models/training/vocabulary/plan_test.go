package vocabulary

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models"
)

// painted is like the painted dresses, which are in no photo.
func painted() *datasets.Dataset {
	d := &datasets.Dataset{Name: "studio", Facets: datasets.Facets(), Order: map[string][]string{}}
	for _, f := range d.Facets {
		d.Order[f.Name] = f.Labels
	}
	return d
}

// datasetOf is a dataset with an example for each label of a facet.
func datasetOf(facet string, labels ...string) *datasets.Dataset {
	d := &datasets.Dataset{Name: facet, Facets: []catalog.Facet{{Name: facet, Labels: slices.Compact(slices.Sorted(slices.Values(labels)))}}}
	for _, label := range labels {
		d.Examples = append(d.Examples, datasets.Example{Labels: map[string]string{facet: label}})
	}
	return d
}

func facetConfig(name string, labels ...string) models.FacetConfig {
	return models.FacetConfig{Facet: catalog.Facet{Name: name, Labels: labels}, Temperature: 1.5, Roots: true}
}

func TestNewPlan(t *testing.T) {
	model := []models.FacetConfig{facetConfig("neckline", "round", "v-neck", "halter", "boat"), facetConfig("sleeve", "cap", "long")}
	ordered := datasetOf("neckline", "boat", "round", "v-neck")
	ordered.Order = map[string][]string{"neckline": {"v-neck", "round", "cowl"}}
	type change struct {
		label, from string
		fate        Fate
		photos      int
	}
	for name, c := range map[string]struct {
		sets    []*datasets.Dataset
		options Options
		want    []change
	}{
		"all stay": {
			[]*datasets.Dataset{datasetOf("neckline", "boat", "v-neck", "round", "halter", "round")}, Options{},
			[]change{{"round", "round", Kept, 2}, {"v-neck", "v-neck", Kept, 1}, {"halter", "halter", Kept, 1}, {"boat", "boat", Kept, 1}},
		},
		"new ones come behind, by name": {
			[]*datasets.Dataset{datasetOf("neckline", "square", "cowl", "boat", "round")}, Options{},
			[]change{
				{"round", "round", Kept, 1}, {"boat", "boat", Kept, 1}, {"cowl", "", Added, 1}, {"square", "", Added, 1},
				{"v-neck", "", Gone, 0}, {"halter", "", Gone, 0},
			},
		},
		"renamed by hand, in the model": {
			[]*datasets.Dataset{datasetOf("neckline", "crew", "boat", "v-neck", "halter")}, Options{Renamed: map[string]map[string]string{"neckline": {"round": "crew"}}},
			[]change{{"crew", "round", Renamed, 1}, {"v-neck", "v-neck", Kept, 1}, {"halter", "halter", Kept, 1}, {"boat", "boat", Kept, 1}},
		},
		"renamed by hand, in a dataset": {
			[]*datasets.Dataset{datasetOf("neckline", "crew", "round", "v-neck")}, Options{Renamed: map[string]map[string]string{"neckline": {"crew": "round"}}},
			[]change{{"round", "round", Kept, 2}, {"v-neck", "v-neck", Kept, 1}, {"halter", "", Gone, 0}, {"boat", "", Gone, 0}},
		},
		"two of the model's become one": {
			[]*datasets.Dataset{datasetOf("neckline", "halter", "round", "boat", "v-neck")}, Options{Renamed: map[string]map[string]string{"neckline": {"boat": "round"}}},
			[]change{{"round", "round", Kept, 2}, {"v-neck", "v-neck", Kept, 1}, {"halter", "halter", Kept, 1}, {"boat", "", Gone, 0}},
		},
		"written otherwise": {
			[]*datasets.Dataset{datasetOf("neckline", "V Neck", "Round"), datasetOf("neckline", "v_neck", "round", "boat")}, Options{},
			[]change{{"Round", "round", Renamed, 2}, {"V Neck", "v-neck", Renamed, 2}, {"boat", "boat", Kept, 1}, {"halter", "", Gone, 0}},
		},
		"a dataset's order": {
			[]*datasets.Dataset{datasetOf("neckline", "halter"), ordered}, Options{},
			[]change{{"v-neck", "v-neck", Kept, 1}, {"round", "round", Kept, 1}, {"halter", "halter", Kept, 1}, {"boat", "boat", Kept, 1}},
		},
		"an order by hand, with a label that the model alone has": {
			[]*datasets.Dataset{ordered}, Options{Order: map[string][]string{"neckline": {"boat", "halter"}}},
			[]change{
				{"boat", "boat", Kept, 1}, {"halter", "halter", Kept, 0},
				{"v-neck", "v-neck", Kept, 1}, {"round", "round", Kept, 1},
			},
		},
		"a new facet": {
			[]*datasets.Dataset{datasetOf("fit", "wide", "slim")}, Options{Facets: []string{"fit"}},
			[]change{{"slim", "", Added, 1}, {"wide", "", Added, 1}},
		},
	} {
		plan, err := NewPlan(model, c.sets, c.options)
		require.NoError(t, err, name)
		var got []change
		var labels, stay []string
		for _, one := range plan.Changes {
			got = append(got, change{one.Label, one.From, one.Fate, one.Photos})
			if one.Fate != Gone {
				labels = append(labels, one.Label)
			}
		}
		for _, one := range c.want {
			if one.fate != Gone {
				stay = append(stay, one.label)
			}
		}
		require.Equal(t, c.want, got, name)
		require.Equal(t, stay, plan.Facets[0].Labels, name)
		require.Equal(t, labels, plan.Facets[0].Labels, name)
		require.Len(t, plan.Facets, 1, name)
		stayed := []string{"all stay", "a dataset's order", "an order by hand, with a label that the model alone has"}
		require.Equal(t, !slices.Contains(stayed, name), plan.Changed(), name)
		for _, d := range c.sets {
			for _, e := range plan.Examples(d) {
				require.Len(t, e.Labels, 1, name)
				for _, label := range e.Labels {
					require.Contains(t, labels, label, name)
				}
			}
		}
	}
}

// TestPlanOfSeveralFacets takes the model's order of facets, and leaves out what nobody asks for.
func TestPlanOfSeveralFacets(t *testing.T) {
	model := []models.FacetConfig{facetConfig("neckline", "round", "v-neck"), facetConfig("sleeve", "cap", "long")}
	sets := []*datasets.Dataset{datasetOf("fit", "slim", "wide"), datasetOf("sleeve", "cap", "long"), datasetOf("neckline", "round", "v-neck")}
	names := func(options Options) (names []string) {
		plan, err := NewPlan(model, sets, options)
		require.NoError(t, err)
		for _, f := range plan.Facets {
			names = append(names, f.Name)
		}
		return names
	}
	require.Equal(t, []string{"neckline", "sleeve", "fit"}, names(Options{}))
	require.Equal(t, []string{"fit", "neckline"}, names(Options{Facets: []string{"fit", "neckline"}}))
	plan, err := NewPlan(model, sets, Options{Facets: []string{"fit"}})
	require.NoError(t, err)
	require.Empty(t, plan.Examples(sets[1])[0].Labels)
	require.Equal(t, map[string]string{"sleeve": "cap"}, sets[1].Examples[0].Labels, "a dataset does not change")
}

// TestPlanOfTests: labels that only photos to measure with have are there to be answered wrongly, and new names reach
// those photos.
func TestPlanOfTests(t *testing.T) {
	shop, test := datasetOf("neckline", "round", "v-neck"), datasetOf("neckline", "crew", "V Neck", "halter", "Halter")
	test.Facets = append(test.Facets, catalog.Facet{Name: "sleeve", Labels: []string{"cap"}})
	plan, err := NewPlan(nil, []*datasets.Dataset{shop}, Options{
		Tests: []*datasets.Dataset{test}, Renamed: map[string]map[string]string{"neckline": {"crew": "round"}},
	})
	require.NoError(t, err)
	require.Equal(t, []string{"round", "v-neck"}, plan.Facets[0].Labels, "what is learned")
	require.Equal(t, []catalog.Facet{{Name: "neckline", Labels: []string{"round", "v-neck", "Halter"}}}, plan.Measured())
	var labels []string
	for _, e := range plan.Examples(test) {
		labels = append(labels, e.Labels["neckline"])
	}
	require.Equal(t, []string{"round", "v-neck", "Halter", "Halter"}, labels)
	_, err = NewPlan(nil, []*datasets.Dataset{shop}, Options{Renamed: map[string]map[string]string{"neckline": {"crew": "round"}}})
	require.ErrorContains(t, err, "neither the model nor a dataset has", "nobody has it")
}

func TestDistinct(t *testing.T) {
	o := Options{Renamed: map[string]map[string]string{"neckline": {"crew": "round"}}}
	require.Equal(t, []string{"crew", "v-neck"}, o.Distinct(catalog.Facet{Name: "neckline", Labels: []string{"crew", "v-neck", "Round", "V Neck"}}))
	require.Equal(t, []string{"crew", "round"}, o.Distinct(catalog.Facet{Name: "collar", Labels: []string{"crew", "round"}}))
}

// TestPlanOfOwnTrunks: heads that read another trunk than the one that they are trained with, or its cells in another way,
// begin anew, which is asked for.
func TestPlanOfOwnTrunks(t *testing.T) {
	of := func(facet, trunk string, labels ...string) models.FacetConfig {
		c := facetConfig(facet, labels...)
		c.Trunk, c.Roots = trunk, trunk == ""
		return c
	}
	model := []models.FacetConfig{of("neckline", "neckline+sleeve", "round", "v-neck"), of("sleeve", "neckline+sleeve", "cap", "long"), of("length", "", "mini", "maxi")}
	sets := []*datasets.Dataset{datasetOf("sleeve", "cap", "long"), datasetOf("neckline", "round", "v-neck"), datasetOf("length", "mini", "maxi")}
	for name, c := range map[string]struct {
		options Options
		start   string
		fate    Fate
	}{
		"both of a pair, in another order": {Options{Facets: []string{"sleeve", "neckline"}, OwnTrunk: true}, "neckline+sleeve", Kept},
		"one of a pair":                    {Options{Facets: []string{"sleeve"}, OwnTrunk: true}, "neckline+sleeve", Kept},
		"with the model's trunk again":     {Options{Facets: []string{"sleeve"}}, "", Anew},
		"of several trunks":                {Options{Facets: []string{"sleeve", "length"}, OwnTrunk: true}, "", Anew},
		"of none":                          {Options{Facets: []string{"length"}, OwnTrunk: true}, "", Anew},
		"with the model's trunk as before": {Options{Facets: []string{"length"}}, "", Kept},
	} {
		plan, err := NewPlan(model, sets, c.options)
		require.NoError(t, err, name)
		require.Equal(t, c.start, plan.Start, name)
		require.Equal(t, c.fate, plan.Changes[0].Fate, name)
		require.Equal(t, c.fate != Kept, plan.Changed(), name)
	}
}

// TestPlanOfRoots: heads that read no roots go on without, and others that are trained with them do so, too.
func TestPlanOfRoots(t *testing.T) {
	plain, rooted := facetConfig("sleeve", "cap", "long"), facetConfig("length", "mini", "maxi")
	plain.Roots = false
	sets := []*datasets.Dataset{datasetOf("sleeve", "cap", "long"), datasetOf("length", "mini", "maxi"), datasetOf("fit", "slim", "wide")}
	for facet, c := range map[string]struct {
		roots bool
		fate  Fate
	}{"sleeve": {false, Kept}, "length": {true, Kept}, "fit": {true, Added}} {
		plan, err := NewPlan([]models.FacetConfig{plain, rooted}, sets, Options{Facets: []string{facet}})
		require.NoError(t, err)
		require.Equal(t, c.roots, plan.Roots, facet)
		require.Equal(t, c.fate, plan.Changes[0].Fate, facet)
	}
	plan, err := NewPlan([]models.FacetConfig{plain, rooted}, sets, Options{Facets: []string{"sleeve", "length"}})
	require.NoError(t, err)
	require.False(t, plan.Roots)
	require.Equal(t, []Fate{Kept, Anew}, []Fate{plan.Changes[0].Fate, plan.Changes[2].Fate})
}

// TestPlanBesidePaintedDresses: what only they have is not meant, unless it is named or there are no others.
func TestPlanBesidePaintedDresses(t *testing.T) {
	names := func(plan Plan, err error) (all []string) {
		require.NoError(t, err)
		for _, f := range plan.Facets {
			all = append(all, f.Name)
		}
		return all
	}
	shop := datasetOf("neckline", "round", "v-neck")
	require.Equal(t, []string{"neckline"}, names(NewPlan(nil, []*datasets.Dataset{painted(), shop}, Options{})))
	require.Equal(t, []string{"sleeve"}, names(NewPlan(nil, []*datasets.Dataset{painted(), shop}, Options{Facets: []string{"sleeve"}})))
	require.Len(t, names(NewPlan(nil, []*datasets.Dataset{painted()}, Options{})), len(datasets.Facets()))
}

func TestPlanErrors(t *testing.T) {
	model := []models.FacetConfig{facetConfig("neckline", "round", "v-neck")}
	sets := []*datasets.Dataset{datasetOf("neckline", "round", "boat")}
	for says, options := range map[string]Options{
		"no dataset has labels of hem":                 {Facets: []string{"hem"}},
		"an order of labels for sleeve, which is not":  {Order: map[string][]string{"sleeve": {"cap"}}},
		"a new name of a label for sleeve, which is":   {Renamed: map[string]map[string]string{"sleeve": {"a": "b"}}},
		`label "crew" of neckline, which neither`:      {Renamed: map[string]map[string]string{"neckline": {"crew": "round"}}},
		`the order of neckline has label "Boat" twice`: {Order: map[string][]string{"neckline": {"boat", "Boat"}}},
		`the order of neckline has label "v", which neither a photo nor the model has; photos have ["boat" "round"]`: {Order: map[string][]string{"neckline": {"boat", "v"}}},
		`one label of neckline, "round": there is nothing`:                                                           {Renamed: map[string]map[string]string{"neckline": {"boat": "round"}}},
	} {
		_, err := NewPlan(model, sets, options)
		require.ErrorContains(t, err, says)
	}
}

// TestPlanOfOrders: an order may have labels that photos to measure with have, or painted ones, or what is renamed; that
// of a dataset may have any.
func TestPlanOfOrders(t *testing.T) {
	model := []models.FacetConfig{facetConfig("neckline", "round", "v-neck", "boat")}
	shop := datasetOf("neckline", "crew", "boat")
	shop.Order = map[string][]string{"neckline": {"boat", "crew", "wings"}, "sleeve": {"cap"}}
	options := Options{
		Facets: []string{"neckline"}, Tests: []*datasets.Dataset{datasetOf("neckline", "zip")},
		Order:   map[string][]string{"neckline": {"zip", "halter", "crew", "v-neck"}},
		Renamed: map[string]map[string]string{"neckline": {"round": "crew", "boat": "crew"}},
	}
	plan, err := NewPlan(model, []*datasets.Dataset{shop, painted()}, options)
	require.NoError(t, err)
	require.Equal(t, []string{"zip", "halter", "crew", "v-neck"}, plan.Facets[0].Labels[:4])
	require.Equal(t, map[string][]string{"neckline": {"wings"}}, plan.Waiting(shop))
	require.Empty(t, plan.Waiting(painted()))
	for label, want := range map[string]string{"round": "crew", "boat": "crew", "v-neck": "v-neck", "odd": "odd"} {
		require.Equal(t, want, plan.Renamed("neckline", label))
	}
}

// TestInitialHeads keeps the rows of the labels that stay, wherever they come to stand, and begins new labels in the
// middle.
func TestInitialHeads(t *testing.T) {
	model := &models.Model{
		Config: models.Config{Facets: []models.FacetConfig{facetConfig("neckline", "round", "v-neck", "halter"), facetConfig("sleeve", "cap", "long")}},
		Weights: models.Weights{
			"facets.neckline.weight": {Shape: []int{3, 2}, Data: []float32{1, 2, 3, 4, 5, 9}}, "facets.neckline.bias": {Shape: []int{3}, Data: []float32{10, 20, 30}},
			"facets.sleeve.weight": {Shape: []int{2, 2}, Data: []float32{1, 1, 1, 1}}, "facets.sleeve.bias": {Shape: []int{2}, Data: []float32{0, 0}},
		},
	}
	plan, err := NewPlan(model.Config.Facets, []*datasets.Dataset{datasetOf("neckline", "halter", "crew", "cowl"), datasetOf("fit", "slim", "wide")},
		Options{Order: map[string][]string{"neckline": {"halter", "cowl", "crew"}}, Renamed: map[string]map[string]string{"neckline": {"round": "crew"}}})
	require.NoError(t, err)
	initial := plan.Initial(model, "", 2, 2)
	require.Equal(t, []float32{5, 9, 3, 5, 1, 2}, initial["facets.neckline.weight"].Data)
	require.Equal(t, []float32{30, 20, 10}, initial["facets.neckline.bias"].Data)
	require.Equal(t, make([]float32, 4), initial["facets.fit.weight"].Data)
	require.Equal(t, []float32{5, 9, 0, 3, 5, 0, 1, 2, 0}, plan.Initial(model, "", 2, 3)["facets.neckline.weight"].Data, "heads that read no surroundings begin without")
	require.ElementsMatch(t, []string{"facets.fit.bias", "facets.fit.weight", "facets.neckline.bias", "facets.neckline.weight"}, slices.Collect(maps.Keys(initial)))

	require.Equal(t, []string{"round", "v-neck", "halter"}, model.Config.Facets[0].Labels, "the model that it starts from does not change")
}
