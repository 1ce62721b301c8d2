package training

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	"github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	mlcontext "github.com/gomlx/gomlx/pkg/ml/context"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/compute"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/loop"
	"github.com/kleid-search/kleid/storage"
)

// tiny is the smallest making of a model that goes through every stage.
func tiny(t *testing.T) Options {
	work, err := storage.Open(t.Context(), t.TempDir())
	require.NoError(t, err)
	backend, err := compute.New("")
	require.NoError(t, err)
	o := Options{
		Backend: backend, Work: work, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Trunk: DefaultTrunkOptions(), FacetLoss: DefaultFacetLoss(),
		Paint: PaintOptions{Domain: "test", Seed: 1, Products: 12, Catalogue: 2, Queries: 2, SceneEvery: 2, Backgrounds: 8},
	}
	o.Trunk.HalfSteps, o.Trunk.FullSteps = 3, 1
	o.Trunk.PaintedPairs, o.Trunk.Scenes = 4, 2
	o.Trunk.Config.EmbeddingSize = 16
	refine := models.DefaultRefineConfig()
	refine.Rows, refine.Columns = 2, 2 // a small system of equations
	o.Trunk.Config.Refine = &refine
	// Small crops, patches and photos, and yet several sizes of these.
	o.Trunk.Config.CropHeight, o.Trunk.Config.CropWidth = 144, 64
	o.Trunk.Config.PatchHeight, o.Trunk.Config.PatchWidth = 96, 64
	o.Trunk.Config.Scales = [][2]int{{128, 96}, {96, 64}}
	o.Steps = 4
	return o
}

