package embedding

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	mlcontext "github.com/gomlx/gomlx/pkg/ml/context"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/compute"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

var facets = []models.FacetConfig{
	{Facet: catalog.Facet{Name: "sleeve", Labels: []string{"sleeveless", "short", "long"}}, Temperature: 1, Threshold: 0.3},
	{Facet: catalog.Facet{Name: "neckline", Labels: []string{"round", "v-neck", "halter", "boat"}}, Temperature: 2, Threshold: 1.1},
	{Facet: catalog.Facet{Name: "length", Labels: []string{"mini", "maxi"}}, Temperature: 1, Threshold: 0.3, Surroundings: true},
}

// smallModel has the shipped model's layers with random weights, on smaller pictures. It sees a dress
// wherever the first cell of its location networks gives a box.
func smallModel(t testing.TB, change ...func(m *models.Model)) *models.Model {
	t.Helper()
	config := models.DefaultConfig()
	config.CropHeight, config.CropWidth = 96, 64
	config.Scales = [][2]int{{80, 64}, {64, 48}}
	config.EmbeddingSize = 32
	config.Facets = facets
	surroundings := models.DefaultSurroundingsConfig()
	config.Surroundings = &surroundings
	config.Merge.MinForeground = 0
	config.Merge.Calibration = [4]float64{5, 0, 0, 1}
	m := &models.Model{Config: config}
	backbone, err := m.Trunk()
	require.NoError(t, err)
	ctx := mlcontext.New()
	backend := compute.NewWithOptions(compute.Options{})
	defer backend.Finalize()
	exec, err := mlcontext.NewExec(backend, ctx, func(ctx *mlcontext.Context, x *Node) *Node {
		net := models.NewTrainingNet(ctx, nil, 7, false)
		features := backbone.Build(net.In("trunk"), x)
		sum := Add(ReduceAllSum(models.BackgroundHead(net, features)), ReduceAllSum(models.LocationHead(net, features)))
		cells := config.Cells(features)
		sum = Add(sum, ReduceAllSum(models.DeepRankHead(net, config.UnsupervisedHead(net, cells, config.CropTexture(x, nil)))))
		for _, f := range config.Facets {
			read := cells
			if f.Surroundings {
				read = Concatenate([]*Node{cells, Zeros(x.Graph(), shapes.Make(dtypes.Float32, 1, config.SurroundingsCells()))}, 1)
			}
			sum = Add(sum, ReduceAllSum(models.FacetHead(net, f.Name, read, len(f.Labels))))
		}
		return sum
	})
	require.NoError(t, err)
	exec.MustExec1(blackCrop(config.CropHeight, config.CropWidth))
	m.Weights, err = models.TrainedWeights(ctx)
	require.NoError(t, err)
	for _, f := range change {
		f(m)
	}
	return m
}

// blackCrop is [1, height, width, 3].
func blackCrop(height, width int) [][][][]float32 {
	rows := make([][][]float32, height)
	for y := range rows {
		rows[y] = make([][]float32, width)
		for x := range rows[y] {
			rows[y][x] = make([]float32, 3)
		}
	}
	return [][][][]float32{rows}
}

func newEmbedder(t testing.TB, threads int, m *models.Model) *Embedder {
	t.Helper()
	backend := compute.NewWithOptions(compute.Options{Threads: threads})
	t.Cleanup(backend.Finalize)
	e, err := New(backend, m)
	require.NoError(t, err)
	return e
}

// photos are n pictures of different sizes, each with a bright patch on noise.
func photos(n int) []Input {
	inputs := make([]Input, n)
	for i := range inputs {
		rng := rand.New(rand.NewPCG(uint64(i), 5))
		m := photo.New(40+rng.IntN(120), 40+rng.IntN(120))
		for j := range m.Pix {
			m.Pix[j] = uint8(rng.IntN(120))
		}
		x, y := rng.IntN(m.Width-20), rng.IntN(m.Height-20)
		for dy := range 20 {
			for dx := range 20 {
				m.Pix[3*((y+dy)*m.Width+x+dx)+i%3] = 255
			}
		}
		inputs[i].Image = m
	}
	return inputs
}

