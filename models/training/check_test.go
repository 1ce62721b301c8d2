package training

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/loop"
)

// TestMakeChecksPhotos refuses, before anything is painted, what there are too few photos or products for, and says how
// many it takes.
func TestMakeChecksPhotos(t *testing.T) {
	trained := models.DefaultConfig()
	for name, test := range map[string]struct {
		change func(o *Options)
		want   string
	}{
		"products for a batch":     {func(o *Options) { o.Paint.Products = 3 }, "trunk: a batch takes 4 painted products, and there are 3: paint 4 at least"},
		"crops for the components": {func(o *Options) { o.From = &models.Model{Config: trained}; o.Heads = []string{"projection"} }, "projection: 24 photos, 0 of them real, are fewer than the 512 components that they are to give: paint 256 products at least (--products), not 12"},
		"the same, behind a trunk": {func(o *Options) { o.Trunk.Config.EmbeddingSize = 32 }, "paint 16 products at least"},
		"products to tell apart": {func(o *Options) {
			o.Trunk.HalfSteps, o.Paint.Products, o.Trunk.PaintedPairs, o.Heads = 1, 1, 1, []string{"deeprank"}
		}, "deeprank: it takes two products at least"},
		"location of int8": {func(o *Options) {
			o.From = &models.Model{Config: trained, Weights: models.Weights{"background.conv.weight": {Shape: []int{1}, Int8: []int8{1}}}}
			o.Heads = []string{"background", "location"}
		}, "the model is int8, and so is what finds the dress, which cannot be trained on: train the float one that it was made of"},
		"weights, or steps":       {func(o *Options) { o.Trunk.HalfSteps, o.Trunk.FullSteps = 0, 0 }, "no weights to start from"},
		"weights of this network": {func(o *Options) { o.Trunk.Initial = models.Weights{"layer9.weight": models.NewTensor(1)} }, "another network's"},
		"weights of the teacher": {func(o *Options) {
			o.Trunk.Teacher = &Teacher{Weights: models.Weights{"layer9.weight": models.NewTensor(1)}, Components: 4}
		}, "teacher: these are not the weights of inception_v3_mixed8"},
		"all weights of this trunk": {func(o *Options) {
			o.Trunk.HalfSteps, o.Trunk.FullSteps, o.Trunk.Initial = 0, 0, models.Weights{"layer9.weight": models.NewTensor(1)}
		}, "not the weights of kleid-s: the weights lack"},
	} {
		options := tiny(t)
		options.Watch = func(string, loop.Progress) { t.Error(name, "goes on") }
		test.change(&options)
		_, err := Make(t.Context(), options)
		require.ErrorContains(t, err, test.want, name)
		before, _, _ := strings.Cut(err.Error(), ": ")
		require.Equal(t, 1, strings.Count(err.Error(), before+": "), name)
	}
	options := tiny(t)
	options.Trunk.Config.EmbeddingSize = 512
	require.Error(t, options.CheckPhotos(487))
	require.NoError(t, options.CheckPhotos(488), "a shop's photos count, too")
}

// TestLeastProducts are as few as do.
func TestLeastProducts(t *testing.T) {
	options := tiny(t)
	options.Trunk.Config.EmbeddingSize, options.Paint.Catalogue, options.Paint.Queries = 512, 3, 3
	for products, fails := range map[int]bool{170: true, 171: false} {
		options.Paint.Products = products
		err := options.CheckPhotos(0)
		require.Equal(t, fails, err != nil, products)
		if fails {
			require.ErrorContains(t, err, "paint 171 products at least")
		}
	}
}

// TestReferenceIsReadFirst: a folder without tables, and a box that is not in its photo, are known before photos are
// painted.
func TestReferenceIsReadFirst(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(dir string) error
		want  string
	}{
		"no table": {func(dir string) error { return os.Remove(filepath.Join(dir, "clothing", "dress_boxes.csv")) }, "dress_boxes.csv: no such file or directory; kleid train --help has the folder's layout"},
		"box outside": {func(dir string) error {
			table := "photo,x_min,y_min,x_max,y_max,fold\n0.jpg,9000,9000,9100,9100,0\n"
			return os.WriteFile(filepath.Join(dir, "ccp", "dress_boxes.csv"), []byte(table), 0o600)
		}, "0.jpg: the box {9000 9000 9100 9100} lies outside the photo"},
	} {
		options := tiny(t)
		options.Reference = reference(t)
		options.Watch = func(stage string, _ loop.Progress) { require.NotEqual(t, "painting", stage, name) }
		require.NoError(t, test.spoil(options.Reference.Dir))
		_, err := Make(t.Context(), options)
		require.ErrorContains(t, err, test.want, name)
	}
}
