package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func randomBF16(rng *rand.Rand, n int) []uint16 {
	s := make([]uint16, n)
	for i := range s {
		s[i] = toBF16(float32(rng.NormFloat64() * math.Exp2(float64(rng.IntN(8)-4))))
	}
	return s
}

// sumsBF16 is the convolution by its definition, each sum rounded to float32, and the sum of the absolute products.
func sumsBF16(c Conv, x, w []uint16) (sums, sizes []float32) {
	sums, sizes = make([]float32, c.N*c.OH*c.OW*c.O), make([]float32, c.N*c.OH*c.OW*c.O)
	c.each(func(out, in, filter int) {
		product := float64(fromBF16(x[in])) * float64(fromBF16(w[filter]))
		sums[out] = float32(float64(sums[out]) + product)
		sizes[out] += float32(math.Abs(product))
	})
	return sums, sizes
}

// sumsAMX is the convolution as TDPBF16PS sums (Intel's Software Developer's Manual, volume 2): a window's runs are filled up
// to whole pairs and lie one after another; of each 32 elements, the even and the odd ones are summed apart, both from zero,
// then together, and are added to the sum of those before. Denormal numbers are zeros.
func sumsAMX(c Conv, x, w []uint16) []float32 {
	type sum struct {
		chunk int
		parts [2]float32
		all   float32
	}
	sums := make([]sum, c.N*c.OH*c.OW*c.O)
	add := func(s *sum) {
		s.all = flushed(s.all + flushed(s.parts[0]+s.parts[1]))
		s.parts = [2]float32{}
	}
	window := newWindowRuns(c, 2)
	c.each(func(out, in, filter int) {
		s, element, run := &sums[out], filter/c.O, window.run/2
		at := element/run*window.steps*2 + element%run
		if chunk := at / 32; chunk != s.chunk {
			add(s)
			s.chunk = chunk
		}
		part := &s.parts[at%2]
		*part = flushed(fusedMultiplyAdd(flushed(fromBF16(x[in])), flushed(fromBF16(w[filter])), *part))
	})
	all := make([]float32, len(sums))
	for i := range sums {
		add(&sums[i])
		all[i] = sums[i].all
	}
	return all
}

// flushed is zero where v is denormal.
func flushed(v float32) float32 {
	if bits := math.Float32bits(v); bits&0x7f800000 == 0 {
		return math.Float32frombits(bits & 0x80000000)
	}
	return v
}

func finishedBF16(e EpilogueBF16, o int, sum float32, at int) float32 {
	if e.Bias != nil {
		sum += e.Bias[at%o]
	}
	if e.Residual != nil {
		sum += fromBF16(e.Residual[at])
	}
	if e.ReLU && sum < 0 {
		return 0
	}
	return sum
}