func embed(t testing.TB, e *Embedder, inputs []Input) []Photo {
	t.Helper()
	got, err := e.Embed(t.Context(), inputs)
	require.NoError(t, err)
	require.Len(t, got, len(inputs))
	for i := range got {
		require.GreaterOrEqual(t, got[i].Timing.Locate+got[i].Timing.Embed, got[i].Timing.Locate)
		got[i].Timing = Timing{}
	}
	return got
}

// TestBitIdentical checks that a photo's answer is the same bit for bit, alone, in batches of any size, among
// any neighbours, and on any number of threads.
func TestBitIdentical(t *testing.T) {
	model := smallModel(t)
	inputs := photos(2*maxBatch + 3)
	inputs[4].Box = &photo.Box{XMin: 5, YMin: 6, XMax: 30, YMax: 35}
	want := embed(t, newEmbedder(t, 1, model), inputs)
	found := 0
	for _, p := range want {
		if p.Status == catalog.StatusOK {
			found++
		}
	}
	require.GreaterOrEqual(t, found, len(inputs)/2, "the test needs dresses")
	for _, threads := range []int{2, 3, 5} {
		e := newEmbedder(t, threads, model)
		require.Equal(t, want, embed(t, e, inputs), "%d threads", threads)
		for i := range inputs {
			require.Equal(t, want[i], embed(t, e, inputs[i:i+1])[0], "photo %d alone, %d threads", i, threads)
		}
		rng := rand.New(rand.NewPCG(uint64(threads), 9))
		for range 3 {
			order := rng.Perm(len(inputs))[:1+rng.IntN(len(inputs))]
			mixed := make([]Input, len(order))
			for i, o := range order {
				mixed[i] = inputs[o]
			}
			for i, p := range embed(t, e, mixed) {
				require.Equal(t, want[order[i]], p, "photo %d at %d of %v", order[i], i, order)
			}
		}
	}
}

func TestConcurrentEmbeds(t *testing.T) {
	e := newEmbedder(t, 2, smallModel(t))
	inputs := photos(10)
	want := embed(t, e, inputs)
	var wait sync.WaitGroup
	for worker := range 6 {
		wait.Go(func() {
			for from := range 4 {
				got, err := e.Embed(context.Background(), inputs[from:from+1+worker])
				if err != nil {
					t.Error(err)
					return
				}
				for i := range got {
					got[i].Timing = Timing{}
					if !equal(got[i], want[from+i]) {
						t.Errorf("photo %d differs when embedded beside others", from+i)
					}
				}
			}
		})
	}
	wait.Wait()
}

func equal(a, b Photo) bool {
	if a.Status != b.Status || a.Box != b.Box || len(a.Unsupervised) != len(b.Unsupervised) {
		return false
	}
	for i := range a.Unsupervised {
		if a.Unsupervised[i] != b.Unsupervised[i] || a.DeepRank[i] != b.DeepRank[i] {
			return false
		}
	}
	return true
}

func TestVectorsAndFacets(t *testing.T) {
	model := smallModel(t)
	got := embed(t, newEmbedder(t, 2, model), photos(9))
	distinct := map[float32]bool{}
	for i, p := range got {
		if p.Status != catalog.StatusOK {
			continue
		}
		for _, vector := range [][]float32{p.Unsupervised, p.DeepRank} {
			require.Len(t, vector, model.Config.EmbeddingSize)
			var square float64
			for _, v := range vector {
				square += float64(v) * float64(v)
			}
			require.InDelta(t, 1, square, 1e-5)
		}
		distinct[p.Unsupervised[0]] = true
		require.Equal(t, p.Candidates[0], Candidate{p.Box, p.BoxConfidence})
		frame := photos(9)[i].Image.Frame()
		for n, c := range p.Candidates {
			require.Equal(t, c.Box, c.Box.Intersect(frame))
			require.False(t, c.Box.Empty())
			require.LessOrEqual(t, c.Confidence, p.Candidates[max(n-1, 0)].Confidence)
		}
		require.Len(t, p.Facets, len(facets)+1)
		require.Equal(t, "colour", p.Facets[len(facets)].Name)
		require.NotEmpty(t, p.Colours)
		for f, prediction := range p.Facets[:len(facets)] {
			require.Equal(t, facets[f].Name, prediction.Name)
			require.Len(t, prediction.Probabilities, len(facets[f].Labels))
			var sum float64
			best := 0
			for l, v := range prediction.Probabilities {
				sum += float64(v)
				if v > prediction.Probabilities[best] {
					best = l
				}
			}
			require.InDelta(t, 1, sum, 1e-6)
			require.Equal(t, facets[f].Labels[best], prediction.Label)
			require.Equal(t, prediction.Probabilities[best], prediction.Probability)
			require.Equal(t, float64(prediction.Probability) >= facets[f].Threshold, prediction.Confident)
		}
		require.False(t, p.Facets[1].Confident, "nothing reaches a threshold of 1.1")
	}
	require.Greater(t, len(distinct), 3, "different photos have different vectors")
}

