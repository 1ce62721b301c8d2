package models

import (
	"math"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
)

// sampledByDefinition is sampleAffine of one image, pixel by pixel, in float64.
func sampledByDefinition(x []float32, h, w, c int, theta []float32, border bool) []float64 {
	pixel := func(row, column, channel int) float64 {
		if border {
			row, column = max(0, min(row, h-1)), max(0, min(column, w-1))
		} else if row < 0 || row >= h || column < 0 || column >= w {
			return 0
		}
		return float64(x[(row*w+column)*c+channel])
	}
	out := make([]float64, h*w*c)
	for i := range h {
		for j := range w {
			u, v := float64(2*j+1)/float64(w)-1, float64(2*i+1)/float64(h)-1
			t := func(k int) float64 { return float64(theta[k]) }
			sx := ((t(0)*u+t(1)*v+t(2)+1)*float64(w) - 1) / 2
			sy := ((t(3)*u+t(4)*v+t(5)+1)*float64(h) - 1) / 2
			x0, y0 := math.Floor(sx), math.Floor(sy)
			fx, fy := sx-x0, sy-y0
			for k := range c {
				p := func(dy, dx int) float64 { return pixel(int(y0)+dy, int(x0)+dx, k) }
				out[(i*w+j)*c+k] = (1-fy)*((1-fx)*p(0, 0)+fx*p(0, 1)) + fy*((1-fx)*p(1, 0)+fx*p(1, 1))
			}
		}
	}
	return out
}

func TestSampleAffine(t *testing.T) {
	const h, w, c = 7, 5, 3
	maps := [][]float32{
		identityMap,
		{0.5, 0, 0.25, 0, 0.5, -0.25},         // a part
		{-1, 0, 0, 0, 1, 0},                   // mirrored
		{0.8, -0.6, 0.1, 0.6, 0.8, 0},         // turned
		{1.3, 0.2, -0.4, -0.1, 1.6, 0.7},      // beyond the border
		{1e6, 0, -3e9, 0, 1, 0},               // far beyond
		{1, 0, 2.0 / w, 0, 1, -2.0 / h},       // by a pixel
		{0, 0, 1 - 1.0/w, 0, 0, 1 - 1.0/h},    // the last pixel
		{0, 0, -1 + 1.0/w, 0, 0, -1 + 1.0/h},  // the first one
		{1, 0, -1.0 / w, 0, 1, 1.0 / h},       // by half a pixel
		{-0.9, -0.35, -0.2, 0.6, -0.7, 0.125}, // all at once
	}
	images := randomPixels(4, len(maps), h, w, c)
	x := tensors.MustCopyFlatData[float32](images)
	var flat []float32
	for _, m := range maps {
		flat = append(flat, m...)
	}
	theta := tensors.FromFlatDataAndDimensions(flat, len(maps), 2, 3)
	for _, border := range []bool{false, true} {
		got := tensors.MustCopyFlatData[float32](MustNewExec(testBackend(t), func(x, theta *Node) *Node {
			return sampleAffine(x, theta, border)
		}).MustExec1(images, theta))
		const size = h * w * c
		for i, m := range maps {
			if m[0] == 1e6 && border {
				continue // where float32 has lost the place
			}
			for j, want := range sampledByDefinition(x[i*size:(i+1)*size], h, w, c, m, border) {
				require.InDelta(t, want, got[i*size+j], 1e-5, "map %v, border %v, at %d", m, border, j)
			}
		}
		require.Equal(t, x[:size], got[:size], "the identity changes nothing")
	}
}

// TestSampleAffineGradients holds the gradients by image and map against differences.
func TestSampleAffineGradients(t *testing.T) {
	const h, w, c = 6, 5, 2
	image := tensors.MustCopyFlatData[float32](randomPixels(1, 1, h, w, c))
	out := randomPixels(2, 1, h, w, c)
	theta := []float32{0.83, -0.21, 0.07, 0.17, 0.74, -0.05}
	for _, border := range []bool{false, true} {
		loss := func(x, theta, out *Node) *Node { return ReduceAllSum(Mul(out, sampleAffine(x, theta, border))) }
		value := MustNewExec(testBackend(t), loss)
		gradient := MustNewExec(testBackend(t), func(x, theta, out *Node) []*Node {
			return Gradient(loss(x, theta, out), x, theta)
		})
		at := func(image, theta []float32) (x, y *tensors.Tensor) {
			return tensors.FromFlatDataAndDimensions(image, 1, h, w, c), tensors.FromFlatDataAndDimensions(theta, 1, 2, 3)
		}
		x, m := at(image, theta)
		gradients := gradient.MustExec(x, m, out)
		for which, values := range [][]float32{image, theta} {
			got := tensors.MustCopyFlatData[float32](gradients[which])
			for i := range values {
				const step = 1e-3
				measured := func(by float32) float64 {
					args := [][]float32{append([]float32(nil), image...), append([]float32(nil), theta...)}
					args[which][i] += by
					x, m := at(args[0], args[1])
					return float64(tensors.ToScalar[float32](value.MustExec1(x, m, out)))
				}
				require.InDelta(t, (measured(step)-measured(-step))/(2*step), got[i], 0.02*(1+math.Abs(float64(got[i]))), "input %d, at %d, border %v", which, i, border)
			}
		}
	}
}

