package training

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/compute"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/linear"
	"github.com/kleid-search/kleid/models/training/loop"
	"github.com/kleid-search/kleid/storage"
)

// rareLabel draws samples of two overlapping labels, of which the second is one in twenty.
func rareLabel(rng *rand.Rand, n int) facetSamples {
	s := facetSamples{cells: linear.Matrix{Rows: n, Columns: 2, Data: make([]float32, 2*n)}, crop: 2}
	for i := range n {
		label := int16(0)
		if i%20 == 0 {
			label = 1
		}
		s.labels, s.real = append(s.labels, []int16{label}), append(s.real, false)
		s.cells.Data[2*i] = float32(rng.NormFloat64() + 2*float64(label))
		s.cells.Data[2*i+1] = float32(rng.NormFloat64())
	}
	return s
}

// TestClassWeightsFindTheRareLabel, which plain cross-entropy gives up for the frequent one.
func TestClassWeightsFindTheRareLabel(t *testing.T) {
	backend, err := compute.New("")
	require.NoError(t, err)
	pool := &Pool{Facets: []catalog.Facet{{Name: "neckline", Labels: []string{"v-neck", "halter"}}}}
	learn, held := rareLabel(rand.New(rand.NewPCG(1, 1)), 2000), rareLabel(rand.New(rand.NewPCG(2, 1)), 2000)
	recall := func(loss FacetLoss) (frequent, rare float64) {
		weights, err := trainFacets(t.Context(), backend, pool, learn, headOptions{Seed: 1, Steps: 300, Batch: 64, LearningRate: 0.03}, loss, func(loop.Progress) {})
		require.NoError(t, err)
		w, b := weights["facets.neckline.weight"], weights["facets.neckline.bias"]
		right, all := [2]float64{}, [2]float64{}
		for i, labels := range held.labels {
			logit := func(o int) float32 {
				row := held.cells.Row(i)
				return b.Data[o] + w.Data[2*o]*row[0] + w.Data[2*o+1]*row[1]
			}
			answer := 0
			if logit(1) > logit(0) {
				answer = 1
			}
			all[labels[0]]++
			if answer == int(labels[0]) {
				right[labels[0]]++
			}
		}
		return right[0] / all[0], right[1] / all[1]
	}
	_, plain := recall(FacetLoss{})
	require.Less(t, plain, 0.5)
	for name, loss := range map[string]FacetLoss{
		"inverse frequency": {Weighting: models.InverseFrequency},
		"by hand":           {Given: map[string]map[string]float64{"neckline": {"halter": 20}}},
		"focal as well":     {Weighting: models.InverseFrequency, Focal: 2, Smoothing: 0.05},
	} {
		frequent, rare := recall(loss)
		require.Greater(t, rare, 0.75, name)
		require.Greater(t, frequent, 0.75, name)
	}
	_, effective := recall(FacetLoss{Weighting: models.EffectiveNumber})
	require.Greater(t, effective, plain)
}

// TestHeadsKnowNothingOfWhatIsLeftOut, not even its scale: temperatures are fitted to what they say of it.
func TestHeadsKnowNothingOfWhatIsLeftOut(t *testing.T) {
	backend, err := compute.New("")
	require.NoError(t, err)
	pool := &Pool{Facets: []catalog.Facet{{Name: "neckline", Labels: []string{"v-neck", "halter"}}}}
	samples := rareLabel(rand.New(rand.NewPCG(1, 1)), 300)
	samples.crops = upTo(300)
	learned := []sampleGroup{{samples: upTo(200), share: 1}}
	fit := func() models.Weights {
		weights, err := fitFacets(t.Context(), backend, pool, samples, learned, zeroFacets(pool, 2), func(int) [][]float64 { return [][]float64{{1, 1}} }, headOptions{Seed: 1, Steps: 20, Batch: 16, LearningRate: 0.03}, FacetLoss{}, func(loop.Progress) {})
		require.NoError(t, err)
		return weights
	}
	before := fit()
	for i := 200; i < 300; i++ {
		samples.cells.Row(i)[0] *= 1000
	}
	require.Equal(t, before, fit())
}

// TestHeadsKeepTheBatchThatBrokeThem, and no checkpoint: they take seconds.
func TestHeadsKeepTheBatchThatBrokeThem(t *testing.T) {
	backend, err := compute.New("")
	require.NoError(t, err)
	work, err := storage.Open(t.Context(), t.TempDir())
	require.NoError(t, err)
	pool := &Pool{Facets: []catalog.Facet{{Name: "neckline", Labels: []string{"v-neck", "halter"}}}, Crops: make([]Crop, 40)}
	samples := rareLabel(rand.New(rand.NewPCG(1, 1)), 40)
	samples.crops = upTo(40)
	options := headOptions{Seed: 1, Steps: 20, Batch: 16, LearningRate: 0.03, Loop: loop.Options{Bucket: work}}
	fit := func() error {
		_, err := fitFacets(t.Context(), backend, pool, samples, []sampleGroup{{samples: upTo(40), share: 1}}, zeroFacets(pool, 2), func(int) [][]float64 { return [][]float64{{1, 1}} }, options, FacetLoss{}, func(loop.Progress) {})
		return err
	}
	require.NoError(t, fit())
	for info, err := range work.List(t.Context(), "") {
		t.Fatal("a head's training left something behind: ", info, err)
	}
	samples.cells.Row(7)[0] = float32(math.NaN())
	require.ErrorContains(t, fit(), "nan-step-0.safetensors")
	_, err = storage.ReadAll(t.Context(), work, "nan-step-0.safetensors", 1<<20)
	require.NoError(t, err)
}