func TestModelWithoutFacets(t *testing.T) {
	e := newEmbedder(t, 1, smallModel(t, func(m *models.Model) { m.Config.Facets = nil }))
	box := photo.Box{XMax: 30, YMax: 30}
	got := embed(t, e, []Input{{Image: photos(1)[0].Image, Box: &box}})
	require.Len(t, got[0].Facets, 1)
	require.Equal(t, "colour", got[0].Facets[0].Name)
	require.Len(t, got[0].DeepRank, 32)
}

// TestModelWithoutEmbeddings is read for its facets alone.
func TestModelWithoutEmbeddings(t *testing.T) {
	whole := smallModel(t)
	bare := &models.Model{Config: whole.Config, Weights: whole.Weights.Clone()}
	for _, name := range []string{"unsupervised.weight", "unsupervised.bias", "deeprank.weight"} {
		require.Contains(t, bare.Weights, name)
		delete(bare.Weights, name)
	}
	backend := compute.NewWithOptions(compute.Options{})
	defer backend.Finalize()
	_, err := New(backend, bare)
	require.ErrorContains(t, err, "kleid train heads")
	image := photo.New(200, 300)
	inputs := []Input{{Image: image, Box: &photo.Box{XMin: 20, YMin: 30, XMax: 150, YMax: 250}}}
	var seen [2][]Photo
	for i, m := range []*models.Model{whole, bare} {
		e, err := NewDescriber(backend, m)
		require.NoError(t, err)
		seen[i], err = e.Embed(t.Context(), inputs)
		require.NoError(t, err)
	}
	require.NotEmpty(t, seen[1][0].Facets)
	require.Equal(t, seen[0][0].Facets, seen[1][0].Facets)
	require.NotEmpty(t, seen[0][0].DeepRank)
	require.Nil(t, seen[1][0].Unsupervised)
	require.Nil(t, seen[1][0].DeepRank)
}

func TestNoDress(t *testing.T) {
	model := smallModel(t, func(m *models.Model) { m.Config.Merge.Calibration = [4]float64{-9, 0, 0, 0} })
	e := newEmbedder(t, 2, model)
	inputs := photos(3)
	for _, p := range embed(t, e, inputs) {
		require.Equal(t, Photo{Status: catalog.StatusNoDress}, p)
	}
	// A person says that there is one.
	inputs[1].Box = &photo.Box{XMin: -10, YMin: 4, XMax: 20, YMax: 4000}
	got := embed(t, e, inputs)
	require.Equal(t, catalog.StatusNoDress, got[0].Status)
	require.Equal(t, catalog.StatusOK, got[1].Status)
	want := photo.Box{YMin: 4, XMax: 20, YMax: inputs[1].Image.Height}
	require.Equal(t, want, got[1].Box, "within the photo")
	require.Equal(t, []Candidate{{want, 1}}, got[1].Candidates)
	require.EqualValues(t, 1, got[1].BoxConfidence)
	require.NotEmpty(t, got[1].Unsupervised)
}

// TestDressThatAPersonTellsOf is at its likeliest place, however unsure that is.
func TestDressThatAPersonTellsOf(t *testing.T) {
	model := smallModel(t, func(m *models.Model) { m.Config.Merge.Calibration = [4]float64{-9, 0, 0, 0} })
	e := newEmbedder(t, 2, model)
	inputs := photos(3)
	inputs[1].IsDress = true
	got := embed(t, e, inputs)
	require.Equal(t, Photo{Status: catalog.StatusNoDress}, got[0])
	places, err := e.locator.Locate([]*photo.Image{inputs[1].Image})
	require.NoError(t, err)
	require.NotEmpty(t, places[0])
	require.Equal(t, catalog.StatusOK, got[1].Status)
	require.True(t, got[1].Told)
	require.Equal(t, places[0][0].Box, got[1].Box)
	require.Less(t, float64(got[1].BoxConfidence), model.Config.Merge.MinConfidence)
	require.NotEmpty(t, got[1].DeepRank)
	require.Equal(t, photo.Box{XMax: 30, YMax: 40}, likeliest(nil, photo.Box{XMax: 30, YMax: 40}).Box)

	sure := smallModel(t, func(m *models.Model) { m.Config.Merge.Calibration = [4]float64{9, 0, 0, 0} })
	found := embed(t, newEmbedder(t, 2, sure), inputs)
	require.False(t, found[1].Told, "it is found without being told")
}

