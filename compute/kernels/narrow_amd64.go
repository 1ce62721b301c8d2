package kernels

import "slices"

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
