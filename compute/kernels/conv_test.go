package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// threads is a Parallel of goroutines.
type threads int

func (t threads) Workers() int { return int(t) }

func (t threads) For(n int, f func(i int)) {
	var wait sync.WaitGroup
	for w := range int(t) {
		wait.Go(func() {
			for i := w; i < n; i += int(t) {
				f(i)
			}
		})
	}
	wait.Wait()
}

// levels runs a test at each level that the CPU has.
func levels(t *testing.T, f func(t *testing.T)) {
	for _, l := range VectorLevels() {
		t.Run(l.String(), func(t *testing.T) {
			defer SetActive(l)()
			f(t)
		})
	}
}

func random(rng *rand.Rand, n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(rng.NormFloat64())
	}
	return s
}

// randomConv draws a convolution with odd sizes.
func randomConv(rng *rand.Rand) Conv {
	c := Conv{
		N: 1 + rng.IntN(3), H: 1 + rng.IntN(14), W: 1 + rng.IntN(14),
		KH: 1 + rng.IntN(4), KW: 1 + rng.IntN(4), StrideH: 1 + rng.IntN(3), StrideW: 1 + rng.IntN(3),
		DilationH: 1 + rng.IntN(2), DilationW: 1 + rng.IntN(2), Groups: 1,
	}
	c.C, c.O = 1+rng.IntN(40), 1+rng.IntN(70)
	switch rng.IntN(6) {
	case 0:
		c.Groups = 1 + rng.IntN(3)
		c.C, c.O = c.Groups*(1+rng.IntN(5)), c.Groups*(1+rng.IntN(5))
	case 1:
		c.Groups = 1 + rng.IntN(20)
		c.C, c.O = c.Groups, c.Groups
	case 2:
		c.KH, c.KW, c.StrideH, c.StrideW = 1, 1, 1, 1
	}
	c.PadTop, c.PadLeft = rng.IntN(c.KH+1), rng.IntN(c.KW+1)
	spanH, spanW := (c.KH-1)*c.DilationH+1, (c.KW-1)*c.DilationW+1
	c.OH = (c.H+c.PadTop+rng.IntN(c.KH+1)-spanH)/c.StrideH + 1
	c.OW = (c.W+c.PadLeft+rng.IntN(c.KW+1)-spanW)/c.StrideW + 1
	if c.OH < 1 || c.OW < 1 {
		return randomConv(rng)
	}
	return c
}

// each calls f for every product that the convolution sums: output, input and filter index.
func (c Conv) each(f func(out, in, filter int)) {
	cg, og := c.C/c.Groups, c.O/c.Groups
	for n := range c.N {
		for oh := range c.OH {
			for ow := range c.OW {
				c.taps(n, oh, ow, func(tap, at int) {
					for o := range c.O {
						for i := range cg {
							f(((n*c.OH+oh)*c.OW+ow)*c.O+o, at+o/og*cg+i, (tap*cg+i)*c.O+o)
						}
					}
				})
			}
		}
	}
}

func near(t *testing.T, what string, got []float32, want []float64, terms int) {
	t.Helper()
	for i := range want {
		if d := math.Abs(float64(got[i]) - want[i]); !(d <= 2e-6*math.Sqrt(float64(terms+10))*(1+math.Abs(want[i]))*4) {
			t.Fatalf("%s: at %d: got %v, want %v", what, i, got[i], want[i])
		}
	}
}

func checkConv(t *testing.T, rng *rand.Rand, c Conv) {
	t.Helper()
	x, w := random(rng, c.N*c.H*c.W*c.C), random(rng, c.KH*c.KW*c.C/c.Groups*c.O)
	dy, bias := random(rng, c.N*c.OH*c.OW*c.O), random(rng, c.O)
	residual := random(rng, len(dy))
	y, dx, dw := make([]float64, len(dy)), make([]float64, len(x)), make([]float64, len(w))
	c.each(func(out, in, filter int) {
		y[out] += float64(x[in]) * float64(w[filter])
		dx[in] += float64(dy[out]) * float64(w[filter])
		dw[filter] += float64(dy[out]) * float64(x[in])
	})
	for _, workers := range []int{1, 3} {
		p := threads(workers)
		what := fmt.Sprintf("%+v, %d workers", c, workers)
		terms := c.KH * c.KW * c.C
		got := random(rng, len(dy))
		ConvForward(p, c, got, x, w, Epilogue{})
		near(t, "forward "+what, got, y, terms)

		finished := make([]float64, len(y))
		for i, v := range y {
			finished[i] = max(0, v+float64(bias[i%c.O])+float64(residual[i]))
		}
		PackConv(c, w).Forward(p, c, got, x, Epilogue{Bias: bias, Residual: residual, ReLU: true})
		near(t, "finished "+what, got, finished, terms)

		got = random(rng, len(x))
		ConvGradInput(p, c, got, dy, w)
		near(t, "gradient of the input "+what, got, dx, c.KH*c.KW*c.O)

		got = random(rng, len(w))
		ConvGradFilter(p, c, got, x, dy)
		near(t, "gradient of the filter "+what, got, dw, c.N*c.OH*c.OW)
	}
}

