package models

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	. "github.com/gomlx/gomlx/pkg/core/graph"
)

// inceptionV3Mixed8 is the Inception v3 that TensorFlow published in 2015, as far as its layer mixed_8, whose
// features serve other tasks well. It differs from torchvision's in that its average pools do not count what
// lies beyond the border. LoadWeights reads it by its own names.
var inceptionV3Mixed8 = inceptionBackbone("inception_v3_mixed8", 1280, inception{pool: averagePoolInside, untilMixed8: true})

// averagePoolInside is the 3x3 average pool, stride 1, of what lies within the image.
func averagePoolInside(x *Node) *Node {
	return MeanPool(x).Window(3).Strides(1).PaddingPerDim([][2]int{{1, 1}, {1, 1}}).Done()
}

// named2015 is whether weights have the names of 2015.
func named2015(w Weights) bool { return w["mixed_tower_1_conv_2.weight"] != nil }

// stem2015 and blocks2015 are torchvision's names of layers and blocks, by those of 2015.
var (
	stem2015 = map[string]string{
		"conv": "Conv2d_1a_3x3", "conv_1": "Conv2d_2a_3x3", "conv_2": "Conv2d_2b_3x3", "conv_3": "Conv2d_3b_1x1", "conv_4": "Conv2d_4a_3x3",
	}
	blocks2015 = []string{"Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e", "Mixed_7a"}
)

// branches2015 are, for each kind of block, torchvision's names of the layers of each tower, by the tower's name
// of 2015. One layer of a tower without a number has none of its own.
var branches2015 = map[byte]map[string][]string{
	'a': {
		"": {"branch1x1"}, "tower": {"branch5x5_1", "branch5x5_2"},
		"tower_1": {"branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"}, "tower_2": {"branch_pool"},
	},
	'b': {"": {"branch3x3"}, "tower": {"branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"}},
	'c': {
		"": {"branch1x1"}, "tower": {"branch7x7_1", "branch7x7_2", "branch7x7_3"},
		"tower_1": {"branch7x7dbl_1", "branch7x7dbl_2", "branch7x7dbl_3", "branch7x7dbl_4", "branch7x7dbl_5"}, "tower_2": {"branch_pool"},
	},
	'd': {"tower": {"branch3x3_1", "branch3x3_2"}, "tower_1": {"branch7x7x3_1", "branch7x7x3_2", "branch7x7x3_3", "branch7x7x3_4"}},
}

// kinds2015 are the kinds of blocks2015.
const kinds2015 = "aaabccccd"

// name2015 takes a layer's name of 2015 apart: block's number, tower, layer's number.
var name2015 = regexp.MustCompile(`^mixed(?:_(\d+))?(?:_(tower(?:_\d)?))?_conv(?:_(\d+))?$`)

// layer2015 is torchvision's name of a layer.
func layer2015(name string) (string, bool) {
	if stem, ok := stem2015[name]; ok {
		return stem, true
	}
	parts := name2015.FindStringSubmatch(name)
	if parts == nil {
		return "", false
	}
	// The first ones have no number.
	block, errBlock := strconv.Atoi(cmp.Or(parts[1], "0"))
	layer, errLayer := strconv.Atoi(cmp.Or(parts[3], "0"))
	if errBlock != nil || errLayer != nil || block >= len(blocks2015) {
		return "", false
	}
	tower := branches2015[kinds2015[block]][parts[2]]
	if layer >= len(tower) {
		return "", false
	}
	return blocks2015[block] + "." + tower[layer], true
}

// fromNamesOf2015 turns convolutions `x.weight` and `x.bias`, with batch normalisation folded in, into
// torchvision's, with a batch normalisation that changes nothing but adds the bias.
func fromNamesOf2015(w Weights) (Weights, error) {
	named := Weights{}
	for _, name := range w.Names() {
		base, isWeight := strings.CutSuffix(name, ".weight")
		if !isWeight {
			continue
		}
		layer, known := layer2015(base)
		kernel, bias := w[name], w[base+".bias"]
		if !known || len(kernel.Shape) != 4 || bias == nil || !slices.Equal(bias.Shape, kernel.Shape[:1]) {
			return nil, fmt.Errorf("layer %q is not one of Inception v3 of 2015 as far as mixed_8: a convolution with a bias", base)
		}
		ones := NewTensor(kernel.Shape[0])
		variance := ones.Clone()
		for i := range ones.Data {
			ones.Data[i] = 1
			// The nearest number to that by which the normalisation divides by exactly 1.
			variance.Data[i] = float32(1 - inceptionEpsilon)
		}
		named.Merge(layer+".", Weights{
			"conv.weight": kernel, "bn.weight": ones, "bn.bias": bias,
			"bn.running_mean": NewTensor(kernel.Shape[0]), "bn.running_var": variance,
		})
	}
	return named, nil
}
