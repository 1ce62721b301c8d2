package kernels

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// narrowLevels runs a test at each level that the CPU has.
func narrowLevels(t *testing.T, f func(t *testing.T)) {
	for _, l := range Levels() {
		t.Run(l.String(), func(t *testing.T) {
			defer SetActive(l)()
			f(t)
		})
	}
}

func randomBytes(rng *rand.Rand, n int) []uint8 {
	s := make([]uint8, n)
	for i := range s {
		s[i] = uint8(rng.Uint32())
	}
	return s
}

// extremes are the bytes whose sums are the largest.
func extremes(rng *rand.Rand, n int) []uint8 {
	s := make([]uint8, n)
	for i := range s {
		s[i] = uint8(255 * (rng.IntN(8) / 7))
		s[i] ^= 255
	}
	return s
}

func signed(s []uint8) []int8 {
	out := make([]int8, len(s))
	for i, v := range s {
		out[i] = int8(v)
	}
	return out
}

// sumsInt8 is the convolution by its definition.
func sumsInt8(c Conv, x []uint8, w []int8, zero uint8) []int64 {
	sums := make([]int64, c.N*c.OH*c.OW*c.O)
	for at := range sums {
		o, ow, oh, n := at%c.O, at/c.O%c.OW, at/c.O/c.OW%c.OH, at/c.O/c.OW/c.OH
		for kh := range c.KH {
			y := oh*c.StrideH - c.PadTop + kh*c.DilationH
			for kw := range c.KW {
				x0 := ow*c.StrideW - c.PadLeft + kw*c.DilationW
				if y < 0 || y >= c.H || x0 < 0 || x0 >= c.W {
					continue
				}
				for i := range c.C {
					value := int64(x[((n*c.H+y)*c.W+x0)*c.C+i]) - int64(zero)
					sums[at] += value * int64(w[((kh*c.KW+kw)*c.C+i)*c.O+o])
				}
			}
		}
	}
	return sums
}

// valueInt8 is the epilogue by its definition, before rounding.
func valueInt8(e EpilogueInt8, sum int64, at int, factor float32) float32 {
	o := at % len(e.Scale)
	bias := float32(0)
	if e.Bias != nil {
		bias = e.Bias[o] * factor
	}
	v := fusedMultiplyAdd(float32(sum), e.Scale[o]*factor, bias)
	if e.Residual != nil {
		v = fusedMultiplyAdd(float32(int32(e.Residual[at])-int32(e.ResidualZero)), e.ResidualScale*factor, v)
	}
	if e.ResidualFloat != nil {
		v = fusedMultiplyAdd(e.ResidualFloat[at], factor, v)
	}
	if e.ReLU && !(v > 0) {
		v = 0
	}
	return v
}

func byteOf(v float32, zero uint8) uint8 {
	rounded := math.RoundToEven(float64(v)) + float64(zero)
	if !(rounded > 0) {
		return 0
	}
	return uint8(min(rounded, 255))
}

func randomEpilogueInt8(rng *rand.Rand, o, outputs int) EpilogueInt8 {
	e := EpilogueInt8{
		Scale: make([]float32, o), ReLU: rng.IntN(2) == 0,
		Factor: float32(math.Exp(rng.NormFloat64())), Zero: uint8(rng.Uint32()),
	}
	for i := range e.Scale {
		e.Scale[i] = 0.02 * rng.Float32()
	}
	if rng.IntN(4) > 0 {
		e.Bias = random(rng, o)
		e.Bias[rng.IntN(o)] *= 1e30
	}
	switch rng.IntN(3) {
	case 0:
		e.Residual, e.ResidualScale, e.ResidualZero = randomBytes(rng, outputs), rng.Float32(), uint8(rng.Uint32())
	case 1:
		e.ResidualFloat = random(rng, outputs)
		e.ResidualFloat[rng.IntN(outputs)] = []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}[rng.IntN(3)]
	}
	return e
}

