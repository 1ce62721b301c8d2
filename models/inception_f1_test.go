package models

import (
	"encoding/csv"
	"encoding/json"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"
	"golang.org/x/image/draw"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/optimize"

	"github.com/kleid-search/kleid/photo"
)

// shared is where the weights and photos lie that are not part of the repository.
var shared = filepath.Join("..", "..", "shared")

// dressPhoto is a row of deepfashion5k.
type dressPhoto struct {
	path   string
	box    image.Rectangle
	labels map[string]string
	test   bool
}

func readDressPhotos(t *testing.T) []dressPhoto {
	t.Helper()
	dir := filepath.Join(shared, "data", "deepfashion5k")
	file, err := os.Open(filepath.Join(dir, "labels.csv"))
	if os.IsNotExist(err) {
		t.Skip("the photos are not there: data/deepfashion5k and weights/inception_v3_mixed8.f16.safetensors are expected in ../shared, beside the repository")
	}
	require.NoError(t, err)
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	var photos []dressPhoto
	for _, row := range rows[1:] {
		number := func(name string) int {
			n, err := strconv.Atoi(row[column[name]])
			require.NoError(t, err)
			return n
		}
		p := dressPhoto{
			path:   filepath.Join(dir, "images", row[column["image"]]),
			box:    image.Rect(number("x_min"), number("y_min"), number("x_max"), number("y_max")),
			labels: map[string]string{}, test: row[column["split"]] == "test",
		}
		for name, i := range column {
			p.labels[name] = row[i]
		}
		photos = append(photos, p)
	}
	return photos
}

// mixed8Features are the backbone's features of the boxes, resized to 299 x 299 whatever their shape, averaged
// over all places: [photos, 1280].
func mixed8Features(t *testing.T, photos []dressPhoto) [][]float64 {
	t.Helper()
	weights, err := LoadWeights(t.Context(), filepath.Join(shared, "weights", "inception_v3_mixed8.f16.safetensors"))
	require.NoError(t, err)
	net := NewFrozenNet(weights)
	exec := MustNewExec(testBackend(t), func(x *Node) *Node { return inceptionV3Mixed8.Features(net, x) })
	const size, batch = 299, 8
	var features [][]float64
	for at := 0; at < len(photos); at += batch {
		pixels := make([]float32, batch*size*size*3)
		count := min(batch, len(photos)-at)
		for i, p := range photos[at : at+count] {
			data, err := os.ReadFile(p.path)
			require.NoError(t, err)
			m, err := photo.Decode(data, photo.DefaultLimits())
			require.NoError(t, err)
			whole := image.NewRGBA(image.Rect(0, 0, m.Width, m.Height))
			for j := range m.Width * m.Height {
				copy(whole.Pix[4*j:], []uint8{m.Pix[3*j], m.Pix[3*j+1], m.Pix[3*j+2], 255})
			}
			small := image.NewRGBA(image.Rect(0, 0, size, size))
			draw.BiLinear.Scale(small, small.Bounds(), whole, p.box.Intersect(whole.Bounds()), draw.Src, nil)
			for j := range size * size {
				for k := range 3 {
					pixels[(i*size*size+j)*3+k] = (float32(small.Pix[4*j+k])/255 - inceptionV3Mixed8.Mean[k]) / inceptionV3Mixed8.Deviation[k]
				}
			}
		}
		y := exec.MustExec1(tensors.FromFlatDataAndDimensions(pixels, batch, size, size, 3))
		flat := tensors.MustCopyFlatData[float32](y)
		for i := range count {
			row := make([]float64, inceptionV3Mixed8.Channels)
			for j := range row {
				row[j] = float64(flat[i*len(row)+j])
			}
			features = append(features, row)
		}
	}
	require.Empty(t, net.Unused(), "every weight of the file has its layer")
	return features
}

// standardised is a copy of the rows that learn says, and of the others, by the first ones' means and deviations.
func standardised(rows [][]float64, learn []bool) (known, asked blas64.General) {
	columns := len(rows[0])
	sum, square, n := make([]float64, columns), make([]float64, columns), 0.0
	for i, row := range rows {
		if learn[i] {
			n++
			for j, v := range row {
				sum[j] += v
				square[j] += v * v
			}
		}
	}
	known, asked = blas64.General{Cols: columns, Stride: columns}, blas64.General{Cols: columns, Stride: columns}
	for i, row := range rows {
		m := &asked
		if learn[i] {
			m = &known
		}
		m.Rows++
		for j, v := range row {
			mean := sum[j] / n
			m.Data = append(m.Data, (v-mean)/(math.Sqrt(max(square[j]/n-mean*mean, 0))+1e-6))
		}
	}
	return known, asked
}

