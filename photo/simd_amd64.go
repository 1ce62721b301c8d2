package photo

import "github.com/klauspost/cpuid/v2"

// simd says whether the assembly is used. Tests turn it off.
var simd = cpuid.CPU.Supports(cpuid.AVX2)

// acrossAVX2 scales rowsAtOnce rows of RGB along their length. For each of count pixels it reads, in each
// row, groups * 12 bytes from its offset on, and loadSlack more. It writes 3*count bytes to each row, and one
// more.
//
//go:noescape
func acrossAVX2(to *uint8, toStride int, from *uint8, fromStride int, offsets *int32, weights *int16, groups, count int)

// downAVX2 writes blocks * blendBlock bytes, the weighted sums of 2*pairs rows.
//
//go:noescape
func downAVX2(to, from *uint8, stride int, weights *int16, pairs, blocks int)

// normaliseAVX2 writes blocks * normaliseBlock values, from*scale + offset.
//
//go:noescape
func normaliseAVX2(to *float32, from *uint8, scale, offset *[normaliseBlock]float32, blocks int)
