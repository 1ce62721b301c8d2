package models

import (
	"math"

	. "github.com/gomlx/gomlx/pkg/core/graph"

	"github.com/kleid-search/kleid/photo"
)

// SurroundingsConfig says what facets read of what is around a dress: knees and feet, which lie below its hem, tell how
// long it is, and shoes and the place the occasion. They are features of the whole photo, as location's first look sees it
// in the largest of Config.Scales, pooled over a region around the dress (RoI pooling, https://arxiv.org/abs/1504.08083).
// Where location has looked they cost nothing more.
type SurroundingsConfig struct {
	// Beside, Above and Below are how far the region reaches beyond the dress's box, in shares of the box's width and
	// height.
	Beside float64 `json:"beside"`
	Above  float64 `json:"above"`
	Below  float64 `json:"below"`
	// Rows and Columns are the grid that the region's features are averaged over.
	Rows    int `json:"rows"`
	Columns int `json:"columns"`
}

// DefaultSurroundingsConfig reaches as far below the hem as half of the dress. Its cells are about as large as a crop's.
func DefaultSurroundingsConfig() SurroundingsConfig {
	return SurroundingsConfig{Beside: 0.25, Above: 0.25, Below: 0.5, Rows: 7, Columns: 2}
}

// WholeSize is the height and width in pixels of whole photos as SurroundingsGraph takes them.
func (c Config) WholeSize() (height, width int) { return c.Scales[0][0], c.Scales[0][1] }

// SurroundingsGraph maps whole photos [batch, height, width, 3] of WholeSize, normalised, to the features
// [batch, rows, columns, channels] that SurroundingsConfig.Cells pools.
func (m *Model) SurroundingsGraph(pixels *Node) *Node {
	return m.trunk(NewFrozenNet(m.Weights), pixels)
}

// WholeFeatures are the trunk's features of one whole photo.
type WholeFeatures struct {
	Features []float32 // [Rows, Columns, channels]
	Rows     int
	Columns  int
	Stride   int // pixels of the network's input from one feature to the next
	// Placement says where in the network's input the photo lies.
	Placement photo.Placement
}

// Cells pools the features around the dress in box, in pixels of the photo: [Rows, Columns, channels], flat. Beyond the
// network's input, and of a box without an area, features are 0. The same bits come on every platform.
func (c SurroundingsConfig) Cells(whole WholeFeatures, box photo.Box) []float32 {
	w, h := float64(box.Width()), float64(box.Height())
	x0, y0 := whole.Placement.FromPhoto(float64(box.XMin)-float64(c.Beside*w), float64(box.YMin)-float64(c.Above*h))
	x1, y1 := whole.Placement.FromPhoto(float64(box.XMax)+float64(c.Beside*w), float64(box.YMax)+float64(c.Below*h))
	stride := float64(whole.Stride)
	rows := spanShares(whole.Rows, c.Rows, y0/stride, y1/stride)
	columns := spanShares(whole.Columns, c.Columns, x0/stride, x1/stride)
	channels := len(whole.Features) / (whole.Rows * whole.Columns)
	cells := make([]float32, c.Rows*c.Columns*channels)
	for row, inRow := range rows {
		for column, inColumn := range columns {
			cell := cells[(row*c.Columns+column)*channels:][:channels]
			for y, ofY := range inRow {
				for x, ofX := range inColumn {
					share := ofY * ofX
					if share == 0 {
						continue
					}
					for i, v := range whole.Features[(y*whole.Columns+x)*channels:][:channels] {
						cell[i] += float32(share * v) // the conversion forbids a fused multiply-add
					}
				}
			}
		}
	}
	return cells
}

// spanShares are how much of each of so many features along an axis is in each of the cells that part the span from begin
// to end, in features: [cells][features].
func spanShares(features, cells int, begin, end float64) [][]float32 {
	size := (end - begin) / float64(cells)
	shares := make([][]float32, cells)
	for c := range shares {
		shares[c] = make([]float32, features)
		if !(size > 0) {
			continue
		}
		from, to := begin+float64(float64(c)*size), begin+float64(float64(c+1)*size)
		for f := max(int(math.Floor(from)), 0); f < min(int(math.Ceil(to)), features); f++ {
			within := min(to, float64(f+1)) - max(from, float64(f))
			shares[c][f] = float32(max(within, 0) / size)
		}
	}
	return shares
}

// SurroundingsCells is how many numbers the cells of surroundings are; 0 for a model that reads none.
func (c Config) SurroundingsCells() int {
	if c.Surroundings == nil {
		return 0
	}
	backbone, err := c.Trunk()
	if err != nil {
		panic(err)
	}
	return c.Surroundings.Rows * c.Surroundings.Columns * backbone.Channels
}
