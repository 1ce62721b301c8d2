package kernels

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestTranscendentals(t *testing.T) {
	functions := []struct {
		name string
		run  func(dst, a []float32)
		want func(x float64) float64
	}{
		{"erf", Erf, math.Erf},
		{"tanh", Tanh, math.Tanh},
		{"exp", Exp, math.Exp},
		{"logistic", Logistic, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }},
	}
	levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 3))
		for _, f := range functions {
			worst := 0.0
			for _, scale := range []float64{1e-30, 1e-3, 1, 10, 100} {
				for n := range 70 {
					a := random(rng, n+3)
					for i := range a {
						a[i] *= float32(scale)
					}
					dst := random(rng, n+1)
					last := dst[n]
					f.run(dst[:n], a)
					for i, got := range dst[:n] {
						want := f.want(float64(a[i]))
						if float64(got) == want || want > math.MaxFloat32 && math.IsInf(float64(got), 1) {
							continue
						}
						d := math.Abs(float64(got) - want)
						if f.name == "exp" {
							d /= max(want, 1e-38) // what is smaller has fewer digits
						}
						worst = max(worst, d)
						if !(d <= 3e-7) {
							t.Fatalf("%s(%v) = %v, want %v", f.name, a[i], got, want)
						}
					}
					if dst[n] != last {
						t.Fatalf("%s writes beyond the end", f.name)
					}
				}
			}
			t.Logf("%s: worst %.2g", f.name, worst)
			limits := []float32{0, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), -200, 200, math.MaxFloat32, -math.MaxFloat32}
			got := make([]float32, len(limits))
			f.run(got, limits)
			for i, x := range limits {
				want := float32(f.want(float64(x)))
				if got[i] != want && !(got[i] != got[i] && want != want) && math.Abs(float64(got[i]-want)) > 1e-6 {
					t.Fatalf("%s(%v) = %v, want %v", f.name, x, got[i], want)
				}
			}
		}
	})
}