func checkConvBF16(t *testing.T, rng *rand.Rand, c Conv) {
	t.Helper()
	c.Groups = 1
	x, w := randomBF16(rng, c.N*c.H*c.W*c.C), randomBF16(rng, c.KH*c.KW*c.C*c.O)
	known := ActiveNarrow() != AVX512BF16 // in which order sums are made
	tiny := rng.IntN(5) == 0 && known
	if tiny {
		for i := range x {
			x[i] = uint16(rng.IntN(200)) | x[i]&0x8000
		}
	}
	sums, sizes := sumsBF16(c, x, w)
	if ActiveNarrow() == AMX {
		sums = sumsAMX(c, x, w) // but for zeros' signs: padding adds zeros, too
	}
	e := EpilogueBF16{ReLU: rng.IntN(2) == 0}
	if rng.IntN(3) > 0 && !tiny {
		e.Bias = random(rng, c.O)
		e.Bias[rng.IntN(c.O)] = []float32{float32(math.NaN()), float32(math.Inf(1)), 3.4e38, -1}[rng.IntN(4)]
	}
	if rng.IntN(2) == 0 && !tiny {
		e.Residual = randomBF16(rng, len(sums))
	}
	packed := PackConvBF16(c, w)
	for _, workers := range []int{1, 3} {
		what := fmt.Sprintf("%+v, bias %t, residual %t, ReLU %t, %d workers", c, e.Bias != nil, e.Residual != nil, e.ReLU, workers)
		const guard = 64
		floats := random(rng, len(sums)+guard)
		after := slices.Clone(floats[len(sums):])
		packed.ForwardFloat(threads(workers), c, floats[:len(sums)], x, e)
		got := make([]uint16, len(sums)+guard)
		packed.Forward(threads(workers), c, got[:len(sums)], x, e)
		for at, sum := range sums {
			want := finishedBF16(e, c.O, sum, at)
			if known {
				if math.Float32bits(floats[at]) != math.Float32bits(want) && !(ActiveNarrow() == AMX && floats[at] == want) && !(floats[at] != floats[at] && want != want) {
					t.Fatalf("%s: at %d: got %v, want %v", what, at, floats[at], want)
				}
			} else if d := math.Abs(float64(floats[at]) - float64(want)); !(d <= 1e-6*float64(sizes[at]+1)*math.Sqrt(float64(c.KH*c.KW*c.C))) && floats[at] != want && !(floats[at] != floats[at] && want != want) {
				t.Fatalf("%s: at %d: got %v, want %v", what, at, floats[at], want)
			}
			if rounded := toBF16(floats[at]); got[at] != rounded && !(floats[at] != floats[at] && fromBF16(got[at]) != fromBF16(got[at])) {
				t.Fatalf("%s: at %d: got %#x, want %v rounded, %#x", what, at, got[at], floats[at], rounded)
			}
		}
		if !slices.Equal(floats[len(sums):], after) || slices.ContainsFunc(got[len(sums):], func(v uint16) bool { return v != 0 }) {
			t.Fatalf("%s: written beyond the end", what)
		}
	}
}

func TestConvBF16(t *testing.T) {
	narrowLevels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(11, 1))
		for range 300 {
			checkConvBF16(t, rng, randomConv(rng))
		}
		checkConvBF16(t, rng, Conv{N: 2, H: 7, W: 7, C: 128, OH: 7, OW: 7, O: 96, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadTop: 1, PadLeft: 1, DilationH: 1, DilationW: 1, Groups: 1})
		// Windows in a row, and more of them than tiles compute together.
		checkConvBF16(t, rng, Conv{N: 2, H: 13, W: 7, C: 32, OH: 13, OW: 7, O: 70, KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 1})
		for _, c := range pixelsApart() {
			checkConvBF16(t, rng, c)
		}
		// Outputs that are fetched ahead.
		checkConvBF16(t, rng, Conv{N: 1, H: 130, W: 130, C: 4, OH: 130, OW: 130, O: 70, KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 1})
		checkConvBF16(t, rng, Conv{N: 1, H: 28, W: 28, C: 3, OH: 14, OW: 14, O: 64, KH: 7, KW: 7, StrideH: 2, StrideW: 2, PadTop: 3, PadLeft: 3, DilationH: 1, DilationW: 1, Groups: 1})
	})
}

// TestConvOfNothing has no products: filters without inputs, or without taps.
func TestConvOfNothing(t *testing.T) {
	narrowLevels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(11, 2))
		for _, size := range [][3]int{{1, 1, 0}, {3, 3, 0}, {0, 0, 4}, {0, 1, 4}, {1, 0, 4}} {
			c := Conv{N: 2, H: 3, W: 3, C: size[2], OH: 3, OW: 3, O: 33, KH: size[0], KW: size[1], StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 1}
			checkConvBF16(t, rng, c)
			checkConvInt8(t, rng, c)
		}
	})
}

// TestConvOfLongLines writes windows of a line in stretches that a cache holds.
func TestConvOfLongLines(t *testing.T) {
	narrowLevels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(11, 3))
		c := Conv{N: 1, H: 1, W: 150, C: 1000, OH: 1, OW: 150, O: 17, KH: 1, KW: 9, PadLeft: 4, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 1}
		checkConvBF16(t, rng, c)
		checkConvInt8(t, rng, c)
		w := narrowWorkspaces.Get().(*narrowWorkspace)
		defer narrowWorkspaces.Put(w)
		if room := narrowRows*2*c.KW*c.C + narrowMatrixBytes; cap(w.windows) > room {
			t.Fatalf("windows take %d bytes, more than %d", cap(w.windows), room)
		}
	})
}