func checkConvInt8(t *testing.T, rng *rand.Rand, c Conv) {
	t.Helper()
	c.Groups = 1
	zero := uint8(rng.Uint32())
	x, w := randomBytes(rng, c.N*c.H*c.W*c.C), signed(randomBytes(rng, c.KH*c.KW*c.C*c.O))
	if rng.IntN(4) == 0 {
		x = extremes(rng, len(x))
	}
	if rng.IntN(3) == 0 { // few large filters among small ones, as trained networks have them
		for i := range w {
			if rng.IntN(40) > 0 {
				w[i] /= 3
			}
		}
	}
	sums := sumsInt8(c, x, w, zero)
	e := randomEpilogueInt8(rng, c.O, len(sums))
	want, wantFloat := make([]uint8, len(sums)), make([]float32, len(sums))
	for at, sum := range sums {
		want[at] = byteOf(valueInt8(e, sum, at, e.Factor), e.Zero)
		wantFloat[at] = valueInt8(e, sum, at, 1)
	}
	packed := PackConvInt8(c, w, zero)
	const guard = 64
	for _, workers := range []int{1, 3} {
		what := fmt.Sprintf("%+v, zero %d, bias %t, residuals %t and %t, ReLU %t, %d workers", c, zero, e.Bias != nil, e.Residual != nil, e.ResidualFloat != nil, e.ReLU, workers)
		got := randomBytes(rng, len(sums)+guard)
		after := slices.Clone(got[len(sums):])
		packed.Forward(threads(workers), c, got[:len(sums)], x, e)
		for at := range want {
			if got[at] != want[at] {
				t.Fatalf("%s: at %d: got %d, want %d", what, at, got[at], want[at])
			}
		}
		if !slices.Equal(got[len(sums):], after) {
			t.Fatalf("%s: written beyond the end", what)
		}
		floats := random(rng, len(sums)+guard)
		afterFloats := slices.Clone(floats[len(sums):])
		packed.ForwardFloat(threads(workers), c, floats[:len(sums)], x, e)
		for at := range wantFloat {
			if math.Float32bits(floats[at]) != math.Float32bits(wantFloat[at]) && !(floats[at] != floats[at] && wantFloat[at] != wantFloat[at]) {
				t.Fatalf("%s: at %d: got %v, want %v", what, at, floats[at], wantFloat[at])
			}
		}
		if !slices.Equal(floats[len(sums):], afterFloats) {
			t.Fatalf("%s: floats written beyond the end", what)
		}
	}
}

func TestConvInt8(t *testing.T) {
	narrowLevels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 1))
		for range 300 {
			checkConvInt8(t, rng, randomConv(rng))
		}
		same := func(n, size, c, o, k, stride int) Conv {
			return Conv{N: n, H: size, W: size, C: c, OH: (size + stride - 1) / stride, OW: (size + stride - 1) / stride, O: o, KH: k, KW: k, StrideH: stride, StrideW: stride, PadTop: (k - 1) / 2, PadLeft: (k - 1) / 2, DilationH: 1, DilationW: 1, Groups: 1}
		}
		for _, c := range []Conv{
			same(1, 33, 3, 64, 7, 2), same(2, 7, 128, 96, 3, 1), same(3, 14, 64, 48, 3, 1), same(1, 28, 32, 64, 1, 2), same(1, 9, 256, 80, 1, 1),
			same(5, 1, 512, 70, 1, 1), same(2, 3, 700, 33, 3, 1),
			{N: 1, H: 1, W: 5000, C: 2, OH: 1, OW: 4999, O: 3, KH: 1, KW: 2, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 1},
			{N: 2, H: 1, W: 5000, C: 3, OH: 1, OW: 5000, O: 5, KH: 1, KW: 3, StrideH: 1, StrideW: 1, PadLeft: 1, DilationH: 1, DilationW: 1, Groups: 1},
			same(1, 182, 4, 70, 1, 1), // outputs that are fetched ahead
		} {
			checkConvInt8(t, rng, c)
		}
		for _, c := range pixelsApart() {
			checkConvInt8(t, rng, c)
		}
	})
}

// pixelsApart are convolutions of 1 x 1 whose windows do not follow one another: the last columns or lines of images are
// left out, or the first lines are padding.
func pixelsApart() []Conv {
	columns := Conv{N: 3, H: 9, W: 8, C: 64, OH: 9, OW: 5, O: 40, KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 1}
	lines, padded := columns, columns
	lines.OH, lines.OW = 7, 8
	padded.OW, padded.PadTop = 8, 1
	return []Conv{columns, lines, padded}
}

