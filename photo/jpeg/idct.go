package jpeg

// The inverse DCT at full size is that of image/jpeg (Loeffler, Ligtenberg and Moschytz, "Practical Fast 1-D
// DCT Algorithms with 11 Multiplications", ICASSP 1989) with the same rounding at the same places, so that
// the pixels are the same.

// Cosines and sines in fixed point, by their angle in units of pi/16 and their bits of fraction. Those of 6
// are divided by the square root of two, as is halfRoot, which is a half of it.
const (
	cos6x18     = 70936
	sin6x18     = 171254
	cos6x12     = 1108
	sin6x12     = 2676
	cos3x12     = 3406
	sin3x12     = 2276
	cos1x12     = 4017
	sin1x12     = 799
	halfRootx8  = 181
	halfRootx14 = 11585
)

// rotate turns and scales: (x0 cos + x1 sin, x1 cos - x0 sin), with three multiplications.
func rotate(x0, x1, cos, sin int32) (int32, int32) {
	both := cos * (x0 + x1)
	return both + (sin-cos)*x1, both - (cos+sin)*x0
}

// inverse transforms a dequantised block, kept column by column, into 8 x 8 pixels.
func inverse(dst []uint8, stride int, block *[64]int32) {
	for y := range 8 {
		x0, x7, x2, x5 := block[y], block[8+y], block[16+y], block[24+y]
		x1, x6, x3, x4 := block[32+y], block[40+y], block[48+y], block[56+y]

		x0, x1 = x0<<17, x1<<17
		x0, x1 = x0+x1, x0-x1
		x2, x3 = rotate(x2, x3, cos6x18, -sin6x18)
		x1, x2 = x1+x2, x1-x2
		x0, x3 = x0+x3, x0-x3

		x4, x7 = x4<<7, x7<<7
		x7, x4 = x7+x4, x7-x4
		x6, x5 = x6*halfRootx8, x5*halfRootx8
		x7, x5 = x7+x5, x7-x5
		x4, x6 = x4+x6, x4-x6
		x4, x7 = rotate(x4>>2, x7>>2, cos3x12, -sin3x12)
		x5, x6 = rotate(x5>>2, x6>>2, cos1x12, -sin1x12)

		block[y], block[56+y] = x0+x7, x0-x7
		block[8+y], block[48+y] = x1+x6, x1-x6
		block[16+y], block[40+y] = x2+x5, x2-x5
		block[24+y], block[32+y] = x3+x4, x3-x4
	}
	for x := range 8 {
		column := block[8*x : 8*x+8 : 8*x+8]
		x0, x7, x2, x5 := column[0], column[1], column[2], column[3]
		x1, x6, x3, x4 := column[4], column[5], column[6], column[7]

		x0 += 1 << 19 // to round
		x0, x1 = (x0+x1)>>2, (x0-x1)>>2
		x2, x3 = rotate(x2>>13, x3>>13, cos6x12, -sin6x12)
		x1, x2 = x1+x2, x1-x2
		x0, x3 = x0+x3, x0-x3

		x7, x4 = x7+x4, x7-x4
		x5, x6 = (x5>>13)*halfRootx14, (x6>>13)*halfRootx14
		x7, x5 = x7+x5, x7-x5
		x4, x6 = x4+x6, x4-x6
		x4, x7 = rotate(x4>>14, x7>>14, cos3x12, -sin3x12)
		x5, x6 = rotate(x5>>14, x6>>14, cos1x12, -sin1x12)

		to := dst[x : x+7*stride+1]
		to[0], to[7*stride] = level((x0+x7)>>18), level((x0-x7)>>18)
		to[stride], to[6*stride] = level((x1+x6)>>18), level((x1-x6)>>18)
		to[2*stride], to[5*stride] = level((x2+x5)>>18), level((x2-x5)>>18)
		to[3*stride], to[4*stride] = level((x3+x4)>>18), level((x3-x4)>>18)
	}
}

// level shifts a value around zero to a pixel.
func level(v int32) uint8 { return uint8(min(max(v, -128), 127) + 128) }

// store transforms d.block into a component's plane. last is 0 if the block is flat.
func (d *decoder) store(c *component, x, y, last int) {
	dst := c.plane[c.side*(y*c.stride+x):]
	block := &d.block
	switch {
	case c.side == 1:
		dst[0] = level((block[0] + 4) >> 3)
	case last == 0:
		v := level((block[0]<<17 + 1<<19) >> 2 >> 18)
		for y := range c.side {
			row := dst[y*c.stride : y*c.stride+c.side]
			for x := range row {
				row[x] = v
			}
		}
	case c.side == 2:
		inverse2(dst, c.stride, block)
	case c.side == 4:
		inverse4(dst, c.stride, block)
	case simd:
		inverseAVX2(&dst[:7*c.stride+8][0], c.stride, block)
	default:
		inverse(dst, c.stride, block)
	}
}

// inverse2 makes 2 x 2 pixels of the lowest 2 x 2 coefficients, which is the mean of each quarter but for
// what the higher ones would add.
func inverse2(dst []uint8, stride int, block *[64]int32) {
	// 1/8 for each coefficient: the root of 1/8 in each direction, and a half times cos(pi/4).
	left0, right0 := block[0]+block[8], block[0]-block[8]
	left1, right1 := block[1]+block[9], block[1]-block[9]
	dst[0], dst[1] = level((left0+left1+4)>>3), level((right0+right1+4)>>3)
	dst[stride], dst[stride+1] = level((left0-left1+4)>>3), level((right0-right1+4)>>3)
}

// inverse4 makes 4 x 4 pixels of the lowest 4 x 4 coefficients.
func inverse4(dst []uint8, stride int, block *[64]int32) {
	// The root of 1/8, and halves of cos(pi/8) and cos(3pi/8), with 13 bits of fraction.
	const even, odd1, odd3 = 2896, 3784, 1567
	var rows [4][4]int32 // by vertical frequency, then x; with 11 bits of fraction
	for v := range 4 {
		x0, x1, x2, x3 := block[v], block[8+v], block[16+v], block[24+v]
		e0, e1 := even*(x0+x2), even*(x0-x2)
		o0, o1 := odd1*x1+odd3*x3, odd3*x1-odd1*x3
		rows[v] = [4]int32{(e0 + o0 + 2) >> 2, (e1 + o1 + 2) >> 2, (e1 - o1 + 2) >> 2, (e0 - o0 + 2) >> 2}
	}
	for x := range 4 {
		// To 7 bits, so that products stay within 32.
		x0, x1, x2, x3 := rows[0][x]>>4, rows[1][x]>>4, rows[2][x]>>4, rows[3][x]>>4
		e0, e1 := even*(x0+x2), even*(x0-x2)
		o0, o1 := odd1*x1+odd3*x3, odd3*x1-odd1*x3
		const half, shift = 1 << 19, 20
		to := dst[x : x+3*stride+1]
		to[0], to[3*stride] = level((e0+o0+half)>>shift), level((e0-o0+half)>>shift)
		to[stride], to[2*stride] = level((e1+o1+half)>>shift), level((e1-o1+half)>>shift)
	}
}