// fitLogistic fits a multinomial logistic regression with balanced classes, whose objective is
// c · Σ weight · cross-entropy + |W|²/2, and returns its answers. Classes that do not occur are never answered.
func fitLogistic(t *testing.T, known blas64.General, labels []int, classes int, c float64, asked blas64.General) []int {
	t.Helper()
	counts, occur := make([]float64, classes), 0.0
	for _, l := range labels {
		if counts[l] == 0 {
			occur++
		}
		counts[l]++
	}
	logits := func(x blas64.General, at []float64) blas64.General { // at is W [classes, columns], then b: products run along rows
		y := blas64.General{Rows: x.Rows, Cols: classes, Stride: classes, Data: make([]float64, x.Rows*classes)}
		for i := range x.Rows {
			copy(y.Data[i*classes:], at[x.Cols*classes:])
		}
		blas64.Gemm(blas.NoTrans, blas.Trans, 1, x, blas64.General{Rows: classes, Cols: x.Cols, Stride: x.Cols, Data: at}, 1, y)
		for i := range y.Data {
			if counts[i%classes] == 0 {
				y.Data[i] = -1e9
			}
		}
		return y
	}
	size := known.Cols * classes
	var loss float64
	var gradient, of []float64 // of is the place that both are of
	// both is the objective and its gradient, for which the optimiser asks one after the other.
	both := func(at []float64) (float64, []float64) {
		if slices.Equal(at, of) {
			return loss, gradient
		}
		of = slices.Clone(at)
		y := logits(known, at)
		loss = 0
		for i, label := range labels {
			row := y.Data[i*classes : (i+1)*classes]
			most := slices.Max(row)
			sum := 0.0
			for _, v := range row {
				sum += math.Exp(v - most)
			}
			weight := c * float64(len(labels)) / (occur * counts[label])
			loss += weight * (most + math.Log(sum) - row[label])
			for k, v := range row {
				row[k] = weight * math.Exp(v-most) / sum
			}
			row[label] -= weight
		}
		for _, v := range at[:size] {
			loss += v * v / 2
		}
		gradient = slices.Clone(at)
		blas64.Gemm(blas.Trans, blas.NoTrans, 1, y, known, 1, blas64.General{Rows: classes, Cols: known.Cols, Stride: known.Cols, Data: gradient})
		for k := range classes {
			gradient[size+k] = 0
			for i := range labels {
				gradient[size+k] += y.Data[i*classes+k]
			}
		}
		return loss, gradient
	}
	result, err := optimize.Minimize(optimize.Problem{
		Func: func(at []float64) float64 {
			loss, _ := both(at)
			return loss
		},
		Grad: func(gradient, at []float64) {
			_, g := both(at)
			copy(gradient, g)
		},
	}, make([]float64, size+classes), &optimize.Settings{GradientThreshold: 1e-5, MajorIterations: 2000}, &optimize.LBFGS{})
	require.NoError(t, err)
	answers := make([]int, asked.Rows)
	y := logits(asked, result.X)
	for i := range answers {
		row := y.Data[i*classes : (i+1)*classes]
		answers[i] = slices.Index(row, slices.Max(row))
	}
	return answers
}

// macroF1 is the mean F1 of the classes that occur.
func macroF1(truth, answers []int) float64 {
	sum, classes := 0.0, 0.0
	for class := range slices.Max(truth) + 1 {
		right, are, said := 0.0, 0.0, 0.0
		for i := range truth {
			if truth[i] == class {
				are++
			}
			if answers[i] == class {
				said++
			}
			if truth[i] == class && answers[i] == class {
				right++
			}
		}
		if are > 0 {
			classes++
			sum += 2 * right / (are + said)
		}
	}
	return sum / classes
}

