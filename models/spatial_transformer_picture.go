package models

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"

	"github.com/gomlx/gomlx/backends"
	. "github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/photo"
)

// pictureMargin is how much of a crop's size is around it in a picture, where a transformer may look too.
const pictureMargin = 0.25

var (
	pictureGround = color.RGBA{40, 40, 46, 255}
	pictureSides  = color.RGBA{255, 120, 0, 255} // of what is sampled
	pictureTop    = color.RGBA{0, 200, 90, 255}  // its upper side
)

// drawTransforms draws crops of one size, in rows of so many, each with the quadrilateral that its map theta
// samples (six numbers a crop, see sampleAffine); its upper side is green.
func drawTransforms(crops []*photo.Image, theta []float32, columns int) (*image.RGBA, error) {
	if len(crops) == 0 || len(theta) != 6*len(crops) || columns < 1 {
		return nil, fmt.Errorf("drawing transforms: %d crops and %d numbers of maps in %d columns do not fit together", len(crops), len(theta), columns)
	}
	width, height := crops[0].Width, crops[0].Height
	marginX, marginY := int(pictureMargin*float64(width)), int(pictureMargin*float64(height))
	cellWidth, cellHeight := width+2*marginX, height+2*marginY
	columns = min(columns, len(crops))
	picture := image.NewRGBA(image.Rect(0, 0, columns*cellWidth, (len(crops)+columns-1)/columns*cellHeight))
	draw.Draw(picture, picture.Bounds(), image.NewUniform(pictureGround), image.Point{}, draw.Src)
	for i, crop := range crops {
		if crop.Width != width || crop.Height != height {
			return nil, fmt.Errorf("drawing transforms: crop %d is %d x %d, the first %d x %d", i, crop.Width, crop.Height, width, height)
		}
		cell := image.Rect(0, 0, cellWidth, cellHeight).Add(image.Pt(i%columns*cellWidth, i/columns*cellHeight))
		for y := range height {
			for x := range width {
				p := crop.Pix[3*(y*width+x):]
				picture.SetRGBA(cell.Min.X+marginX+x, cell.Min.Y+marginY+y, color.RGBA{p[0], p[1], p[2], 255})
			}
		}
		t := theta[6*i : 6*i+6]
		corner := func(u, v float32) (x, y float64) {
			return float64(cell.Min.X+marginX) + float64(t[0]*u+t[1]*v+t[2]+1)/2*float64(width),
				float64(cell.Min.Y+marginY) + float64(t[3]*u+t[4]*v+t[5]+1)/2*float64(height)
		}
		inside := picture.SubImage(cell).(*image.RGBA)
		around := [5][2]float32{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}, {-1, -1}}
		for side := 3; side >= 0; side-- { // the upper side last, on top of the others
			x0, y0 := corner(around[side][0], around[side][1])
			x1, y1 := corner(around[side+1][0], around[side+1][1])
			c := pictureSides
			if side == 0 {
				c = pictureTop
			}
			drawLine(inside, x0, y0, x1, y1, c)
		}
	}
	return picture, nil
}

// drawLine draws a line two pixels wide, as far as it lies in the image.
func drawLine(m *image.RGBA, x0, y0, x1, y1 float64, c color.RGBA) {
	dx, dy := x1-x0, y1-y0
	length := math.Hypot(dx, dy)
	if !(length < 1e5) { // a map that is far off, or not a number
		return
	}
	steps := math.Ceil(2*length) + 1
	for i := 0.0; i <= steps; i++ {
		x, y := int(math.Floor(x0+dx*i/steps)), int(math.Floor(y0+dy*i/steps))
		for _, p := range [4]image.Point{{x, y}, {x - 1, y}, {x, y - 1}, {x - 1, y - 1}} {
			if p.In(m.Rect) {
				m.SetRGBA(p.X, p.Y, c)
			}
		}
	}
}

// PictureTransforms asks a model's spatial transformer about crops of the model's size, and draws what it says.
func (m *Model) PictureTransforms(backend backends.Backend, crops []*photo.Image, columns int) (*image.RGBA, error) {
	backbone, err := m.Trunk()
	if err != nil {
		return nil, err
	}
	height, width := m.Config.CropHeight, m.Config.CropWidth
	pixels := make([]float32, len(crops)*height*width*3)
	for i, crop := range crops {
		if crop.Width != width || crop.Height != height {
			return nil, fmt.Errorf("drawing transforms: crop %d is %d x %d, the model reads %d x %d", i, crop.Width, crop.Height, width, height)
		}
		photo.Normalise(pixels[i*height*width*3:], crop, backbone.Mean, backbone.Deviation)
	}
	exec, err := NewExec(backend, m.transformsGraph)
	if err != nil {
		return nil, err
	}
	defer exec.Finalize()
	theta, err := exec.Exec1(tensors.FromFlatDataAndDimensions(pixels, len(crops), height, width, 3))
	if err != nil {
		return nil, err
	}
	flat, err := tensors.CopyFlatData[float32](theta)
	if err != nil {
		return nil, err
	}
	return drawTransforms(crops, flat, columns)
}
