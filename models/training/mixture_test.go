package training

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/compute"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/loop"
	"github.com/kleid-search/kleid/models/training/report"
	"github.com/kleid-search/kleid/models/training/vocabulary"
	"github.com/kleid-search/kleid/photo"
)

// datasetOf is a dataset with an example for each label of a facet.
func datasetOf(facet string, labels ...string) *datasets.Dataset {
	d := &datasets.Dataset{Name: facet, Facets: []catalog.Facet{{Name: facet, Labels: slices.Compact(slices.Sorted(slices.Values(labels)))}}}
	for _, label := range labels {
		d.Examples = append(d.Examples, datasets.Example{Labels: map[string]string{facet: label}})
	}
	return d
}

// TestSortMixture: what is measured with anywhere is not learned from anywhere.
func TestSortMixture(t *testing.T) {
	photo := func(id, label string, split datasets.Split) datasets.Example {
		e := datasets.Example{PhotoID: id, Split: split, SplitGiven: true, Labels: map[string]string{}}
		if label != "" {
			e.Labels["sleeve"] = label
		}
		return e
	}
	shop := datasetOf("sleeve", "cap", "long")
	shop.Examples = []datasets.Example{
		photo("1", "cap", datasets.Train), photo("2", "long", datasets.Train), photo("3", "cap", datasets.Test), photo("4", "", datasets.Train),
		{PhotoID: "5", NoDress: true, Split: datasets.Train},
		{PhotoID: "8", Split: datasets.Test, Labels: map[string]string{"sleeve": "cap"}}, // of the fifth that nobody chose
	}
	shop.Bad = []datasets.Bad{{Photo: "x", Reason: "gone"}}
	other := datasetOf("sleeve", "cap", "long")
	other.Examples = []datasets.Example{photo("3", "cap", datasets.Train), photo("4", "cap", datasets.Train), photo("6", "long", datasets.Train)}
	test := datasetOf("sleeve", "cap", "long")
	test.Examples = []datasets.Example{photo("2", "long", datasets.Train), photo("7", "cap", datasets.Train)}
	plan, err := vocabulary.NewPlan(nil, []*datasets.Dataset{shop, other}, vocabulary.Options{})
	require.NoError(t, err)
	parts := []Part{{Dataset: shop, Weight: 1}, {Dataset: Studio(), Weight: 1, Painted: true}, {Dataset: other, Weight: 1}}
	for name, c := range map[string]struct {
		tests                     []*datasets.Dataset
		learned, measured, others []string
	}{
		"split":   {nil, []string{"1", "2", "4", "6"}, []string{"3", "8"}, []string{"4"}},
		"another": {[]*datasets.Dataset{test}, []string{"1", "8", "4", "6"}, []string{"2", "7"}, []string{"3", "4"}},
	} {
		p := &FacetPhotos{}
		got := map[*[]LabelledPhoto][]string{}
		for _, o := range p.sort(Mixture{Parts: parts, Plan: plan, Tests: c.tests}) {
			got[o.to] = append(got[o.to], o.PhotoID)
		}
		require.Equal(t, c.learned, got[&p.Learned], name)
		require.Equal(t, c.measured, got[&p.Measured], name)
		require.Equal(t, c.others, got[&p.Others], name)
		require.Len(t, p.Bad, 1)
		require.Equal(t, 1, p.NoDress)
		require.Equal(t, p.Total, len(got[&p.Learned])+len(got[&p.Measured])+len(got[&p.Others])+p.Shared+p.NoDress+len(p.Bad), name)
	}
}