func TestResampleArea(t *testing.T) {
	x := tensors.FromFlatDataAndDimensions([]float32{1, 2, 3, 4, 5, 6}, 1, 2, 3, 1)
	for want, size := range map[[4]float32][2]int{
		{1, 2, 3, 4}:                       {2, 3}, // the first ones of the image as it is
		{1, 1, 2, 2}:                       {2, 6},
		{3.5}:                              {1, 1},
		{4. / 3, 8. / 3, 13. / 3, 17. / 3}: {2, 2},
	} {
		got := tensors.MustCopyFlatData[float32](MustNewExec(testBackend(t), func(x *Node) *Node { return resampleArea(x, size[0], size[1]) }).MustExec1(x))
		require.Len(t, got, size[0]*size[1])
		for i := range min(4, len(got)) {
			require.InDelta(t, want[i], got[i], 1e-5, "%v", size)
		}
	}
}

// digits are drawn with 5 x 7 squares each.
var digits = [10][7]string{
	{".###.", "#...#", "#..##", "#.#.#", "##..#", "#...#", ".###."},
	{"..#..", ".##..", "..#..", "..#..", "..#..", "..#..", ".###."},
	{".###.", "#...#", "....#", "..##.", ".#...", "#....", "#####"},
	{"#####", "...#.", "..#..", "...#.", "....#", "#...#", ".###."},
	{"...#.", "..##.", ".#.#.", "#..#.", "#####", "...#.", "...#."},
	{"#####", "#....", "####.", "....#", "....#", "#...#", ".###."},
	{"..##.", ".#...", "#....", "####.", "#...#", "#...#", ".###."},
	{"#####", "....#", "...#.", "..#..", ".#...", ".#...", ".#..."},
	{".###.", "#...#", "#...#", ".###.", "#...#", "#...#", ".###."},
	{".###.", "#...#", "#...#", ".####", "....#", "...#.", ".##.."},
}

const digitSize = 32 // pixels of a picture of a digit

// place is where a digit is drawn: its centre, from -1 to 1, and its height as a share of the picture's.
type place struct{ x, y, height float64 }

// drawDigit paints a digit, each pixel the mean of 3 x 3 points, with noise.
func drawDigit(rng *rand.Rand, dst []float32, digit int, at place) {
	const points = 3
	// Rows and columns of the digit's squares, from its top left, in which the points lie.
	var rows, columns [digitSize * points]int
	for i := range rows {
		from := 2*(float64(i)+0.5)/(digitSize*points) - 1
		columns[i] = int(math.Floor((from-at.x)/(2*at.height)*7 + 2.5))
		rows[i] = int(math.Floor((from-at.y)/(2*at.height)*7 + 3.5))
	}
	for i := range digitSize {
		for j := range digitSize {
			sum := 0.0
			for _, v := range rows[i*points : (i+1)*points] {
				for _, u := range columns[j*points : (j+1)*points] {
					if u >= 0 && u < 5 && v >= 0 && v < 7 && digits[digit][v][u] == '#' {
						sum++
					}
				}
			}
			for k := range 3 {
				dst[(i*digitSize+j)*3+k] = float32(2*sum/(points*points) - 0.3 + 0.15*rng.NormFloat64())
			}
		}
	}
}

// drawDigits paints a batch of digits, shifted and scaled.
func drawDigits(rng *rand.Rand, n int) (x, y *tensors.Tensor, labels []int, places []place) {
	pixels, targets := make([]float32, n*digitSize*digitSize*3), make([]float32, n*10)
	for i := range n {
		label, height := rng.IntN(10), 0.35+0.4*rng.Float64()
		free := 1 - height
		at := place{free * (2*rng.Float64() - 1), free * (2*rng.Float64() - 1), height}
		drawDigit(rng, pixels[i*digitSize*digitSize*3:], label, at)
		targets[i*10+label] = 1
		labels, places = append(labels, label), append(places, at)
	}
	return tensors.FromFlatDataAndDimensions(pixels, n, digitSize, digitSize, 3), tensors.FromFlatDataAndDimensions(targets, n, 10), labels, places
}

