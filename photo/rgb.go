package photo

import (
	"image"
	"image/color"
)

// fromImage copies a decoded picture into 8-bit RGB, transparency laid over white. The numbers are
// those of the package color: the loops below only avoid its calls for each pixel.
func fromImage(src image.Image) *Image {
	b := src.Bounds()
	m := New(b.Dx(), b.Dy())
	row := func(pix []uint8, stride, y, size int) []uint8 {
		return pix[y*stride : y*stride+size*m.Width]
	}
	switch src := src.(type) {
	case *image.YCbCr:
		fromYCbCr(m, src)
	case *image.Gray:
		for y := range m.Height {
			to := m.row(y)
			for x, v := range row(src.Pix, src.Stride, y, 1) {
				to[3*x], to[3*x+1], to[3*x+2] = v, v, v
			}
		}
	case *image.NRGBA:
		for y := range m.Height {
			to, from := m.row(y), row(src.Pix, src.Stride, y, 4)
			for i, j := 0, 0; i+2 < len(to) && j+3 < len(from); i, j = i+3, j+4 {
				a := from[j+3]
				to[i], to[i+1], to[i+2] = overWhite(from[j], a), overWhite(from[j+1], a), overWhite(from[j+2], a)
			}
		}
	case *image.RGBA:
		for y := range m.Height {
			to, from := m.row(y), row(src.Pix, src.Stride, y, 4)
			for i, j := 0, 0; i+2 < len(to) && j+3 < len(from); i, j = i+3, j+4 {
				white := 255 - from[j+3] // alpha-premultiplied
				to[i], to[i+1], to[i+2] = from[j]+white, from[j+1]+white, from[j+2]+white
			}
		}
	case *image.Paletted:
		var palette [256][3]uint8
		for i, c := range src.Palette[:min(len(src.Palette), 256)] {
			palette[i] = rgbOverWhite(c)
		}
		for y := range m.Height {
			to := m.row(y)
			for x, v := range row(src.Pix, src.Stride, y, 1) {
				copy(to[3*x:3*x+3], palette[v][:])
			}
		}
	case *image.CMYK:
		for y := range m.Height {
			to, from := m.row(y), row(src.Pix, src.Stride, y, 4)
			for i, j := 0, 0; i+2 < len(to) && j+3 < len(from); i, j = i+3, j+4 {
				to[i], to[i+1], to[i+2] = color.CMYKToRGB(from[j], from[j+1], from[j+2], from[j+3])
			}
		}
	case image.RGBA64Image: // 16-bit pictures; At would take memory for each pixel
		for y := range m.Height {
			to := m.row(y)
			for x := range m.Width {
				c := src.RGBA64At(b.Min.X+x, b.Min.Y+y)
				white := 0xffff - c.A
				to[3*x], to[3*x+1], to[3*x+2] = uint8((c.R+white)>>8), uint8((c.G+white)>>8), uint8((c.B+white)>>8)
			}
		}
	default: // what may come
		for y := range m.Height {
			to := m.row(y)
			for x := range m.Width {
				c := rgbOverWhite(src.At(b.Min.X+x, b.Min.Y+y))
				copy(to[3*x:3*x+3], c[:])
			}
		}
	}
	return m
}

// row returns the bytes of a row.
func (m *Image) row(y int) []uint8 { return m.Pix[3*y*m.Width : 3*(y+1)*m.Width] }

// overWhite lays a value that is not premultiplied by its alpha over white.
func overWhite(v, alpha uint8) uint8 {
	if alpha == 255 {
		return v
	}
	return uint8((uint32(v)*uint32(alpha) + 255*(255-uint32(alpha)) + 127) / 255)
}

// overWhite lays the picture over white.
func (m *Image) overWhite(alpha []uint8, stride int) {
	for y := range m.Height {
		to := m.row(y)
		for x, a := range alpha[y*stride : y*stride+m.Width] {
			p := to[3*x : 3*x+3]
			p[0], p[1], p[2] = overWhite(p[0], a), overWhite(p[1], a), overWhite(p[2], a)
		}
	}
}