// TestLearnedPhotos: a model says of each facet by itself what it has learned from, since ever.
func TestLearnedPhotos(t *testing.T) {
	plan, err := vocabulary.NewPlan(nil, []*datasets.Dataset{datasetOf("sleeve", "cap", "long"), datasetOf("fit", "slim", "wide")}, vocabulary.Options{})
	require.NoError(t, err)
	p := &FacetPhotos{mixture: Mixture{Plan: plan}, Learned: []LabelledPhoto{{Example: datasets.Example{PhotoID: "bbbbbbbbbb", Labels: map[string]string{"sleeve": "cap"}}}}}
	before := map[string]models.PhotoSample{"sleeve": "aaaaaaaa", "neckline": "cccccccc"}
	require.Equal(t, map[string]models.PhotoSample{"sleeve": "aaaaaaaabbbbbbbb", "neckline": "cccccccc"}, p.learned(before))
	require.Equal(t, map[string]models.PhotoSample{"sleeve": "bbbbbbbb"}, p.learned(nil))
	require.Equal(t, models.PhotoSample("aaaaaaaa"), before["sleeve"])
}

// TestSortMixtureByProduct: what another dataset measures a dress with is not learned from, where people said which
// dress it is. Files of the same name are different dresses, and a dataset may part the photos of one itself.
func TestSortMixtureByProduct(t *testing.T) {
	photo := func(id, product string, given bool, split datasets.Split) datasets.Example {
		return datasets.Example{PhotoID: id, Product: product, ProductGiven: given, Split: split, SplitGiven: true, Labels: map[string]string{"sleeve": "cap"}}
	}
	shop, other := datasetOf("sleeve", "cap", "long"), datasetOf("sleeve", "cap", "long")
	shop.Examples = []datasets.Example{photo("1", "P1", true, datasets.Train), photo("2", "front", false, datasets.Train), photo("3", "P2", true, datasets.Train), photo("4", "P2", true, datasets.Test)}
	other.Examples = []datasets.Example{photo("5", "P1", true, datasets.Test), photo("6", "front", false, datasets.Test), photo("7", "P2", true, datasets.Train)}
	alias := photo("8", "P3", true, datasets.Train) // of P1 by another name
	alias.Aliases = []string{"P1"}
	shop.Examples = append(shop.Examples, alias)
	plan, err := vocabulary.NewPlan(nil, []*datasets.Dataset{shop, other}, vocabulary.Options{Order: map[string][]string{"sleeve": {"cap", "long"}}})
	require.NoError(t, err)
	for name, mixture := range map[string]Mixture{
		"two to learn from": {Parts: []Part{{Dataset: shop, Weight: 1}, {Dataset: other, Weight: 1}}, Plan: plan},
		"one to test with":  {Parts: []Part{{Dataset: shop, Weight: 1}}, Tests: []*datasets.Dataset{other}, Plan: plan},
	} {
		p := &FacetPhotos{}
		var learned []string
		for _, o := range p.sort(mixture) {
			if o.to == &p.Learned {
				learned = append(learned, o.PhotoID)
			}
		}
		if len(mixture.Tests) == 0 {
			require.Equal(t, []string{"2", "3"}, learned, name)
			require.Equal(t, 3, p.Shared, name)
			continue
		}
		require.Equal(t, []string{"2"}, learned, "%s, all of whose photos are", name)
		require.Equal(t, 3, p.Shared, name)
	}
}

