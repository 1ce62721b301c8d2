//go:build !amd64

package photo

// simd is false: there is no assembly for this platform.
var simd = false

func acrossAVX2(*uint8, int, *uint8, int, *int32, *int16, int, int) { panic("no assembly") }

func downAVX2(_, _ *uint8, _ int, _ *int16, _, _ int) { panic("no assembly") }

func normaliseAVX2(*float32, *uint8, *[normaliseBlock]float32, *[normaliseBlock]float32, int) {
	panic("no assembly")
}