// rgbOverWhite lays any colour over white.
func rgbOverWhite(c color.Color) [3]uint8 {
	r, g, b, a := c.RGBA()
	white := 0xffff - a
	return [3]uint8{uint8((r + white) >> 8), uint8((g + white) >> 8), uint8((b + white) >> 8)}
}

// chromaShift returns by how many bits an x or y of the picture is shifted to that of its chroma.
func chromaShift(ratio image.YCbCrSubsampleRatio) (x, y int) {
	switch ratio {
	case image.YCbCrSubsampleRatio422:
		return 1, 0
	case image.YCbCrSubsampleRatio420:
		return 1, 1
	case image.YCbCrSubsampleRatio440:
		return 0, 1
	case image.YCbCrSubsampleRatio411:
		return 2, 0
	case image.YCbCrSubsampleRatio410:
		return 2, 1
	}
	return 0, 0
}

// fromYCbCr converts JPEG's colours (JFIF: full range), to the same numbers as color.YCbCrToRGB.
func fromYCbCr(m *Image, src *image.YCbCr) {
	shiftX, shiftY := chromaShift(src.SubsampleRatio)
	chromaWidth := (m.Width-1)>>shiftX + 1
	for y := range m.Height {
		to := m.row(y)
		lumas := src.Y[y*src.YStride:][:m.Width]
		at := (y >> shiftY) * src.CStride
		cbs, crs := src.Cb[at:][:chromaWidth], src.Cr[at:][:chromaWidth]
		for i, cb := range cbs {
			// In 16.16 fixed point.
			cb1, cr1 := int32(cb)-128, int32(crs[i])-128
			red, green, blue := 91881*cr1, -22554*cb1-46802*cr1, 116130*cb1
			x := i << shiftX
			for _, luma := range lumas[x:min(x+1<<shiftX, len(lumas))] {
				y1 := int32(luma) * 0x10101
				p := to[3*x : 3*x+3 : 3*x+3]
				p[0], p[1], p[2] = clamp16(y1+red), clamp16(y1+green), clamp16(y1+blue)
				x++
			}
		}
	}
}

// clamp16 rounds 16.16 fixed point down to 0..255.
func clamp16(v int32) uint8 {
	if uint32(v)&0xff000000 == 0 {
		return uint8(v >> 16)
	}
	return uint8(^(v >> 31))
}

// fromVideoYCbCr converts WebP's colours, which are those of video (ITU-R BT.601: luma 16..235,
// chroma 16..240), with the fixed-point numbers of RFC 6386 decoders. The package vp8 returns the
// planes as they are, and image.YCbCr would take them for full range: greyish black, dull colours.
func fromVideoYCbCr(src *image.YCbCr) *Image {
	b := src.Bounds()
	m := New(b.Dx(), b.Dy())
	for y := range m.Height {
		to := m.row(y)
		lumas := src.Y[y*src.YStride:][:m.Width]
		at := (y >> 1) * src.CStride
		cbs, crs := src.Cb[at:], src.Cr[at:]
		for x, luma := range lumas {
			y1 := int32(luma) * 19077 >> 8
			u, v := int32(cbs[x>>1]), int32(crs[x>>1])
			p := to[3*x : 3*x+3 : 3*x+3]
			p[0] = clamp6(y1 + v*26149>>8 - 14234)
			p[1] = clamp6(y1 - u*6419>>8 - v*13320>>8 + 8708)
			p[2] = clamp6(y1 + u*33050>>8 - 17685)
		}
	}
	return m
}

// clamp6 rounds 26.6 fixed point down to 0..255.
func clamp6(v int32) uint8 {
	if v&^0x3fff == 0 {
		return uint8(v >> 6)
	}
	return uint8(^(v >> 31))
}
