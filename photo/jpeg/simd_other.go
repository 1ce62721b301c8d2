//go:build !amd64

package jpeg

// simd is false: there is no assembly for this platform.
var simd = false

func inverseAVX2(*uint8, int, *[64]int32) { panic("no assembly") }

func rgb1AVX2(_, _, _, _ *uint8, _ int) { panic("no assembly") }

func rgb2AVX2(_, _, _, _ *uint8, _ int) { panic("no assembly") }

func yccAVX2(_, _, _, _ *uint8, _ int) { panic("no assembly") }

func halveAVX2(_, _, _ *uint8, _ int) { panic("no assembly") }

func forwardAVX2(*[64]int16, *uint8, int, *[64]float32) uint64 { panic("no assembly") }
