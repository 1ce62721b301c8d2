package jpeg

import "github.com/klauspost/cpuid/v2"

// simd says whether the assembly is used. Tests turn it off.
var simd = cpuid.CPU.Supports(cpuid.AVX2)

// inverseAVX2 is inverse; dst has 7*stride+8 bytes at least. The block stays as it is.
//
//go:noescape
func inverseAVX2(dst *uint8, stride int, block *[64]int32)

// rgb1AVX2 converts 16*blocks pixels that have a chroma sample each, rgb2AVX2 those that have one for two.
//
//go:noescape
func rgb1AVX2(to, luma, blue, red *uint8, blocks int)

//go:noescape
func rgb2AVX2(to, luma, blue, red *uint8, blocks int)

// yccAVX2 is toYCbCr for 16*blocks pixels; it reads four bytes beyond them.
//
//go:noescape
func yccAVX2(luma, blue, red, rgb *uint8, blocks int)

// halveAVX2 is halve for 8*blocks samples.
//
//go:noescape
func halveAVX2(to, row0, row1 *uint8, blocks int)

// forwardAVX2 is transform.
//
//go:noescape
func forwardAVX2(to *[64]int16, samples *uint8, stride int, reciprocals *[64]float32) uint64
