package models

import (
	"bytes"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// namesOf2015 are the weights of a bare network by the names of 2015, made up.
func namesOf2015(t *testing.T) Weights {
	t.Helper()
	w := Weights{}
	full := madeUpWeights(t, "inception_v3")
	add := func(name, layer string) {
		kernel := full[layer+".conv.weight"]
		require.NotNil(t, kernel, layer)
		w[name+".weight"], w[name+".bias"] = kernel, full[layer+".bn.bias"]
	}
	for name, layer := range stem2015 {
		add(name, layer)
	}
	for i, block := range blocks2015 {
		for tower, layers := range branches2015[kinds2015[i]] {
			for j, layer := range layers {
				name := "mixed"
				if i > 0 {
					name += "_" + string(rune('0'+i))
				}
				if tower != "" {
					name += "_" + tower
				}
				name += "_conv"
				if j > 0 {
					name += "_" + string(rune('0'+j))
				}
				add(name, block+"."+layer)
			}
		}
	}
	return w
}

// TestInceptionOf2015 reads the names of 2015: each of the 76 layers has its place, and its bias is what batch
// normalisation adds.
func TestInceptionOf2015(t *testing.T) {
	old := namesOf2015(t)
	require.Len(t, old, 2*76)
	loaded, err := LoadWeights(t.Context(), weightsPlaces["path"](t, encodeWeights(t, old)))
	require.NoError(t, err)
	require.Len(t, loaded, 5*76)
	net := NewFrozenNet(loaded)
	x := randomPixels(5, 1, 107, 107, 3)
	MustNewExec(testBackend(t), func(x *Node) *Node { return inceptionV3Mixed8.Features(net, x) }).MustExec1(x)
	require.Empty(t, net.Unused())
	kernel, bias := net.In("Mixed_7a").In("branch3x3_2").withEpsilon(inceptionEpsilon).folded("conv", "bn", 320, 192, valid3x3(2))
	require.Equal(t, old["mixed_8_tower_conv_1.bias"].Data, bias)
	want := toGraph(old["mixed_8_tower_conv_1.weight"])
	require.InDeltaSlice(t, want.Data, kernel.Data, 1e-7)

	old["mixed_9_conv.weight"], old["mixed_9_conv.bias"] = NewTensor(4, 4, 1, 1), NewTensor(4)
	_, err = LoadWeights(t.Context(), weightsPlaces["path"](t, encodeWeights(t, old)))
	require.ErrorContains(t, err, `"mixed_9_conv" is not one of Inception v3`)
}

// TestFoldedNormalisationIsTrainedAsItIs: what starts from weights without a normalisation of their own computes in
// training what it was published as, and not what a batch's statistics would make of it; in float16 as well.
func TestFoldedNormalisationIsTrainedAsItIs(t *testing.T) {
	for name, precision := range map[string]Precision{"float32": Float32, "float16": Float16} {
		t.Run(name, func(t *testing.T) {
			published, err := fromNamesOf2015(namesOf2015(t))
			require.NoError(t, err)
			var b bytes.Buffer
			require.NoError(t, EncodeSafetensors(&b, published, nil, precision))
			initial, _, err := DecodeSafetensors(b.Bytes())
			require.NoError(t, err)
			x := randomPixels(5, 1, 107, 107, 3)
			of := func(net *Net, x *Node) *Node { return ReduceAllMean(inceptionV3Mixed8.Features(net, x)) }
			want := tensors.ToScalar[float32](MustNewExec(testBackend(t), func(x *Node) *Node { return of(NewFrozenNet(initial), x) }).MustExec1(x))
			trainer, err := NewTrainer(testBackend(t), func(net *Net, in []*Node) []*Node { return []*Node{of(net, in[0])} }, TrainerOptions{Initial: initial})
			require.NoError(t, err)
			losses, err := trainer.Step(1e-3, x)
			require.NoError(t, err)
			require.InEpsilon(t, want, losses[0], 1e-3)
			after, err := trainer.Weights()
			require.NoError(t, err)
			const norm = "Mixed_7a.branch3x3_2.bn."
			require.NotEqual(t, initial[norm+"bias"].Data, after[norm+"bias"].Data, "it learns")
			require.Equal(t, initial[norm+"running_var"].Data, after[norm+"running_var"].Data)
			require.Equal(t, initial[norm+"running_mean"].Data, after[norm+"running_mean"].Data)
		})
	}
}

// TestAveragePoolInside does not count what lies beyond the border.
func TestAveragePoolInside(t *testing.T) {
	x := tensors.FromFlatDataAndDimensions([]float32{1, 2, 3, 4, 5, 6}, 1, 2, 3, 1)
	for want, pool := range map[[6]float32]func(x *Node) *Node{
		{3, 3.5, 4, 3, 3.5, 4}:                                 averagePoolInside,
		{12. / 9, 21. / 9, 16. / 9, 12. / 9, 21. / 9, 16. / 9}: averagePool3x3,
	} {
		got := tensors.MustCopyFlatData[float32](MustNewExec(testBackend(t), pool).MustExec1(x))
		require.InDeltaSlice(t, want[:], got, 1e-6)
	}
}

// TestInceptionAuxiliary trains a second classifier in the network's middle. Its loss moves the layers before it
// and its own, which have torchvision's names, and none behind it; the model that comes of it has none of it.
func TestInceptionAuxiliary(t *testing.T) {
	var pass CropPass
	trainer, err := NewTrainer(testBackend(t), func(net *Net, in []*Node) []*Node {
		pass = Config{}.CropPass(net.In("trunk"), inceptionV3, in[0])
		main := ReduceAllMean(Square(FacetHead(net, "sleeve", Cells(pass.Features, 1, 1), 4)))
		auxiliary := ReduceAllMean(Square(AddScalar(FacetHead(AuxiliaryNet(net.In("trunk")), "sleeve", pass.Auxiliary, 4), -1)))
		return []*Node{Add(MulScalar(main, 0), MulScalar(auxiliary, AuxiliaryWeight)), auxiliary}
	}, TrainerOptions{Seed: 3})
	require.NoError(t, err)
	x := randomPixels(4, 2, 96, 64, 3)
	_, err = trainer.Step(0, x)
	require.NoError(t, err)
	require.Equal(t, []int{2, 768}, pass.Auxiliary.Shape().Dimensions)
	before, err := trainer.Weights()
	require.NoError(t, err)
	var losses []float64
	for range 3 {
		l, err := trainer.Step(1e-3, x)
		require.NoError(t, err)
		losses = append(losses, l[1])
	}
	require.Less(t, losses[2], losses[0])
	after, err := trainer.Weights()
	require.NoError(t, err)
	moved := func(name string) bool {
		require.NotNil(t, after[name], name)
		for i, v := range after[name].Data {
			if v != before[name].Data[i] {
				return true
			}
		}
		return false
	}
	for name, want := range map[string]bool{
		"trunk.AuxLogits.conv0.conv.weight": true, "trunk.AuxLogits.conv0.bn.bias": true, "trunk.AuxLogits.conv1.conv.weight": true,
		"trunk.AuxLogits.facets.sleeve.weight": true, "trunk.Conv2d_1a_3x3.conv.weight": true, "trunk.Mixed_6e.branch1x1.conv.weight": true,
		"trunk.Mixed_7a.branch3x3_1.conv.weight": false, "trunk.Mixed_7c.branch1x1.conv.weight": false,
	} {
		require.Equal(t, want, moved(name), name)
	}
	require.Equal(t, []int{128, 768, 1, 1}, after["trunk.AuxLogits.conv0.conv.weight"].Shape)
	require.Equal(t, []int{768, 128, 5, 5}, after["trunk.AuxLogits.conv1.conv.weight"].Shape)

	kept := after.WithoutAuxiliary()
	require.Less(t, len(kept), len(after))
	for name := range kept {
		require.False(t, strings.Contains(name, "AuxLogits"), name)
	}
	// At inference nothing of it is built, and what a file has of it is no reason to complain.
	net := NewFrozenNet(after.Sub("trunk."))
	MustNewExec(testBackend(t), func(x *Node) *Node {
		pass := Config{}.CropPass(net, inceptionV3, x)
		require.Nil(t, pass.Auxiliary)
		return pass.Features
	}).MustExec1(x)
	require.Empty(t, net.Unused())
	exported := after.Sub("trunk.")
	exported["AuxLogits.fc.weight"], exported["fc.weight"] = NewTensor(1000, 768), NewTensor(1000, 2048)
	var b bytes.Buffer
	require.NoError(t, EncodeSafetensors(&b, exported, nil, Float32))
	loaded, err := LoadWeights(t.Context(), weightsPlaces["path"](t, b.Bytes()))
	require.NoError(t, err)
	require.Contains(t, loaded, "AuxLogits.conv1.conv.weight")
	require.NotContains(t, loaded, "AuxLogits.fc.weight")
}