// TestConvInt8Winograd computes by Winograd's filtering where it is worth while, with borders of every kind, and with
// filters whose sums are too large for it.
func TestConvInt8Winograd(t *testing.T) {
	narrowLevels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 2))
		for range 40 {
			c := Conv{N: 1 + rng.IntN(3), C: 16 * (2 + rng.IntN(3)), O: 16 * (2 + rng.IntN(3)), KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadTop: rng.IntN(3), PadLeft: rng.IntN(3), DilationH: 1, DilationW: 1, Groups: 1}
			c.OH, c.OW = 3+rng.IntN(12), 3+rng.IntN(12)
			c.H, c.W = max(c.OH-rng.IntN(3)+1, 1), max(c.OW-rng.IntN(3)+1, 1)
			checkConvInt8(t, rng, c)
		}
		// As many filters as are read once, by all workers.
		checkConvInt8(t, rng, Conv{N: 2, H: 7, W: 9, C: 256, OH: 7, OW: 9, O: 144, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadTop: 1, PadLeft: 1, DilationH: 1, DilationW: 1, Groups: 1})
		deep := Conv{N: 1, H: 4, W: 4, C: 128, OH: 4, OW: 4, O: 32, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadTop: 1, PadLeft: 1, DilationH: 1, DilationW: 1, Groups: 1}
		x, scale := make([]uint8, deep.H*deep.W*deep.C), make([]float32, deep.O)
		fill(x, 255)
		for i := range scale {
			scale[i] = 1
		}
		for _, v := range []int8{-128, 127, 115, 114, -115} { // 255·115·9·128 is more than 2^25, 255·114·9·128 is less
			w, got := make([]int8, 9*deep.C*deep.O), make([]float32, deep.OH*deep.OW*deep.O)
			for i := range w {
				w[i] = v
			}
			PackConvInt8(deep, w, 0).ForwardFloat(threads(2), deep, got, x, EpilogueInt8{Scale: scale})
			if want := 255 * float32(v) * 9 * 128; got[(deep.OW+1)*deep.O] != want {
				t.Fatalf("filters of %d: %v, want %v", v, got[(deep.OW+1)*deep.O], want)
			}
		}
	})
}

// TestConvInt8Deep sums as many of the largest products as PackConvInt8 takes.
func TestConvInt8Deep(t *testing.T) {
	narrowLevels(t, func(t *testing.T) {
		c := Conv{N: 1, H: 1, W: 2, C: maxDepthInt8, OH: 1, OW: 2, O: 3, KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 1}
		x, w := make([]uint8, 2*c.C), make([]int8, c.C*c.O)
		for i := range x {
			x[i] = 255
		}
		for i := range w {
			w[i] = -128
		}
		got := make([]float32, 6)
		PackConvInt8(c, w, 0).ForwardFloat(Serial{}, c, got, x, EpilogueInt8{Scale: []float32{1, 1, 1}})
		for _, v := range got {
			if v != float32(-255*128*maxDepthInt8) {
				t.Fatalf("got %v", v)
			}
		}
	})
}

// TestConvInt8Pairs multiplies each pair of filters by the largest bytes: their sum may be more than an int16 holds.
func TestConvInt8Pairs(t *testing.T) {
	narrowLevels(t, func(t *testing.T) {
		c := Conv{N: 1, H: 1, W: 1, C: 4, OH: 1, OW: 1, O: 1 << 16, KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 1}
		w, scale, got := make([]int8, c.C*c.O), make([]float32, c.O), make([]float32, c.O)
		for o := range c.O {
			w[o], w[c.O+o], w[2*c.O+o], w[3*c.O+o] = int8(o), int8(o>>8), int8(o>>8), int8(-o)
			scale[o] = 1
		}
		x := []uint8{255, 255, 255, 254}
		PackConvInt8(c, w, 0).ForwardFloat(Serial{}, c, got, x, EpilogueInt8{Scale: scale})
		for o, sum := range sumsInt8(c, x, w, 0) {
			if got[o] != float32(sum) {
				t.Fatalf("filters %d, %d, %d, %d: got %v, want %d", w[o], w[c.O+o], w[2*c.O+o], w[3*c.O+o], got[o], sum)
			}
		}
	})
}