func FuzzConvBF16(f *testing.F) {
	f.Add(uint64(1))
	f.Add(uint64(99))
	f.Fuzz(func(t *testing.T, seed uint64) {
		for _, l := range Levels() {
			restore := SetActive(l)
			rng := rand.New(rand.NewPCG(seed, 2))
			checkConvBF16(t, rng, randomConv(rng))
			restore()
		}
	})
}

// TestNarrowForwardIsBitIdentical checks that an image's result does not depend on its neighbours in the batch, its
// place in it, or the number of workers, at levels whose order of sums the CPU decides, too.
func TestNarrowForwardIsBitIdentical(t *testing.T) {
	narrowLevels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(12, 1))
		for range 40 {
			c := randomConv(rng)
			c.N, c.Groups = 5, 1
			x, whole := randomBF16(rng, c.N*c.H*c.W*c.C), make([]float32, c.N*c.OH*c.OW*c.O)
			packed := PackConvBF16(c, randomBF16(rng, c.KH*c.KW*c.C*c.O))
			e := EpilogueBF16{Bias: random(rng, c.O), ReLU: true}
			packed.ForwardFloat(threads(3), c, whole, x, e)
			one := c
			one.N = 1
			in, out := len(x)/c.N, len(whole)/c.N
			for n := range c.N {
				alone := make([]float32, out)
				packed.ForwardFloat(threads(1+n%2), one, alone, x[n*in:(n+1)*in], e)
				if !slices.Equal(alone, whole[n*out:(n+1)*out]) {
					t.Fatalf("%+v: image %d differs", c, n)
				}
			}
		}
	})
}

// TestNarrowForgets checks that neither what memory held before nor a neighbour's NaN comes into an image's result.
func TestNarrowForgets(t *testing.T) {
	narrowLevels(t, func(t *testing.T) {
		for seed := range uint64(150) {
			rng := rand.New(rand.NewPCG(seed, 16))
			c := randomConv(rng)
			c.Groups, c.N = 1, 3
			if seed%3 == 0 {
				c.C = 32 * (1 + rng.IntN(3))
				c.KH, c.KW, c.StrideH, c.StrideW, c.PadTop, c.PadLeft, c.OH, c.OW = 1, 1, 1, 1, 0, 0, c.H, c.W
			}
			packed := PackConvBF16(c, randomBF16(rng, c.KH*c.KW*c.C*c.O))
			x := randomBF16(rng, c.N*c.H*c.W*c.C)
			want, got := make([]float32, c.N*c.OH*c.OW*c.O), make([]float32, c.N*c.OH*c.OW*c.O)
			packed.ForwardFloat(Serial{}, c, want, x, EpilogueBF16{})
			setAll(x[len(x)/3:len(x)/3*2], []uint16{0x7fc0, 0x7f80, 0xff80}[rng.IntN(3)])
			w := narrowWorkspaces.Get().(*narrowWorkspace)
			setAll(w.windows[:cap(w.windows)], 0xff)
			setAll(w.image[:cap(w.image)], 0xff)
			nan := float32(math.NaN())
			setAll(w.out[:], nan)
			setAll(w.residue[:], nan)
			setAll(w.bias[:], nan)
			setAll(w.scale[:], nan)
			narrowWorkspaces.Put(w)
			packed.ForwardFloat(Serial{}, c, got, x, EpilogueBF16{})
			one := len(want) / 3
			for i := range want {
				if i/one != 1 && math.Float32bits(got[i]) != math.Float32bits(want[i]) {
					t.Fatalf("%+v, image %d: got %v, want %v", c, i/one, got[i], want[i])
				}
			}
		}
	})
}

func setAll[T any](s []T, v T) {
	for i := range s {
		s[i] = v
	}
}

func TestToBF16(t *testing.T) {
	for bits, want := range map[uint32]uint16{
		0x3f800000: 0x3f80, 0x3f808000: 0x3f80, 0x3f808001: 0x3f81, 0x3f818000: 0x3f82, 0x3f818001: 0x3f82,
		0x7f7fffff: 0x7f80, 0xff800000: 0xff80, 0x7f800001: 0x7fc0, 0xffffffff: 0xffff, 0x00008000: 0, 0x00008001: 1, 0x80000000: 0x8000,
	} {
		if got := toBF16(math.Float32frombits(bits)); got != want {
			t.Errorf("%#x: got %#x, want %#x", bits, got, want)
		}
	}
}