// smallBackbone is two convolutions.
var smallBackbone = Backbone{
	Name: "small", Stride: 4, Channels: 16, Stages: 2,
	Build: func(net *Net, x *Node) *Node {
		x = net.Stage(1, ReLU(net.ConvNorm("a.conv", "a.bn", x, 8, 3, 2)))
		return net.Stage(2, ReLU(net.ConvNorm("b.conv", "b.bn", x, 16, 3, 2)))
	},
}

func correlation(a, b []float64) float64 {
	var sa, sb, aa, bb, ab float64
	for i := range a {
		sa, sb = sa+a[i], sb+b[i]
	}
	n := float64(len(a))
	for i := range a {
		x, y := a[i]-sa/n, b[i]-sb/n
		aa, bb, ab = aa+x*x, bb+y*y, ab+x*y
	}
	return ab / math.Sqrt(aa*bb)
}

// TestSpatialTransformerUndoesShiftsAndScales trains the same small network on the same digits, shifted and
// scaled, with and without a transformer. With it, more of the digits that it has not seen are right, and the
// maps are the inverse of what was done to the digits: what is drawn small is looked at from near.
func TestSpatialTransformerUndoesShiftsAndScales(t *testing.T) {
	const steps, batch, held = 400, 32, 500
	run := func(transformer *SpatialTransformerConfig) (accuracy float64, maps []float32, places []place) {
		config := Config{SpatialTransformer: transformer}
		logits := func(net *Net, x *Node) (y *Node, pass CropPass) {
			pass = config.CropPass(net.In("trunk"), smallBackbone, x)
			return net.Linear("out", Reshape(pass.Features, x.Shape().Dimensions[0], -1), 10), pass
		}
		trainer, err := NewTrainer(testBackend(t), func(net *Net, in []*Node) []*Node {
			y, pass := logits(net, in[0])
			loss := CrossEntropy(y, in[1])
			if pass.Penalty != nil {
				loss = Add(loss, pass.Penalty)
			}
			return []*Node{loss}
		}, TrainerOptions{Seed: 5})
		require.NoError(t, err)
		rng := rand.New(rand.NewPCG(1, 2))
		for step := range steps {
			x, y, _, _ := drawDigits(rng, batch)
			_, err := trainer.Step(CosineRate(3e-3, step, 20, steps), x, y)
			require.NoError(t, err)
		}
		weights, err := trainer.Weights()
		require.NoError(t, err)
		x, _, labels, places := drawDigits(rand.New(rand.NewPCG(3, 4)), held)
		outputs := MustNewExec(testBackend(t), func(x *Node) []*Node {
			y, pass := logits(NewFrozenNet(weights), x)
			if pass.Theta == nil {
				return []*Node{y}
			}
			return []*Node{y, pass.Theta}
		}).MustExec(x)
		got := tensors.MustCopyFlatData[float32](outputs[0])
		right := 0
		for i, label := range labels {
			best := 0
			for k := range 10 {
				if got[i*10+k] > got[i*10+best] {
					best = k
				}
			}
			if best == label {
				right++
			}
		}
		if len(outputs) > 1 {
			maps = tensors.MustCopyFlatData[float32](outputs[1])
		}
		return float64(right) / held, maps, places
	}
	without, _, _ := run(nil)
	for _, stage := range []string{"input", "stage1"} {
		with, maps, places := run(DefaultSpatialTransformer(stage))
		column := func(i int) (values []float64) {
			for at := i; at < len(maps); at += 6 {
				values = append(values, float64(maps[at]))
			}
			return values
		}
		var x, y, height []float64
		for _, p := range places {
			x, y, height = append(x, p.x), append(y, p.y), append(height, p.height)
		}
		t.Logf("at %s: %.3f right, %.3f without", stage, with, without)
		require.Greater(t, with, without+0.1, stage)
		require.Greater(t, with, 0.95, stage)
		for what, c := range map[string]struct {
			got, want []float64
			least     float64
		}{
			"shift to the side": {column(2), x, 0.9}, "shift up or down": {column(5), y, 0.9},
			"width": {column(0), height, 0.5}, "height": {column(4), height, 0.5},
		} {
			r := correlation(c.got, c.want)
			t.Logf("%s: %.3f", what, r)
			require.Greater(t, r, c.least, "%s at %s", what, stage)
		}
	}
}