func TestConv(t *testing.T) {
	levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 1))
		for range 150 {
			checkConv(t, rng, randomConv(rng))
		}
		// Deep enough for several chunks of the window, and wide enough for a set conflict.
		checkConv(t, rng, Conv{N: 1, H: 5, W: 4, C: 512, OH: 5, OW: 4, O: 48, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadTop: 1, PadLeft: 1, DilationH: 1, DilationW: 1, Groups: 1})
		checkConv(t, rng, Conv{N: 1, H: 3, W: 3, C: 1024, OH: 3, OW: 3, O: 20, KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 1})
	})
}

func FuzzConv(f *testing.F) {
	f.Add(uint64(1))
	f.Add(uint64(99))
	f.Fuzz(func(t *testing.T, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 2))
		checkConv(t, rng, randomConv(rng))
	})
}

// TestForwardIsBitIdentical checks that an image's result does not depend on its neighbours in the
// batch, its place in it, or the number of workers.
func TestForwardIsBitIdentical(t *testing.T) {
	levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 1))
		for range 40 {
			c := randomConv(rng)
			c.N = 5
			w, bias := random(rng, c.KH*c.KW*c.C/c.Groups*c.O), random(rng, c.O)
			x := random(rng, c.N*c.H*c.W*c.C)
			e := Epilogue{Bias: bias, ReLU: true}
			packed := PackConv(c, w)
			whole := make([]float32, c.N*c.OH*c.OW*c.O)
			packed.Forward(threads(3), c, whole, x, e)
			one := c
			one.N = 1
			in, out := len(x)/c.N, len(whole)/c.N
			for n := range c.N {
				alone := make([]float32, out)
				packed.Forward(threads(1+n%2), one, alone, x[n*in:(n+1)*in], e)
				for i := range alone {
					if math.Float32bits(alone[i]) != math.Float32bits(whole[n*out+i]) {
						t.Fatalf("%+v: image %d differs at %d", c, n, i)
					}
				}
			}
		}
	})
}

func TestGemm(t *testing.T) {
	levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 1))
		for range 200 {
			m, n, k := 1+rng.IntN(60), 1+rng.IntN(80), rng.IntN(90)
			transA, transB, add := rng.IntN(2) == 0, rng.IntN(2) == 0, rng.IntN(2) == 0
			lda, ldb, ldc := k+rng.IntN(3), n+rng.IntN(3), n+rng.IntN(3)
			if transA {
				lda = m + rng.IntN(3)
			}
			if transB {
				ldb = k + rng.IntN(3)
			}
			a, b, c := random(rng, max(m, k)*max(lda, 1)+m), random(rng, max(n, k)*max(ldb, 1)+n), random(rng, m*ldc)
			want := make([]float64, m*ldc)
			for i := range m {
				for j := range n {
					if add {
						want[i*ldc+j] = float64(c[i*ldc+j])
					}
					for p := range k {
						ai, bi := i*lda+p, p*ldb+j
						if transA {
							ai = p*lda + i
						}
						if transB {
							bi = j*ldb + p
						}
						want[i*ldc+j] += float64(a[ai]) * float64(b[bi])
					}
				}
				for j := n; j < ldc; j++ {
					want[i*ldc+j] = float64(c[i*ldc+j]) // what lies between the rows is left alone
				}
			}
			Gemm(threads(1+rng.IntN(3)), c, m, n, k, a, lda, transA, b, ldb, transB, ldc, add)
			near(t, fmt.Sprintf("%d x %d x %d", m, n, k), c, want, k)
		}
	})
}

func TestLevelNames(t *testing.T) {
	for l := Portable; l <= AVX512; l++ {
		got, err := parseLevel(l.String())
		if err != nil || got != l {
			t.Fatalf("%v: %v, %v", l, got, err)
		}
	}
	if _, err := parseLevel("sse"); err == nil {
		t.Fatal("sse is no level")
	}
}