func TestBF16Slices(t *testing.T) {
	narrowLevels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(13, 1))
		for n := range 120 {
			x, a := make([]float32, n), make([]uint16, n+1)
			for i := range x {
				x[i], a[i] = math.Float32frombits(rng.Uint32()), uint16(rng.Uint32())
				switch rng.IntN(4) {
				case 0:
					x[i] = fromBF16(a[i])
				case 1:
					x[i] = math.Float32frombits(rng.Uint32() & 0xffff8000)
				}
			}
			got := make([]uint16, n+1)
			RoundBF16(got[:n], x)
			back := make([]float32, n+1)
			WidenBF16(back[:n], got[:n])
			greater := slices.Clone(got)
			MaxBF16(greater[:n], a[:n])
			for i, v := range x {
				if got[i] != toBF16(v) || math.Float32bits(back[i]) != uint32(got[i])<<16 {
					t.Fatalf("%#x: got %#x, and widened %#x", math.Float32bits(v), got[i], math.Float32bits(back[i]))
				}
				g, b := fromBF16(got[i]), fromBF16(a[i])
				if want := max(g, b); !same(fromBF16(greater[i]), want) && fromBF16(greater[i]) != want || greater[i] != got[i] && greater[i] != a[i] {
					t.Fatalf("the greater of %v and %v: %v", g, b, fromBF16(greater[i]))
				}
			}
			if got[n] != 0 || back[n] != 0 || greater[n] != 0 {
				t.Fatal("written beyond the end")
			}
		}
	})
}

func BenchmarkConvBF16(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, c := range narrowLayers() {
		x, y := randomBF16(rng, c.N*c.H*c.W*c.C), make([]uint16, c.N*c.OH*c.OW*c.O)
		packed := PackConvBF16(c, randomBF16(rng, c.KH*c.KW*c.C*c.O))
		e := EpilogueBF16{Bias: make([]float32, c.O), ReLU: true}
		b.Run(fmt.Sprintf("%d/%dx%d/%dx%d/%d-%d/%d", c.N, c.H, c.W, c.KH, c.KW, c.C, c.O, c.StrideH), func(b *testing.B) {
			for b.Loop() {
				packed.Forward(threads(2), c, y, x, e)
			}
			flop := 2 * float64(c.N*c.OH*c.OW*c.O) * float64(c.KH*c.KW*c.C)
			b.ReportMetric(flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}

// TestBF16KeepsNaNsAtHome: a NaN in an image changes no other image, whatever the number of workers, and ReLU
// keeps it.
func TestBF16KeepsNaNsAtHome(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 1))
	c := Conv{N: 4, H: 5, W: 6, C: 1, OH: 5, OW: 6, O: 20, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadTop: 1, PadLeft: 1, DilationH: 1, DilationW: 1, Groups: 1}
	narrowLevels(t, func(t *testing.T) {
		bits := func(n int) []uint16 {
			b := make([]uint16, n)
			for i := range b {
				b[i] = toBF16(float32(rng.NormFloat64()))
			}
			return b
		}
		packed := PackConvBF16(c, bits(9*c.O))
		x := bits(c.N * c.H * c.W)
		want, got := make([]uint16, c.N*c.OH*c.OW*c.O), make([]uint16, c.N*c.OH*c.OW*c.O)
		packed.Forward(threads(1), c, want, x, EpilogueBF16{ReLU: true})
		one := c.H * c.W
		for i := range one { // all of the third image
			x[2*one+i] = toBF16(float32(math.NaN()))
		}
		out := c.OH * c.OW * c.O
		for workers := 1; workers <= 4; workers++ {
			packed.Forward(threads(workers), c, got, x, EpilogueBF16{ReLU: true})
			for n := range c.N {
				if n == 2 {
					for _, v := range got[n*out : (n+1)*out] {
						if f := fromBF16(v); f == f {
							t.Fatalf("%v became of a NaN", f)
						}
					}
					continue
				}
				if !slices.Equal(want[n*out:(n+1)*out], got[n*out:(n+1)*out]) {
					t.Fatalf("image %d differs with %d workers", n, workers)
				}
			}
		}
	})
}
