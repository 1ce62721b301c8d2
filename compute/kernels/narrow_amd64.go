package kernels

import (
	"slices"
	"unsafe"
)

// The heights of the tiles with registers of 512 and of 256 bits.
var (
	heights512 = []int{12, 8, 4, 2, 1}
	heights256 = []int{6, 3, 1}
)

// byHeight returns what runs the tile of a height and width: full is of the tiles as wide as columns, narrow of
// the others, both in the order of heights.
func byHeight(heights []int, columns int, full, narrow []func(t *narrowTile)) func(t *narrowTile, rows, width int) {
	return func(t *narrowTile, rows, width int) {
		tiles := full
		if width < columns {
			tiles = narrow
		}
		tiles[slices.Index(heights, rows)](t)
	}
}

// writeWindows copies the runs of windows, which begin at image plus a row plus a run, one after another, each filled up
// with zeros to a multiple of four bytes, to rows of dst. It writes up to writtenBeyond bytes beyond a row.
func writeWindows(dst, image unsafe.Pointer, rows, runs []int, run, width int) {
	writeWindows512(dst, image, unsafe.Pointer(&rows[0]), len(rows), unsafe.Pointer(&runs[0]), len(runs), run, width)
}

//go:noescape
func writeWindows512(dst, image, rows unsafe.Pointer, count int, runs unsafe.Pointer, runCount, run, width int)