// TestGivenBoxIsTheFoundBox checks that the same box gives the same vector, whoever found it, and that the
// pixels outside the crop do not matter.
func TestGivenBoxIsTheFoundBox(t *testing.T) {
	e := newEmbedder(t, 2, smallModel(t))
	inputs := photos(8)
	for i, p := range embed(t, e, inputs) {
		if p.Status != catalog.StatusOK {
			continue
		}
		given := embed(t, e, []Input{{Image: inputs[i].Image, Box: &p.Box}})[0]
		require.Equal(t, p.Unsupervised, given.Unsupervised)
		require.Equal(t, p.Facets, given.Facets)
	}
	box := photo.Box{XMin: 10, YMin: 10, XMax: 20, YMax: 25}
	before := embed(t, e, []Input{{Image: inputs[0].Image, Box: &box}})[0]
	seen := box.Grow(e.model.Config.CropMargin)
	for y := range inputs[0].Image.Height {
		for x := range inputs[0].Image.Width {
			if (photo.Box{XMin: x, YMin: y, XMax: x + 1, YMax: y + 1}).Intersect(seen).Empty() {
				inputs[0].Image.Pix[3*(y*inputs[0].Image.Width+x)] ^= 255
			}
		}
	}
	after := embed(t, e, []Input{{Image: inputs[0].Image, Box: &box}})[0]
	require.Equal(t, before.Unsupervised, after.Unsupervised)
	require.Equal(t, before.DeepRank, after.DeepRank)
	require.Equal(t, before.Colours, after.Colours)
	crop := len(before.Cells) - e.model.Config.SurroundingsCells()
	require.Equal(t, before.Cells[:crop], after.Cells[:crop])
	require.NotEqual(t, before.Cells[crop:], after.Cells[crop:], "which are what is around the box")
}

