package training

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/kleid-search/kleid/compute"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/linear"
)

func onCPU(t *testing.T) backends.Backend {
	backend, err := compute.New("")
	require.NoError(t, err)
	return backend
}

// TestProject agrees with the head that serves, without the texture and with it.
func TestProject(t *testing.T) {
	backend := onCPU(t)
	const n, size = 5, 16
	rng := rand.New(rand.NewPCG(5, 5))
	random := func(shape ...int) *models.Tensor {
		m := models.NewTensor(shape...)
		for i := range m.Data {
			m.Data[i] = float32(rng.NormFloat64())
		}
		return m
	}
	for _, texture := range []bool{false, true} {
		config := models.Config{Backbone: "kleid-s", EmbeddingSize: size, Texture: texture}
		ofCells, ofTexture := config.EmbeddingParts()
		require.Equal(t, texture, ofTexture > 0)
		const shape = 40
		weights := models.Weights{"unsupervised.weight": random(ofCells, shape), "unsupervised.bias": random(ofCells)}
		d := shape
		if texture {
			d += models.TextureFeatures
			weights["texture.weight"], weights["texture.bias"] = random(ofTexture, models.TextureFeatures), random(ofTexture)
		}
		cells := linear.Matrix{Rows: n, Columns: d, Data: random(n, d).Data}
		exec, err := graph.NewExec(backend, func(x *graph.Node) *graph.Node {
			net, whole := models.NewFrozenNet(weights), x
			if !texture {
				return config.UnsupervisedHead(net, whole, nil)
			}
			part := func(from, to int) *graph.Node {
				return graph.Slice(whole, graph.AxisRange(), graph.AxisRange(from, to))
			}
			return config.UnsupervisedHead(net, part(0, shape), part(shape, d))
		})
		require.NoError(t, err)
		out, err := exec.Exec1(tensors.FromFlatDataAndDimensions(cells.Data, n, d))
		require.NoError(t, err)
		require.Equal(t, []int{n, size}, out.Shape().Dimensions)
		want, err := tensors.CopyFlatData[float32](out)
		require.NoError(t, err)
		require.InDeltaSlice(t, want, project(cells, weights).Data, 1e-5)
	}
}

// TestFitTexture finds what the windows of a crop have in common: here one number in the second feature, among much that
// differs from window to window.
func TestFitTexture(t *testing.T) {
	const crops = 60 * textureLooks // looks at crops
	rng := rand.New(rand.NewPCG(6, 6))
	windows := linear.Matrix{Rows: crops, Columns: models.TextureWindows * models.TextureFeatures, Data: make([]float32, crops*models.TextureWindows*models.TextureFeatures)}
	cloth := make([]float64, crops)
	for i := range crops {
		if cloth[i] = rng.NormFloat64(); i%textureLooks > 0 {
			cloth[i] = cloth[i-1]
		}
		for j := range windows.Columns {
			windows.Row(i)[j] = float32(3 * rng.NormFloat64())
			if j%models.TextureFeatures == 1 {
				windows.Row(i)[j] = float32(cloth[i] + 0.2*rng.NormFloat64())
			}
		}
	}
	weights, err := fitTexture(windows, 4)
	require.NoError(t, err)
	layer := linear.Layer{Weight: weights["texture.weight"], Bias: weights["texture.bias"]}
	require.Equal(t, []int{4, models.TextureFeatures}, layer.Weight.Shape)
	var first, mean []float64
	for i := range crops {
		row := make([]float32, models.TextureFeatures)
		for j, v := range windows.Row(i) {
			row[j%models.TextureFeatures] += v / float32(models.TextureWindows)
		}
		out := layer.Of(row)
		first, mean = append(first, float64(out[0])), append(mean, float64(out[1]))
	}
	require.Greater(t, math.Abs(stat.Correlation(first, cloth, nil)), 0.99)
	require.Less(t, stat.StdDev(mean, nil), stat.StdDev(first, nil)/2)
	require.InDelta(t, 0, stat.Mean(first, nil), 1e-3)
}

// TestFitProjection decorrelates: components of the training cells have mean zero, no correlation, and
// the variance that partial whitening leaves.
func TestFitProjection(t *testing.T) {
	const n, d, size = 400, 24, 6
	rng := rand.New(rand.NewPCG(3, 3))
	cells := linear.Matrix{Rows: n, Columns: d, Data: make([]float32, n*d)}
	for i := range n {
		for j := range d {
			cells.Data[i*d+j] = float32(2 + rng.NormFloat64()*float64(d-j))
		}
	}
	weights, err := fitProjection(t.Context(), onCPU(t), cells, 1, size, nil)
	require.NoError(t, err)
	w, b := weights["unsupervised.weight"], weights["unsupervised.bias"]
	require.Equal(t, []int{size, d}, w.Shape)
	out := mat.NewDense(n, size, nil)
	for i := range n {
		for o := range size {
			v := float64(b.Data[o])
			for j := range d {
				v += float64(w.Data[o*d+j]) * float64(cells.Data[i*d+j])
			}
			out.Set(i, o, v)
		}
	}
	var c mat.SymDense
	c.SymOuterK(1.0/n, out.T())
	for o := range size {
		for p := range size {
			if o != p {
				require.InDelta(t, 0, c.At(o, p)/math.Sqrt(c.At(o, o)*c.At(p, p)), 1e-3)
			}
		}
	}
	for o := 1; o < size; o++ {
		require.GreaterOrEqual(t, c.At(o-1, o-1), c.At(o, o)*0.999, "components fall in variance")
	}
	_, err = fitProjection(t.Context(), onCPU(t), linear.Matrix{Rows: 3, Columns: d, Data: cells.Data[:3*d]}, 1, size, nil)
	require.ErrorContains(t, err, "fewer photos")
	_, err = fitProjection(t.Context(), onCPU(t), cells, 1, d+1, nil)
	require.ErrorContains(t, err, "24 features of a crop, fewer than the 25 numbers of an embedding")
}

// TestLayoutIsTempered finds that crops of the same cells in another order are nearer to each other than without
// tempering, and that weights temper as the cells do.
func TestLayoutIsTempered(t *testing.T) {
	row := []float32{1, 10, 3, 20} // two cells of two channels
	temperLayout(row, 1, 2)
	require.InDeltaSlice(t, []float32{1.7, 13.5, 2.3, 16.5}, row, 1e-5, "nearer to the mean cell, 2 and 15")

	const n, count, channels, size = 64, 3, 4, 5
	rng := rand.New(rand.NewPCG(3, 3))
	cells := linear.Matrix{Rows: n, Columns: count * channels, Data: make([]float32, n*count*channels)}
	for i := range cells.Data {
		cells.Data[i] = float32(rng.NormFloat64())
	}
	weights, err := fitProjection(t.Context(), onCPU(t), cells, count, size, nil)
	require.NoError(t, err)
	tempered := cells.Clone()
	temperLayout(tempered.Data, n, count)
	plain, err := principalComponents(t.Context(), onCPU(t), tempered, size, shrinkage, nil)
	require.NoError(t, err)
	got, want := project(cells, weights), project(tempered, models.Weights{"unsupervised.weight": plain.Weight, "unsupervised.bias": plain.Bias})
	for i := range got.Data {
		require.InDelta(t, want.Data[i], got.Data[i], 1e-4)
	}
}