// labelNumbers of a facet, in alphabetical order.
func labelNumbers(photos []dressPhoto, facet string) (numbers []int, classes int) {
	var names []string
	for _, p := range photos {
		names = append(names, p.labels[facet])
	}
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	for _, name := range names {
		numbers = append(numbers, slices.Index(sorted, name))
	}
	return numbers, len(sorted)
}

const regularisation = 0.003 // C, as the weights' README has it

// TestInceptionFeaturesTellFacets fits what the weights' README fits, and compares macro F1 with that of an
// implementation in PyTorch on the same photos (scripts/goldens/inception_f1.py). Each photo is asked about once,
// by a regression that learned from four fifths of the others, so that one answer that falls otherwise, where
// the decoders differ in a pixel, moves no figure by more than a third of what is allowed.
func TestInceptionFeaturesTellFacets(t *testing.T) {
	photos := readDressPhotos(t)
	data, err := os.ReadFile("testdata/inception_f1.json")
	require.NoError(t, err)
	var golden struct {
		Photos, Folds   int
		F1              map[string]float64
		Mean, Deviation float64
	}
	require.NoError(t, json.Unmarshal(data, &golden))
	photos = photos[:golden.Photos]
	features := mixed8Features(t, photos)
	var sum, squares, n float64
	for _, row := range features {
		for _, v := range row {
			sum, squares, n = sum+v, squares+v*v, n+1
		}
	}
	require.InEpsilon(t, golden.Mean, sum/n, 1e-3)
	require.InEpsilon(t, golden.Deviation, math.Sqrt(squares/n-(sum/n)*(sum/n)), 1e-3)
	for facet, want := range golden.F1 {
		labels, classes := labelNumbers(photos, facet)
		answers := make([]int, len(photos))
		for fold := range golden.Folds {
			learn := make([]bool, len(photos))
			var known []int
			for i := range photos {
				if learn[i] = i%golden.Folds != fold; learn[i] {
					known = append(known, labels[i])
				}
			}
			x, asked := standardised(features, learn)
			got := fitLogistic(t, x, known, classes, regularisation, asked)
			for i, at := 0, 0; i < len(photos); i++ {
				if !learn[i] {
					answers[i] = got[at]
					at++
				}
			}
		}
		f1 := macroF1(labels, answers)
		t.Logf("%s: macro F1 %.4f, PyTorch's %.4f", facet, f1, want)
		require.InDelta(t, want, f1, 0.01, facet)
	}
}

// TestInceptionFeaturesOnAllPhotos learns from the split's 3,980 photos and is asked about the other 1,020. The
// README's figures are of 1,000 other photos of the collection, so both are drawn from it: what is allowed is three
// deviations of the difference, the deviation taken from 200 bootstrap samples.
func TestInceptionFeaturesOnAllPhotos(t *testing.T) {
	if os.Getenv("KLEID_LONG") == "" {
		t.Skip("5,000 photos take minutes: `make test-long` sets KLEID_LONG and looks at them")
	}
	photos := readDressPhotos(t)
	features := mixed8Features(t, photos)
	learn := make([]bool, len(photos))
	for i, p := range photos {
		learn[i] = !p.test
	}
	x, asked := standardised(features, learn)
	for facet, readme := range map[string]float64{"sleeve": 0.881, "length": 0.833, "neckline": 0.547, "pattern": 0.616} {
		labels, classes := labelNumbers(photos, facet)
		var known, truth []int
		for i, label := range labels {
			if learn[i] {
				known = append(known, label)
			} else {
				truth = append(truth, label)
			}
		}
		answers := fitLogistic(t, x, known, classes, regularisation, asked)
		f1 := macroF1(truth, answers)
		rng := rand.New(rand.NewPCG(1, 2))
		var sum, squares float64
		const samples = 200
		for range samples {
			a, b := make([]int, len(truth)), make([]int, len(truth))
			for i := range a {
				j := rng.IntN(len(truth))
				a[i], b[i] = truth[j], answers[j]
			}
			f := macroF1(a, b)
			sum, squares = sum+f, squares+f*f
		}
		deviation := math.Sqrt(max(squares/samples-sum/samples*sum/samples, 0))
		t.Logf("%s: macro F1 %.3f ± %.3f, the README's %.3f", facet, f1, deviation, readme)
		require.InDelta(t, readme, f1, 3*math.Sqrt2*deviation, facet)
	}
}