// TestSortMixtureRepeated: a photo that two datasets have is measured with once for each facet, and all that is learned
// from it is in one part of the calibration, whatever product the second says.
func TestSortMixtureRepeated(t *testing.T) {
	example := func(id, product string, split datasets.Split, labels map[string]string) datasets.Example {
		return datasets.Example{PhotoID: id, Product: product, Split: split, Labels: labels}
	}
	cap, both := map[string]string{"sleeve": "cap"}, map[string]string{"sleeve": "long", "fit": "wide"}
	shop, other := datasetOf("sleeve", "cap", "long"), datasetOf("sleeve", "cap", "long")
	other.Facets = append(other.Facets, datasetOf("fit", "slim", "wide").Facets...)
	shop.Examples = []datasets.Example{example("1", "A", datasets.Test, cap), example("2", "B", datasets.Train, cap), example("4", "C", datasets.Test, cap), example("5", "D", datasets.Test, cap)}
	other.Examples = []datasets.Example{example("1", "X", datasets.Test, cap), example("2", "Y", datasets.Train, cap), example("4", "Z", datasets.Test, both)}
	boxed := example("5", "V", datasets.Test, cap) // another dress, perhaps
	boxed.Box = &photo.Box{XMax: 9, YMax: 9}
	other.Examples = append(other.Examples, boxed)
	plan, err := vocabulary.NewPlan(nil, []*datasets.Dataset{shop, other}, vocabulary.Options{Order: map[string][]string{"sleeve": {"cap", "long"}, "fit": {"wide", "slim"}}})
	require.NoError(t, err)
	p := &FacetPhotos{}
	measured, products := map[string][]map[string]string{}, map[string][]string{}
	for _, o := range p.sort(Mixture{Parts: []Part{{Dataset: shop, Weight: 1}, {Dataset: other, Weight: 1}}, Plan: plan}) {
		if o.to == &p.Measured {
			measured[o.PhotoID] = append(measured[o.PhotoID], o.Labels)
		}
		products[o.PhotoID] = append(products[o.PhotoID], o.product)
	}
	require.Equal(t, map[string][]map[string]string{"1": {cap}, "4": {cap, {"fit": "wide"}}, "5": {cap, cap}}, measured)
	require.Equal(t, 1, p.Repeated)
	require.Equal(t, []string{"B", "B"}, products["2"])
}

// TestDraw draws of each group by its share.
func TestDraw(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	groups := []sampleGroup{{samples: []int{0}, share: 0.7}, {samples: []int{1, 2, 3}, share: 0.2}, {samples: []int{4}, share: 0.1}}
	var count [5]float64
	for range 20000 {
		count[draw(rng, groups)]++
	}
	for i, want := range []float64{0.7, 0.2 / 3, 0.2 / 3, 0.2 / 3, 0.1} {
		require.InDelta(t, want, count[i]/20000, 0.012, i)
	}
	require.Equal(t, 7, draw(rng, []sampleGroup{{samples: []int{7}}}), "the only group needs no share")
}

// TestWeighMixture counts labels as often as batches have them: a small dataset with half of the share counts for
// as much as a large one.
func TestWeighMixture(t *testing.T) {
	pool := &Pool{Facets: []catalog.Facet{{Name: "sleeve", Labels: []string{"cap", "long", "none"}}}}
	for i := range 100 {
		c := Crop{Labels: []int16{0}}
		if i < 10 {
			c = Crop{Labels: []int16{1}, Part: 1}
		}
		pool.Crops = append(pool.Crops, c)
	}
	m := &maker{pool: pool, Options: Options{FacetLoss: FacetLoss{Weighting: models.InverseFrequency}}}
	weights, inForce, err := m.weigh([]Part{{Weight: 1}, {Weight: 1}})
	require.NoError(t, err)
	require.Equal(t, [][]float64{{1, 1, 1}}, weights)
	require.Equal(t, []report.ClassWeight{{Facet: "sleeve", Label: "cap", Samples: 90, Weight: 1}, {Facet: "sleeve", Label: "long", Samples: 10, Weight: 1}, {Facet: "sleeve", Label: "none", Weight: 1}}, inForce)
	require.False(t, report.Mixed(inForce))
	weights, inForce, err = m.weigh([]Part{{Weight: 9}, {Weight: 1, Painted: true}})
	require.NoError(t, err)
	require.Equal(t, []int{0, 10, 0}, []int{inForce[0].Painted, inForce[1].Painted, inForce[2].Painted})
	require.True(t, report.Mixed(inForce))
	require.InDelta(t, 5.0/9, weights[0][0], 1e-9)
	require.InDelta(t, 5, weights[0][1], 1e-9)
}

