package jpeg

// toRGB converts the planes to a picture.
func (d *decoder) toRGB(p *Picture) {
	luma := &d.components[0]
	if len(d.components) == 1 {
		for y := range p.Height {
			to := p.Pix[3*y*p.Width : 3*(y+1)*p.Width]
			for x, v := range luma.plane[y*luma.stride:][:p.Width] {
				to[3*x], to[3*x+1], to[3*x+2] = v, v, v
			}
		}
		return
	}
	blue, red := &d.components[1], &d.components[2]
	shiftX, shiftY := shift(luma.h*luma.side/(blue.h*blue.side)), shift(luma.v*luma.side/(blue.v*blue.side))
	for y := range p.Height {
		at := (y >> shiftY) * blue.stride
		rowToRGB(p.Pix[3*y*p.Width:3*(y+1)*p.Width], luma.plane[y*luma.stride:][:p.Width], blue.plane[at:at+blue.stride], red.plane[at:at+blue.stride], shiftX)
	}
}

func shift(ratio int) int { return ratio >> 1 } // of 1, 2 and 4

// rowToRGB converts a row; pixel x has the chroma at x >> shiftX. The numbers are those of color.YCbCrToRGB.
func rowToRGB(to, luma, blue, red []uint8, shiftX int) {
	begin := 0
	if simd && shiftX <= 1 && len(luma) >= 16 {
		blocks := len(luma) / 16
		begin = 16 * blocks
		_, _, _ = to[3*begin-1], blue[(begin-1)>>shiftX], red[(begin-1)>>shiftX]
		if shiftX == 0 {
			rgb1AVX2(&to[0], &luma[0], &blue[0], &red[0], blocks)
		} else {
			rgb2AVX2(&to[0], &luma[0], &blue[0], &red[0], blocks)
		}
	}
	for x := begin; x < len(luma); x++ {
		// In 16.16 fixed point.
		y1, cb1, cr1 := int32(luma[x])*0x10101, int32(blue[x>>shiftX])-128, int32(red[x>>shiftX])-128
		p := to[3*x : 3*x+3 : 3*x+3]
		p[0], p[1], p[2] = clamp(y1+91881*cr1), clamp(y1-22554*cb1-46802*cr1), clamp(y1+116130*cb1)
	}
}

// clamp rounds 16.16 fixed point down to 0..255.
func clamp(v int32) uint8 {
	if uint32(v)&0xff000000 == 0 {
		return uint8(v >> 16)
	}
	return uint8(^(v >> 31))
}