func TestEmbedErrors(t *testing.T) {
	e := newEmbedder(t, 1, smallModel(t))
	inputs := photos(2)
	for _, box := range []photo.Box{{XMin: 500, YMin: 0, XMax: 600, YMax: 10}, {}, {XMin: 20, YMin: 20, XMax: 10, YMax: 30}} {
		inputs[1].Box = &box
		_, err := e.Embed(t.Context(), inputs)
		require.ErrorContains(t, err, "outside the photo")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := e.Embed(ctx, photos(1))
	require.ErrorIs(t, err, context.Canceled)
	got, err := e.Embed(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, got)

	backend := compute.NewWithOptions(compute.Options{})
	defer backend.Finalize()
	_, err = New(backend, &models.Model{Config: models.Config{Backbone: "kleid-xxl"}})
	require.ErrorContains(t, err, "kleid-xxl")
}

// TestLocatorGeometry gives the location network the same answer everywhere: eight pixels to each side of a
// cell's centre. The boxes must tile the part of the photo that is looked at, whatever the scale.
func TestLocatorGeometry(t *testing.T) {
	model := smallModel(t, func(m *models.Model) {
		for name, w := range m.Weights {
			if strings.HasPrefix(name, "location.") || strings.HasPrefix(name, "background.") {
				clear(w.Data)
			}
		}
		for i := range m.Weights["location.out.bias"].Data {
			m.Weights["location.out.bias"].Data[i] = 8.0 / 64
		}
		m.Config.Scales = [][2]int{{112, 160}}
		m.Config.Merge.MinIoU = 0.9 // no two tiles are one dress
		m.Config.Merge.MaxCandidates = 100
	})
	e := newEmbedder(t, 2, model)
	large := photo.New(1000, 500)
	of := func(width, height int) view {
		return view{large, photo.Box{XMin: 300, YMin: 100, XMax: 300 + width, YMax: 100 + height}}
	}
	places, _, _, err := e.locator.lookAt([]view{of(320, 224), of(160, 56)})
	require.NoError(t, err)

	want := map[photo.Box]bool{}
	for y := 0; y < 224; y += 32 {
		for x := 0; x < 320; x += 32 {
			want[photo.Box{XMin: 300 + x, YMin: 100 + y, XMax: 332 + x, YMax: 132 + y}] = true
		}
	}
	require.Len(t, places[0], 70)
	for _, p := range places[0] {
		require.Contains(t, want, p.Box)
		require.InDelta(t, 0.5, p.Evidence[0], 1e-6, "the foreground's logit is zero")
		require.InDelta(t, 1, p.Evidence[2], 1e-6, "a box agrees with itself")
	}
	// The second view is as wide as the picture and half as high: bars of 28 above and below.
	covered := 0
	for _, p := range places[1] {
		require.Zero(t, (p.Box.XMin-300)%16)
		require.Equal(t, p.Box, p.Box.Intersect(of(160, 56).frame))
		covered += p.Box.Area()
	}
	require.Equal(t, 160*56, covered)
}

func TestPredictCalibrates(t *testing.T) {
	logits := []float32{1, 2, 0, 0, 4, 0, 0}
	got := predict(facets[:2], logits)
	sum := math.Exp(1) + math.Exp(2) + 1
	require.Equal(t, "short", got[0].Label)
	require.InDelta(t, math.Exp(2)/sum, got[0].Probability, 1e-6)
	require.True(t, got[0].Confident)
	require.Equal(t, "v-neck", got[1].Label)
	require.InDelta(t, math.Exp(2)/(math.Exp(2)+3), got[1].Probability, 1e-6, "a temperature of 2 halves the logits")
}

// TestDefaultModelEmbeds goes the whole way with the shipped weights.
func TestDefaultModelEmbeds(t *testing.T) {
	model, err := models.Default()
	if err != nil {
		t.Skipf("no default weights yet: %v", err)
	}
	e := newEmbedder(t, 0, model)
	box := photo.Box{XMin: 10, YMin: 10, XMax: 35, YMax: 38}
	inputs := photos(3)
	inputs[0].Box = &box
	got := embed(t, e, inputs)
	require.Equal(t, catalog.StatusOK, got[0].Status)
	require.Len(t, got[0].Unsupervised, model.Config.EmbeddingSize)
	require.Len(t, got[0].Facets, len(model.Config.Facets)+1, "and the colour")
	require.Equal(t, got[1], embed(t, e, inputs[1:2])[0])
}

// TestReducedPhoto checks that boxes are those of the whole photo, also when only a part of its pixels is
// decoded, and that the vector is about the same.
func TestReducedPhoto(t *testing.T) {
	small := photos(1)[0].Image
	large := photo.New(1600, 1600*small.Height/small.Width)
	for y := range large.Height {
		for x := range large.Width {
			at := 3 * (min(y*small.Width/large.Width, small.Height-1)*small.Width + x*small.Width/large.Width)
			copy(large.Pix[3*(y*large.Width+x):], small.Pix[at:at+3])
		}
	}
	file, err := photo.EncodeJPEG(large, 95)
	require.NoError(t, err)
	decoded, err := photo.Decode(file, photo.DefaultLimits())
	require.NoError(t, err)
	opened, err := photo.Open(file, photo.DefaultLimits())
	require.NoError(t, err)
	require.Less(t, opened.Width, decoded.Width)
	e := newEmbedder(t, 2, smallModel(t))
	box := photo.Box{XMin: 300, YMin: 200, XMax: 1300, YMax: large.Height - 100}
	got := embed(t, e, []Input{{Image: decoded}, {Image: opened}, {Image: decoded, Box: &box}, {Image: opened, Box: &box}})
	require.Greater(t, got[0].Box.IoU(got[1].Box), 0.97)
	require.Greater(t, got[1].Box.XMax, opened.Width, "the whole photo's pixels")
	require.Equal(t, box, got[3].Box)
	var similarity float64
	for i, v := range got[2].Unsupervised {
		similarity += float64(v) * float64(got[3].Unsupervised[i])
	}
	require.Greater(t, similarity, 0.999)
}