// TestHeadsStartWhereTheyWere: standardising the cells for the fit changes nothing of what heads say.
func TestHeadsStartWhereTheyWere(t *testing.T) {
	backend, err := compute.New("")
	require.NoError(t, err)
	pool := &Pool{Facets: []catalog.Facet{{Name: "neckline", Labels: []string{"v-neck", "halter"}}}}
	samples := rareLabel(rand.New(rand.NewPCG(1, 1)), 64)
	for i := range samples.cells.Data {
		samples.cells.Data[i] = samples.cells.Data[i]*3 + 5
	}
	initial := models.Weights{
		"facets.neckline.weight": {Shape: []int{2, 2}, Data: []float32{1, -2, 0.5, 3}}, "facets.neckline.bias": {Shape: []int{2}, Data: []float32{-4, 2}},
	}
	all := sampleGroup{share: 1}
	for i := range samples.labels {
		all.samples = append(all.samples, i)
	}
	unweighted := func(int) [][]float64 { return nil }
	weights, err := fitFacets(t.Context(), backend, pool, samples, []sampleGroup{{}, all}, initial, unweighted,
		headOptions{Steps: 1, Batch: 8, LearningRate: 1e-7}, FacetLoss{}, func(loop.Progress) {})
	require.NoError(t, err)
	for name, w := range initial {
		require.InDeltaSlice(t, w.Data, weights[name].Data, 1e-4, name)
	}
	_, err = fitFacets(t.Context(), backend, pool, samples, []sampleGroup{{share: 1}}, initial, unweighted, headOptions{}, FacetLoss{}, func(loop.Progress) {})
	require.ErrorContains(t, err, "no photos with a label")
}

// TestTemperatureOfMixture is that of real photos, where there are any, and 1 of too few.
func TestTemperatureOfMixture(t *testing.T) {
	pool := &Pool{Facets: []catalog.Facet{{Name: "sleeve", Labels: []string{"cap", "long"}}}}
	var samples facetSamples
	add := func(real bool, cell float32, label int16) {
		pool.Crops = append(pool.Crops, Crop{Labels: []int16{label}, Real: real})
		samples.labels, samples.real, samples.crops = append(samples.labels, []int16{label}), append(samples.real, real), append(samples.crops, len(pool.Crops)-1)
		samples.cells.Rows, samples.cells.Columns, samples.cells.Data = samples.cells.Rows+1, 1, append(samples.cells.Data, cell)
	}
	weights := models.Weights{"facets.sleeve.weight": {Shape: []int{2, 1}, Data: []float32{0, 4}}, "facets.sleeve.bias": {Shape: []int{2}, Data: []float32{0, 0}}}
	judge := func() models.FacetConfig {
		j := newJudgedLogits(pool)
		j.addFold(pool, samples, weights, 0)
		return j.calibrate(pool, 0.8, false)[0]
	}
	for range 100 {
		add(false, 1, 1) // painted ones are always right
	}
	require.Less(t, judge().Temperature, 1.0)
	for i := range 40 {
		add(true, 1, int16(min(i%4, 1))) // three of four are right
	}
	require.Greater(t, judge().Temperature, 2.0, "real ones are not")
	j := judgedLogits{logits: [][][]float64{{{1, 0}}}, truth: [][]int{{0}}}
	require.Equal(t, 1.0, j.calibrate(pool, 0.8, false)[0].Temperature)

	pool.Facets = append(pool.Facets, catalog.Facet{Name: "cut", Labels: []string{"a", "b"}})
	weights["facets.cut.weight"], weights["facets.cut.bias"] = weights["facets.sleeve.weight"], weights["facets.sleeve.bias"]
	for i, real := range samples.real {
		samples.labels[i] = append(samples.labels[i], 1)
		if real {
			samples.labels[i][1] = -1
		}
	}
	both := newJudgedLogits(pool)
	both.addFold(pool, samples, weights, 0)
	require.Len(t, both.truth[0], 40)
	require.Len(t, both.truth[1], 100, "of a facet that no photo has a label of, painted ones tell")
}
