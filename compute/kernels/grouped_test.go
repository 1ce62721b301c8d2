package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// taps calls f with the number of each tap of an output's window that lies in the image, and where its
// position's channels begin in the images.
func (c Conv) taps(n, oh, ow int, f func(tap, at int)) {
	for kh := range c.KH {
		y := oh*c.StrideH - c.PadTop + kh*c.DilationH
		if y < 0 || y >= c.H {
			continue
		}
		for kw := range c.KW {
			x := ow*c.StrideW - c.PadLeft + kw*c.DilationW
			if x >= 0 && x < c.W {
				f(kh*c.KW+kw, ((n*c.H+y)*c.W+x)*c.C)
			}
		}
	}
}

// randomGroupedConv draws kernels, strides and dilations as networks have them, and wider images and more
// channels than randomConv does; half of them are depthwise.
func randomGroupedConv(rng *rand.Rand) Conv {
	c := Conv{
		N: 1 + rng.IntN(2), H: 1 + rng.IntN(20), W: 1 + rng.IntN(30), KH: 1 + rng.IntN(7), KW: 1 + rng.IntN(7),
		StrideH: 1 + rng.IntN(3), StrideW: 1 + rng.IntN(3), DilationH: 1 + rng.IntN(3), DilationW: 1 + rng.IntN(3),
	}
	in, out := 1, 1
	c.Groups = 2 + rng.IntN(50)
	if rng.IntN(2) == 0 {
		in, out, c.Groups = 1+rng.IntN(20), 1+rng.IntN(20), 2+rng.IntN(9)
	}
	c.C, c.O = in*c.Groups, out*c.Groups
	c.PadTop, c.PadLeft = rng.IntN(c.KH*c.DilationH+1), rng.IntN(c.KW*c.DilationW+1)
	c.OH = (c.H+c.PadTop+rng.IntN(c.KH+1)-(c.KH-1)*c.DilationH-1)/c.StrideH + 1
	c.OW = (c.W+c.PadLeft+rng.IntN(c.KW+1)-(c.KW-1)*c.DilationW-1)/c.StrideW + 1
	if c.OH < 1 || c.OW < 1 {
		return randomGroupedConv(rng)
	}
	return c
}

func TestGroupedConv(t *testing.T) {
	levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(71, 1))
		for range 50 {
			checkConv(t, rng, randomGroupedConv(rng))
		}
	})
}

func FuzzGroupedConv(f *testing.F) {
	f.Add(uint64(1))
	f.Add(uint64(99))
	f.Fuzz(func(t *testing.T, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 3))
		checkConv(t, rng, randomGroupedConv(rng))
	})
}

// groupedLayers are depthwise and grouped convolutions of MobileNetV2, ConvNeXt and ResNeXt-50.
func groupedLayers() []Conv {
	conv := func(size, channels, kernel, stride, groups int) Conv {
		return Conv{N: 8, H: size, W: size, C: channels, OH: size / stride, OW: size / stride, O: channels, KH: kernel, KW: kernel,
			StrideH: stride, StrideW: stride, PadTop: (kernel - 1) / 2, PadLeft: (kernel - 1) / 2, DilationH: 1, DilationW: 1, Groups: groups}
	}
	return []Conv{
		conv(112, 32, 3, 1, 32), conv(112, 96, 3, 2, 96), conv(56, 144, 3, 1, 144), conv(28, 192, 3, 1, 192), conv(14, 384, 3, 1, 384), conv(7, 960, 3, 1, 960),
		conv(28, 120, 5, 1, 120), conv(14, 672, 5, 2, 672), conv(56, 96, 7, 1, 96), conv(14, 384, 7, 1, 384),
		conv(56, 128, 3, 1, 32), conv(28, 256, 3, 1, 32), conv(14, 512, 3, 1, 32), conv(7, 1024, 3, 1, 32),
	}
}

func BenchmarkGroupedConv(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, c := range groupedLayers() {
		x, w, y := random(rng, c.N*c.H*c.W*c.C), random(rng, c.KH*c.KW*c.C/c.Groups*c.O), random(rng, c.N*c.OH*c.OW*c.O)
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
			b.Run(fmt.Sprintf("%s/%dx%d/%d:%d/%d", k.name, c.H, c.KH, c.C, c.Groups, c.StrideH), func(b *testing.B) {
				best := time.Duration(math.MaxInt64)
				for b.Loop() {
					begun := time.Now()
					k.run(threads(2))
					best = min(best, time.Since(begun))
				}
				b.ReportMetric(2*float64(c.N*c.OH*c.OW*c.O)*float64(c.KH*c.KW*c.C/c.Groups)/best.Seconds()/1e9, "best-GFLOP/s")
			})
		}
	}
}

// TestCeiling checks the epilogue's last step on all kinds of convolutions.
func TestCeiling(t *testing.T) {
	levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(72, 1))
		for n := range 60 {
			c := randomConv(rng)
			if n%4 == 0 {
				c = randomWinograd(rng)
			}
			x, w := random(rng, c.N*c.H*c.W*c.C), random(rng, c.KH*c.KW*c.C/c.Groups*c.O)
			want, got := make([]float32, c.N*c.OH*c.OW*c.O), make([]float32, c.N*c.OH*c.OW*c.O)
			bias, residual := random(rng, c.O), random(rng, len(want))
			packed := PackConv(c, w)
			packed.Forward(threads(2), c, want, x, Epilogue{Bias: bias, Residual: residual, ReLU: true})
			packed.Forward(threads(2), c, got, x, Epilogue{Bias: bias, Residual: residual, ReLU: true, Ceiling: 1.5})
			for i, v := range want {
				if got[i] != min(v, 1.5) {
					t.Fatalf("%+v: at %d: got %v, want at most 1.5 of %v", c, i, got[i], v)
				}
			}
		}
	})
}