func TestFacetLossCheck(t *testing.T) {
	facets := []catalog.Facet{{Name: "neckline", Labels: []string{"v-neck", "halter"}}}
	require.NoError(t, DefaultFacetLoss().Check(facets))
	for want, loss := range map[string]FacetLoss{
		`no facet "neck"`:    {Given: map[string]map[string]float64{"neck": {"halter": 2}}},
		`no label "haltr"`:   {Given: map[string]map[string]float64{"neckline": {"haltr": 2}}},
		"smoothing is 1":     {Smoothing: 1},
		"exponent is -1":     {Focal: -1},
		`"rare" is none of`:  {Weighting: "rare"},
		"shows in is 0":      {Upper: map[string]float64{"neckline": 0}},
		"shows in is 1.5":    {Upper: map[string]float64{"neckline": 1.5}},
		"are read \"maybe\"": {Surroundings: map[string]string{"neckline": "maybe"}},
	} {
		require.ErrorContains(t, loss.Check(facets), want)
	}
}

// TestUpperPart: a head whose facet shows in the upper half learns from it, whatever lies below, as does one that began from
// what it knew of the whole dress; others read all.
func TestUpperPart(t *testing.T) {
	backend, err := compute.New("")
	require.NoError(t, err)
	pool := &Pool{Facets: []catalog.Facet{{Name: "neckline", Labels: []string{"v-neck", "halter"}}, {Name: "length", Labels: []string{"mini", "maxi"}}}, cellRows: 4}
	const columns = 8 // two of each row
	rng := rand.New(rand.NewPCG(1, 1))
	s := facetSamples{cells: linear.Matrix{Rows: 200, Columns: columns, Data: make([]float32, 200*columns)}, crop: columns}
	for i := range s.cells.Rows {
		label := int16(i % 2)
		s.labels, s.real = append(s.labels, []int16{label, label}), append(s.real, true)
		for j := range columns {
			s.cells.Data[i*columns+j] = float32(rng.NormFloat64() + float64(label)*float64(1+j/4)) // clearer below
		}
	}
	known := models.Weights{}
	for _, facet := range pool.Facets {
		known["facets."+facet.Name+".weight"] = &models.Tensor{Shape: []int{2, columns}, Data: slices.Repeat([]float32{1}, 2*columns)}
	}
	for name, initial := range map[string]models.Weights{"anew": zeroFacets(pool, columns), "from a model": known} {
		loss := FacetLoss{Upper: map[string]float64{"neckline": 0.26}} // two rows of four
		weights, err := fitFacets(t.Context(), backend, pool, s, []sampleGroup{{samples: []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, share: 1}}, initial,
			func(int) [][]float64 { return [][]float64{{1, 1}, {1, 1}} }, headOptions{Seed: 1, Steps: 20, Batch: 16, LearningRate: 0.03}, loss, func(loop.Progress) {})
		require.NoError(t, err, name)
		for o := range 2 {
			neckline, length := weights["facets.neckline.weight"].Data[o*columns:(o+1)*columns], weights["facets.length.weight"].Data[o*columns:(o+1)*columns]
			for j := range columns {
				require.Equal(t, j < 4, neckline[j] != 0, "%s: column %d", name, j)
				require.NotZero(t, length[j], name)
			}
		}
	}
}