// TestMake goes from nothing to a model that embeds a photo, and again from what the first run left.
func TestMake(t *testing.T) {
	options := tiny(t)
	ended := map[string]int{}
	options.Watch = func(stage string, p loop.Progress) {
		if p.Step == p.Steps {
			ended[stage]++
		}
	}
	model, err := Make(t.Context(), options)
	require.NoError(t, err)
	for _, counted := range []string{"refine: is there a dress", "location: how sure the first look is", "location: how sure the last look is"} {
		require.Equal(t, 1, ended[counted], counted)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	_, err = try(stopped, options.Backend, model, &Pool{Scenes: make([]Scene, 1)}, []int{0}, nil)
	require.ErrorIs(t, err, context.Canceled, "looking for thousands of dresses takes minutes")
	require.NoError(t, model.Weights.CheckFinite())
	looks := model.Weights["refine.weight"]
	for row := range slices.Chunk(looks.Data, looks.Shape[1]) {
		require.NotZero(t, slices.Max(row), "sides and presence follow from what the trunk sees")
	}
	file, err := storage.ReadAll(t.Context(), options.Work, modelKey, 1<<30)
	require.NoError(t, err)
	written, err := models.Decode(file)
	require.NoError(t, err)
	require.Equal(t, written.EmbeddingModel(), model.EmbeddingModel(), "an index is named after what is in the file")
	for _, f := range model.Config.Facets {
		require.Greater(t, f.Temperature, 0.0)
	}

	embedder, err := embedding.New(options.Backend, model)
	require.NoError(t, err)
	painted := studio.Products("test-embed", 1, 1)[0].Paint(studio.Shot{})
	photos, err := embedder.Embed(context.Background(), []embedding.Input{{Image: painted.Image, Box: &painted.Box}})
	require.NoError(t, err)
	require.Equal(t, catalog.StatusOK, photos[0].Status)
	require.Len(t, photos[0].Unsupervised, 16)
	require.Len(t, photos[0].Facets, len(model.Config.Facets)+1, "and the colour")

	// A second run finds every stage done and computes nothing: it needs no backend.
	options.Backend = nil
	again, err := Make(t.Context(), options)
	require.NoError(t, err)
	require.Equal(t, model.EmbeddingModel(), again.EmbeddingModel(), "what stages left is what they made")
}

// TestTrunkFromWeights keeps a trunk that others trained, with its stride of 32, as it is.
func TestTrunkFromWeights(t *testing.T) {
	options := tiny(t)
	options.Heads = []string{}
	options.Trunk.HalfSteps, options.Trunk.FullSteps = 0, 0
	var err error
	options.Trunk.Config, err = models.ConfigFor("resnet18")
	require.NoError(t, err)
	for _, size := range options.Trunk.Config.Scales {
		require.Zero(t, size[0]%32+size[1]%32)
	}
	_, err = Make(t.Context(), options)
	require.ErrorContains(t, err, "no weights to start from")

	options.Trunk.Initial = resNet18(t)
	model, err := Make(t.Context(), options)
	require.NoError(t, err)
	require.Equal(t, []int{64, 3, 7, 7}, model.Weights["trunk.conv1.weight"].Shape)

	// Another trunk in the same place is another stage.
	options.Trunk.Initial["conv1.weight"].Data[0] = 1
	model, err = Make(t.Context(), options)
	require.NoError(t, err)
	require.Equal(t, float32(1), model.Weights["trunk.conv1.weight"].Data[0])
	_, err = models.ConfigFor("alexnet")
	require.ErrorContains(t, err, "kleid-s")
}

// resNet18 are random weights.
func resNet18(t *testing.T) models.Weights {
	backbone, err := models.BackboneByName("resnet18")
	require.NoError(t, err)
	backend, err := compute.New("")
	require.NoError(t, err)
	ctx, g := mlcontext.New(), graph.NewGraph(backend, "resnet18")
	defer g.Finalize()
	backbone.Build(models.NewTrainingNet(ctx, nil, 1, false), graph.Parameter(g, "pixels", shapes.Make(dtypes.Float32, 1, 64, 64, 3)))
	weights, err := models.TrainedWeights(ctx)
	require.NoError(t, err)
	return weights
}

// TestMakeHead trains one head anew and leaves the rest as it was.
func TestMakeHead(t *testing.T) {
	options := tiny(t)
	model, err := Make(t.Context(), options)
	require.NoError(t, err)
	require.NotContains(t, model.Config.Notes, models.NoteParent)
	model.Config.Facets = append(model.Config.Facets, models.FacetConfig{Facet: catalog.Facet{Name: "fit", Labels: []string{"slim", "wide"}}, Temperature: 2})
	model.Weights["facets.fit.bias"] = models.NewTensor(2)
	options.From, options.Heads, options.Seed, options.Code = model, []string{"facets"}, 1, "v1"
	options.Stale = []string{"metrics.json", "facets.json"}
	require.NoError(t, options.Work.Put(t.Context(), "metrics.json", strings.NewReader("{}")))
	retrained, err := Make(t.Context(), options)
	require.NoError(t, err)
	require.Equal(t, model.EmbeddingModel(), retrained.EmbeddingModel())
	require.NotEqual(t, model.Weights["facets.sleeve.weight"], retrained.Weights["facets.sleeve.weight"])
	require.Equal(t, model.Config.Facets[len(model.Config.Facets)-1], retrained.Config.Facets[len(retrained.Config.Facets)-1], "a shop's own facet stays")
	_, err = options.Work.Stat(t.Context(), "metrics.json")
	require.ErrorIs(t, err, fs.ErrNotExist, "it is of the model before")
	require.Equal(t, map[string]string{models.NoteParent: model.SHA256, models.NoteCode: "v1"}, retrained.Config.Notes)

	options.Heads = []string{"nose"}
	_, err = Make(t.Context(), options)
	require.ErrorContains(t, err, "no head")
}

// TestMakeChecksParts refuses, before anything is painted, what the model lacks or cannot have.
func TestMakeChecksParts(t *testing.T) {
	narrow := models.DefaultConfig()
	narrow.Backbone, narrow.EmbeddingSize = "resnet18", 12*512+1
	for name, test := range map[string]struct {
		from  models.Config
		heads []string
		want  string
	}{
		"DeepRank of a trunk alone":             {models.DefaultConfig(), []string{"deeprank"}, "kleid train similarity"},
		"directions of a trunk alone":           {models.DefaultConfig(), []string{overrideHead}, "kleid train similarity"},
		"fewer features than the embedding has": {narrow, []string{"projection"}, "6144 features of a crop, fewer than the 6145 numbers"},
		"the same, and what is made of it":      {narrow, AllHeads, "more channels"},
	} {
		options := tiny(t)
		options.From, options.Heads = &models.Model{Config: test.from, Weights: models.Weights{}}, test.heads
		options.Watch = func(string, loop.Progress) { t.Error(name, "goes on") }
		_, err := Make(t.Context(), options)
		require.ErrorContains(t, err, test.want, name)
		require.Equal(t, err, options.Check())
	}
}

// TestHeadsOnce leaves out a fold where there are real photos alone. Without, facets are calibrated as they are trained.
func TestHeadsOnce(t *testing.T) {
	names := func(m *maker, excluded int) (names []string) {
		for _, s := range m.ofCrops(t.Context(), nil, excluded) {
			names = append(names, s.name)
		}
		return names
	}
	m := &maker{Options: Options{Heads: AllHeads, Reference: &datasets.Reference{}}}
	require.Equal(t, []string{"facets", "deeprank"}, names(m, calibrationFold))
	require.Equal(t, []string{"facets", "deeprank"}, names(m, -1))
	m.Reference = nil
	require.Equal(t, []string{"facets"}, names(m, calibrationFold))
	require.Equal(t, []string{"deeprank"}, names(m, -1))
}

// TestProjectionTellsOfDeepRank, which starts from it.
func TestProjectionTellsOfDeepRank(t *testing.T) {
	options := tiny(t)
	var log bytes.Buffer
	options.Logger = slog.New(slog.NewTextHandler(&log, nil))
	options.From, options.Heads = &models.Model{Config: options.Trunk.Config, Weights: models.Weights{}}, []string{"projection"}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // it is told at first
	_, err := Make(ctx, options)
	require.ErrorIs(t, err, context.Canceled)
	require.Contains(t, log.String(), "kleid train similarity trains both")
}
