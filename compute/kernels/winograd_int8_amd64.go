package kernels

import "unsafe"

var (
	tilerInt16AVX2 = narrowTiler{rows: heights256, columns: 16, narrow: 16, run: byHeight(heights256, 16, []func(t *narrowTile){tile6x16Int16AVX2, tile3x16Int16AVX2, tile1x16Int16AVX2}, nil)}

	avx2WinogradInt8 = winogradInt8Code{product: &tilerInt16AVX2, input: winogradInputInt8, output: winogradOutputInt8, finish: finishSumsAVX2}
)

// winogradInt8Of returns nil where products of bytes are fast enough.
func winogradInt8Of(l Level) *winogradInt8Code {
	switch l {
	case AVX2, AVX512:
		return &avx2WinogradInt8
	}
	return nil
}

func finishSumsAVX2(t *narrowTile, rows int) {
	if rows == winogradOut {
		finish4x16Int8AVX2(t)
	} else {
		finish1x16Int8AVX2(t)
	}
}

//go:noescape
func winogradInputInt8(dst, src, scratch unsafe.Pointer, n, row, column, point int)

//go:noescape
func winogradOutputInt8(dst, src, start, scratch unsafe.Pointer, point int)

//go:noescape
func tile6x16Int16AVX2(t *narrowTile)

//go:noescape
func tile3x16Int16AVX2(t *narrowTile)

//go:noescape
func tile1x16Int16AVX2(t *narrowTile)

//go:noescape
func finish4x16Int8AVX2(t *narrowTile)

//go:noescape
func finish1x16Int8AVX2(t *narrowTile)