// TestSurroundings: heads read the dress, what is around it as well, or that alone, as the loss says; ones that do not read
// it are as wide as a crop.
func TestSurroundings(t *testing.T) {
	backend, err := compute.New("")
	require.NoError(t, err)
	pool := &Pool{cellRows: 2}
	for _, name := range []string{"neckline", "pattern", "length", "occasion"} {
		pool.Facets = append(pool.Facets, catalog.Facet{Name: name, Labels: []string{"a", "b"}})
	}
	const crop, columns = 4, 7
	rng := rand.New(rand.NewPCG(1, 1))
	s := facetSamples{cells: linear.Matrix{Rows: 40, Columns: columns, Data: make([]float32, 40*columns)}, crop: crop}
	var all []int
	for i := range s.cells.Rows {
		label := int16(i % 2)
		s.labels, s.real, all = append(s.labels, []int16{label, label, label, label}), append(s.real, true), append(all, i)
		for j := range columns {
			s.cells.Data[i*columns+j] = float32(rng.NormFloat64() + float64(label))
		}
	}
	loss := FacetLoss{Upper: map[string]float64{"neckline": 0.5}, Surroundings: map[string]string{"length": Also, "occasion": Alone}}
	require.NoError(t, loss.Check(pool.Facets))
	weights, err := fitFacets(t.Context(), backend, pool, s, []sampleGroup{{samples: all, share: 1}}, zeroFacets(pool, columns),
		func(int) [][]float64 { return slices.Repeat([][]float64{{1, 1}}, 4) }, headOptions{Seed: 1, Steps: 20, Batch: 16, LearningRate: 0.03}, loss, func(loop.Progress) {})
	require.NoError(t, err)
	read := map[string]string{}
	for name, w := range withoutUnread(pool, weights, loss, crop) {
		if facet, ok := strings.CutSuffix(strings.TrimPrefix(name, "facets."), ".weight"); ok {
			for _, v := range w.Data[:w.Shape[1]] {
				read[facet] += map[bool]string{true: "-", false: "r"}[v == 0]
			}
		}
	}
	require.Equal(t, map[string]string{"neckline": "rr--", "pattern": "rrrr", "length": "rrrrrrr", "occasion": "----rrr"}, read)

	configs := []models.FacetConfig{{Facet: pool.Facets[0]}, {Facet: pool.Facets[2]}}
	readSurroundings(configs, loss, s)
	require.Equal(t, []bool{false, true}, []bool{configs[0].Surroundings, configs[1].Surroundings})
	s.crop = columns // as of a model that sees none
	readSurroundings(configs, loss, s)
	require.False(t, configs[1].Surroundings)
	require.Nil(t, loss.reads(pool, "occasion", columns, columns), "then all that there is")
}

// TestJudgedLooks give each judge's labels in turn, also those that most did not agree on.
func TestJudgedLooks(t *testing.T) {
	pool := &Pool{Facets: []catalog.Facet{{Name: "neckline", Labels: []string{"round", "boat"}}, {Name: "length", Labels: []string{"mini", "midi"}}}}
	votes := [][]int16{pool.indices(map[string]string{"neckline": "boat", "length": "midi"}), pool.indices(map[string]string{"neckline": "round", "length": "long ago"})}
	require.Equal(t, [][]int16{{1, 1}, {0, -1}}, votes)
	voted := &Crop{Labels: []int16{-1, 1}, Votes: votes}
	require.Equal(t, votes[0], voted.judged(0))
	require.Equal(t, votes[1], voted.judged(1))
	require.Equal(t, votes[0], voted.judged(2))
	require.Equal(t, voted.Labels, agreed(voted, 1), "what is measured is what most said")
	require.Equal(t, []int16{0, -1}, (&Crop{Labels: []int16{0, -1}}).judged(3))
}

// TestCalibrateOnRealPhotos: of painted dresses heads are rightly sure, of real ones they must not be; too few real ones
// say nothing.
func TestCalibrateOnRealPhotos(t *testing.T) {
	pool := &Pool{Facets: []catalog.Facet{{Name: "sleeve", Labels: []string{"cap", "long"}}}}
	weights := models.Weights{"facets.sleeve.weight": {Shape: []int{2, 1}, Data: []float32{0, 3}}, "facets.sleeve.bias": {Shape: []int{2}, Data: []float32{0, 0}}}
	temperature := func(photos int) float64 {
		var s facetSamples
		add := func(real bool, label int16) {
			s.labels, s.real = append(s.labels, []int16{label}), append(s.real, real)
			s.cells.Rows, s.cells.Columns, s.cells.Data = s.cells.Rows+1, 1, append(s.cells.Data, 1)
		}
		for range 1000 {
			add(false, 1)
		}
		for i := range photos * heldLooks {
			add(true, int16(min(i/heldLooks%3, 1))) // two of three are right
		}
		return calibrateFacets(pool, s, weights, 0.8)[0].Temperature
	}
	require.Less(t, temperature(0), 1.0)
	require.Less(t, temperature(leastJudged-1), 1.5)
	require.InDelta(t, 3/math.Log(2), temperature(60), 0.2, "so that it says two thirds")
}

// TestWithTrained puts facets in the place of those of their name, and new ones behind.
func TestWithTrained(t *testing.T) {
	facet := func(name string, labels ...string) models.FacetConfig {
		return models.FacetConfig{Facet: catalog.Facet{Name: name, Labels: labels}}
	}
	model := []models.FacetConfig{facet("neckline", "round", "v-neck"), facet("sleeve", "cap", "long")}
	trained := []models.FacetConfig{facet("neckline", "halter", "crew"), facet("fit", "slim", "wide")}
	require.Equal(t, []models.FacetConfig{trained[0], model[1], trained[1]}, withTrained(model, trained))
	require.Equal(t, []string{"round", "v-neck"}, model[0].Labels, "the model that it starts from does not change")
}