// TestConvInt8InPlace writes over the residual.
func TestConvInt8InPlace(t *testing.T) {
	narrowLevels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(8, 1))
		for range 40 {
			c := randomConv(rng)
			c.Groups = 1
			x, w := randomBytes(rng, c.N*c.H*c.W*c.C), signed(randomBytes(rng, c.KH*c.KW*c.C*c.O))
			outputs := c.N * c.OH * c.OW * c.O
			e := randomEpilogueInt8(rng, c.O, outputs)
			e.Residual, e.ResidualFloat, e.ResidualScale = randomBytes(rng, outputs), nil, 0.3
			packed := PackConvInt8(c, w, 3)
			want := make([]uint8, outputs)
			packed.Forward(threads(2), c, want, x, e)
			packed.Forward(threads(2), c, e.Residual, x, e)
			if !slices.Equal(e.Residual, want) {
				t.Fatalf("%+v: another result in place", c)
			}
		}
	})
}

// TestFusedMultiplyAdd compares with arithmetic that rounds once because it is exact before.
func TestFusedMultiplyAdd(t *testing.T) {
	rng := rand.New(rand.NewPCG(14, 1))
	number := func(exponents int) float32 {
		return float32(math.Ldexp(float64(rng.IntN(1<<25)-1<<24), rng.IntN(exponents)-exponents/2))
	}
	for i := range 300_000 {
		a, b, c := number(60), number(60), number(120)
		if i%2 == 0 {
			// A sum near the middle of two numbers, which rounding twice gets wrong.
			a, b = float32(1<<24-1-rng.IntN(8)), float32(1+rng.IntN(8))
			c = float32(math.Ldexp(float64(rng.IntN(5)-2), -rng.IntN(40)))
		}
		exact := new(big.Float).SetPrec(600).SetFloat64(float64(a))
		exact.Mul(exact, new(big.Float).SetPrec(600).SetFloat64(float64(b)))
		exact.Add(exact, new(big.Float).SetPrec(600).SetFloat64(float64(c)))
		if want, _ := exact.Float32(); fusedMultiplyAdd(a, b, c) != want {
			t.Fatalf("%v·%v + %v: got %v, want %v", a, b, c, fusedMultiplyAdd(a, b, c), want)
		}
	}
	inf := float32(math.Inf(1))
	if got := fusedMultiplyAdd(inf, 1, 0); got != inf {
		t.Fatalf("infinity: %v", got)
	}
	if got := fusedMultiplyAdd(inf, 1, -inf); got == got {
		t.Fatalf("infinity less infinity: %v", got)
	}
	if got := fusedMultiplyAdd(3e38, 3e38, -1); got != inf {
		t.Fatalf("too large: %v", got)
	}
}

func FuzzConvInt8(f *testing.F) {
	f.Add(uint64(1))
	f.Add(uint64(99))
	f.Fuzz(func(t *testing.T, seed uint64) {
		for _, l := range Levels() {
			restore := SetActive(l)
			rng := rand.New(rand.NewPCG(seed, 2))
			checkConvInt8(t, rng, randomConv(rng))
			restore()
		}
	})
}

func TestPackConvInt8Refuses(t *testing.T) {
	for name, c := range map[string]Conv{
		"groups": {C: 4, O: 4, KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 2},
		"depth":  {C: maxDepthInt8 + 1, O: 1, KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 1},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: packed", name)
				}
			}()
			PackConvInt8(c, make([]int8, c.C*c.O), 0)
		}()
	}
}

func TestQuantise(t *testing.T) {
	narrowLevels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 1))
		for n := range 200 {
			x := random(rng, n)
			for i := range x {
				switch rng.IntN(12) {
				case 0:
					x[i] = float32(math.Round(float64(x[i]*20)))/2 + 0.5
				case 1:
					x[i] = []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 3e9, -3e9, 1e30}[rng.IntN(6)]
				}
			}
			factor, zero := float32(1+rng.IntN(90)), uint8(rng.Uint32())
			q := randomBytes(rng, n+1)
			after := q[n]
			Quantise(q[:n], x, factor, zero)
			back := random(rng, n+1)
			afterBack := back[n]
			Dequantise(back[:n], q[:n], 1/factor, zero)
			for i, v := range x {
				if want := byteOf(v*factor, zero); q[i] != want {
					t.Fatalf("%v times %v, zero %d: got %d, want %d", v, factor, zero, q[i], want)
				}
				if want := (float32(q[i]) - float32(zero)) * (1 / factor); back[i] != want {
					t.Fatalf("%d: got %v, want %v", q[i], back[i], want)
				}
			}
			if q[n] != after || back[n] != afterBack {
				t.Fatal("written beyond the end")
			}
		}
	})
}