// TestLongSums checks that sums of very many products are not off by what each addition rounds away, that
// they are the same for any number of workers, and with an operand that was packed before.
func TestLongSums(t *testing.T) {
	const k, value = 3*longestSum + 17, 0.1
	same := func(n int) []float32 {
		s := make([]float32, n)
		for i := range s {
			s[i] = value
		}
		return s
	}
	check := func(what string, got []float32, terms int) {
		t.Helper()
		want := float64(terms) * value * value
		for i, v := range got {
			if math.Abs(float64(v)/want-1) > 1e-4 {
				t.Fatalf("%s, %d: %v, want %v", what, i, v, want)
			}
		}
	}
	levels(t, func(t *testing.T) {
		const m, n = 17, 35
		rng := rand.New(rand.NewPCG(5, 1))
		a, b := random(rng, m*k), random(rng, k*n)
		want := make([]float32, m*n)
		Gemm(threads(1), want, m, n, k, a, k, false, b, n, false, n, false)
		got := make([]float32, m*n)
		Gemm(threads(3), got, m, n, k, a, k, false, b, n, false, n, false)
		packed := make([]float32, m*n)
		GemmPacked(threads(2), packed, n, m, a, k, PackB(b, n, k, n, false), Epilogue{})
		for i := range want {
			if want[i] != got[i] || want[i] != packed[i] {
				t.Fatalf("element %d: %v with one worker, %v with three, %v packed", i, want[i], got[i], packed[i])
			}
		}
		Gemm(threads(1), got, m, n, k, same(m*k), m, true, same(k*n), n, false, n, false)
		check("product", got, k)
		conv := Conv{N: 2, H: 160, W: 128, C: 3, OH: 160, OW: 128, O: 5, KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 1}
		terms := conv.N * conv.OH * conv.OW
		dw := make([]float32, conv.C*conv.O)
		ConvGradFilter(threads(1), conv, dw, same(terms*conv.C), same(terms*conv.O))
		check("gradient of filters", dw, terms)
		conv.C, conv.O, conv.Groups = 4, 4, 2
		ConvGradFilter(threads(1), conv, dw[:8], same(terms*conv.C), same(terms*conv.O))
		check("gradient of grouped filters", dw[:8], terms)
		conv.Groups = 4
		ConvGradFilter(threads(1), conv, dw[:4], same(terms*conv.C), same(terms*conv.O))
		check("gradient of depthwise filters", dw[:4], terms)
	})
}

// layers are those of kleid-s and ResNet-18.
func layers() []Conv {
	conv := func(size, c, o, k, s int) Conv {
		return Conv{N: 8, H: size, W: size, C: c, OH: size / s, OW: size / s, O: o, KH: k, KW: k, StrideH: s, StrideW: s, PadTop: (k - 1) / 2, PadLeft: (k - 1) / 2, DilationH: 1, DilationW: 1, Groups: 1}
	}
	return []Conv{
		conv(224, 3, 64, 7, 2), conv(56, 64, 64, 3, 1), conv(56, 64, 128, 3, 2), conv(56, 64, 128, 1, 2), conv(28, 128, 128, 3, 1),
		conv(14, 256, 256, 3, 1), conv(7, 512, 512, 3, 1), conv(56, 64, 256, 1, 1),
		conv(160, 3, 32, 3, 2), conv(80, 32, 48, 3, 2), conv(40, 48, 48, 3, 1), conv(20, 96, 96, 3, 1), conv(10, 192, 192, 3, 1),
	}
}

func BenchmarkConv(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, c := range layers() {
		x, w, y := random(rng, c.N*c.H*c.W*c.C), random(rng, c.KH*c.KW*c.C*c.O), random(rng, c.N*c.OH*c.OW*c.O)
		dx, dw := make([]float32, len(x)), make([]float32, len(w))
		packed := PackConv(c, w)
		for _, k := range []struct {
			name string
			run  func(p Parallel)
		}{
			{"forward", func(p Parallel) { packed.Forward(p, c, y, x, Epilogue{ReLU: true}) }},
			{"gradinput", func(p Parallel) { ConvGradInput(p, c, dx, y, w) }},
			{"gradfilter", func(p Parallel) { ConvGradFilter(p, c, dw, x, y) }},
		} {
			b.Run(fmt.Sprintf("%s/%dx%d/%d-%d/%d", k.name, c.H, c.KH, c.C, c.O, c.StrideH), func(b *testing.B) {
				best := time.Duration(math.MaxInt64)
				for b.Loop() {
					begun := time.Now()
					k.run(threads(2))
					best = min(best, time.Since(begun))
				}
				flop := 2 * float64(c.N*c.OH*c.OW*c.O) * float64(c.KH*c.KW*c.C)
				b.ReportMetric(flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				b.ReportMetric(flop/best.Seconds()/1e9, "best-GFLOP/s")
			})
		}
	}
}