func TestMaxUint8(t *testing.T) {
	narrowLevels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(10, 1))
		for n := range 300 {
			a, b := randomBytes(rng, n+1), randomBytes(rng, n+1)
			got := slices.Clone(a)
			MaxUint8(got[:n], b)
			for i := range n {
				if got[i] != max(a[i], b[i]) {
					t.Fatalf("the greater of %d and %d: %d", a[i], b[i], got[i])
				}
			}
			if got[n] != a[n] {
				t.Fatal("written beyond the end")
			}
		}
	})
}

func TestLevelsForNarrowNumbers(t *testing.T) {
	for l := range Level(len(levelNames)) {
		got, err := parseLevel(l.String())
		if err != nil || got != l {
			t.Fatalf("%v: %v, %v", l, got, err)
		}
		defer SetActive(l)()
		if ActiveNarrow() != l || Active() != l.Vector() || Active().Vector() != Active() {
			t.Fatalf("%v: %v for float32, %v for int8", l, Active(), ActiveNarrow())
		}
	}
}

// narrowLayers are the layers of ResNet-18, ResNet-50 and kleid-s that take the time.
func narrowLayers() []Conv {
	conv := func(n, h, w, c, o, k, s int) Conv {
		return Conv{N: n, H: h, W: w, C: c, OH: h / s, OW: w / s, O: o, KH: k, KW: k, StrideH: s, StrideW: s, PadTop: (k - 1) / 2, PadLeft: (k - 1) / 2, DilationH: 1, DilationW: 1, Groups: 1}
	}
	var all []Conv
	for _, n := range []int{1, 8} {
		all = append(all, conv(n, 224, 224, 3, 64, 7, 2), conv(n, 56, 56, 64, 64, 3, 1), conv(n, 56, 56, 64, 128, 3, 2), conv(n, 56, 56, 64, 128, 1, 2),
			conv(n, 28, 28, 128, 128, 3, 1), conv(n, 14, 14, 256, 256, 3, 1), conv(n, 7, 7, 512, 512, 3, 1),
			conv(n, 56, 56, 64, 256, 1, 1), conv(n, 56, 56, 256, 64, 1, 1), conv(n, 28, 28, 512, 128, 1, 1), conv(n, 14, 14, 1024, 256, 1, 1), conv(n, 7, 7, 512, 2048, 1, 1))
	}
	return append(all, conv(8, 192, 128, 3, 32, 3, 2), conv(8, 96, 64, 32, 48, 3, 2), conv(8, 48, 32, 48, 48, 3, 1), conv(8, 24, 16, 96, 96, 3, 1), conv(8, 12, 8, 192, 192, 3, 1))
}

func BenchmarkConvInt8(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, c := range narrowLayers() {
		x, y := randomBytes(rng, c.N*c.H*c.W*c.C), make([]uint8, c.N*c.OH*c.OW*c.O)
		w := signed(randomBytes(rng, c.KH*c.KW*c.C*c.O))
		for i := range w {
			w[i] /= 2 // of a filter only few are the largest
		}
		packed := PackConvInt8(c, w, 0)
		packed.Prepare(c)
		e := EpilogueInt8{Scale: make([]float32, c.O), Bias: make([]float32, c.O), ReLU: true, Factor: 1}
		b.Run(fmt.Sprintf("%d/%dx%d/%dx%d/%d-%d/%d", c.N, c.H, c.W, c.KH, c.KW, c.C, c.O, c.StrideH), func(b *testing.B) {
			best := time.Duration(math.MaxInt64)
			for b.Loop() {
				begun := time.Now()
				packed.Forward(threads(2), c, y, x, e)
				best = min(best, time.Since(begun))
			}
			operations := 2 * float64(c.N*c.OH*c.OW*c.O) * float64(c.KH*c.KW*c.C)
			b.ReportMetric(operations*float64(b.N)/b.Elapsed().Seconds()/1e9, "GOP/s")
			b.ReportMetric(operations/best.Seconds()/1e9, "best-GOP/s")
		})
	}
}
