package jpeg

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// Encode writes a baseline JPEG file of RGB pixels [height, width, 3], chroma halved in both directions, with
// the tables of T.81's annex K scaled to a quality from 1 to 100 as libjpeg does. Sides must be 1 to 65535.
func Encode(width, height int, pix []uint8, quality int) []byte {
	e := newEncoder(width, height, quality)
	for y := 0; y < height; y += 16 {
		e.read(pix, y)
		for x := 0; x < e.stride; x += 16 {
			for i := range 4 {
				e.encode(&e.components[0], e.luma[(x+i%2*8)+(i/2*8)*e.stride:], e.stride)
			}
			for i := range e.chroma {
				e.encode(&e.components[1+i], e.chroma[i][x/2:], e.stride/2)
			}
		}
	}
	return e.finish()
}

// encoder is the state of one file.
type encoder struct {
	out           []byte
	width, height int
	stride        int        // width in whole MCUs
	row           []uint8    // one row of RGB, its last pixel repeated to stride
	luma          []uint8    // [16, stride], of a row of MCUs
	full          [2][]uint8 // [2, stride], blue and red before they are halved
	chroma        [2][]uint8 // [8, stride/2]
	components    [3]encoderComponent
	coefficients  [64]int16
	buffer        uint64 // bits that are not yet in out, the first the highest
	count         int
}

type encoderComponent struct {
	reciprocals *[64]float32 // see transform
	dc, ac      *[256]code
	prediction  int
}

// code is a Huffman code.
type code struct {
	bits   uint32
	length uint8
}

func newEncoder(width, height, quality int) *encoder {
	stride := (width + 15) &^ 15
	e := &encoder{
		width: width, height: height, stride: stride,
		row: make([]uint8, 3*stride+4), luma: make([]uint8, 16*stride),
		out: make([]byte, 0, 1024+width*height/4),
	}
	for i := range e.full {
		e.full[i], e.chroma[i] = make([]uint8, 2*stride), make([]uint8, 4*stride)
	}
	var tables [2][64]uint8
	var reciprocals [2][64]float32
	for i := range tables {
		tables[i] = scaledTable(&annexK[i], quality)
		reciprocals[i] = reciprocalsOf(&tables[i])
	}
	for i := range e.components {
		kind := min(i, 1)
		e.components[i] = encoderComponent{reciprocals: &reciprocals[kind], dc: &codes[kind][0], ac: &codes[kind][1]}
	}
	e.header(&tables)
	return e
}

// scaledTable is a table for a quality, in zig-zag order.
func scaledTable(table *[64]uint8, quality int) (scaled [64]uint8) {
	quality = min(max(quality, 1), 100)
	percent := 200 - 2*quality
	if quality < 50 {
		percent = 5000 / quality
	}
	for i, v := range table {
		scaled[i] = uint8(min(max((int(v)*percent+50)/100, 1), 255))
	}
	return scaled
}

// reciprocalsOf is what the transform's outputs are multiplied with, column by column: they come out
// too large by 8 and by a factor of each row and column (Arai, Agui and Nakajima, "A fast DCT-SQ scheme for
// images", 1988).
func reciprocalsOf(table *[64]uint8) (r [64]float32) {
	factor := func(k int) float64 {
		if k == 0 {
			return 1
		}
		return math.Sqrt2 * math.Cos(float64(k)*math.Pi/16)
	}
	for i, q := range table {
		at := int(columns[i])
		r[at] = float32(1 / (8 * float64(q) * factor(at/8) * factor(at%8)))
	}
	return r
}

func (e *encoder) segment(marker byte, payload ...byte) {
	e.out = append(e.out, 0xff, marker)
	e.out = binary.BigEndian.AppendUint16(e.out, uint16(2+len(payload)))
	e.out = append(e.out, payload...)
}

func (e *encoder) header(tables *[2][64]uint8) {
	e.out = append(e.out, 0xff, markerSOI)
	e.segment(markerAPP0, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0)
	for i := range tables {
		e.segment(markerDQT, append([]byte{byte(i)}, tables[i][:]...)...)
	}
	e.segment(markerSOF0, 8, byte(e.height>>8), byte(e.height), byte(e.width>>8), byte(e.width), 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1)
	for kind := range annexKCodes {
		for class, specification := range annexKCodes[kind] {
			e.segment(markerDHT, append([]byte{byte(class<<4 | kind)}, specification...)...)
		}
	}
	e.segment(markerSOS, 3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0)
}

// read converts the rows of a row of MCUs, which begins at y. Beyond the picture, its edge is repeated.
func (e *encoder) read(pix []uint8, y int) {
	for i := range 16 {
		at := 3 * e.width * min(y+i, e.height-1)
		n := copy(e.row, pix[at:at+3*e.width])
		for ; n < 3*e.stride; n++ {
			e.row[n] = e.row[n-3]
		}
		half := i % 2 * e.stride
		toYCbCr(e.luma[i*e.stride:][:e.stride], e.full[0][half:], e.full[1][half:], e.row)
		if i%2 == 1 {
			for c := range e.chroma {
				halve(e.chroma[c][i/2*e.stride/2:][:e.stride/2], e.full[c], e.stride)
			}
		}
	}
}

// toYCbCr converts a row whose length is a multiple of 16; JFIF's numbers, with 15 bits of fraction.
func toYCbCr(luma, blue, red, rgb []uint8) {
	n := len(luma)
	if simd {
		_, _, _ = blue[n-1], red[n-1], rgb[3*n+3]
		yccAVX2(&luma[0], &blue[0], &red[0], &rgb[0], n/16)
		return
	}
	const round, middle = 1 << 14, 128<<15 + 1<<14
	for x := range luma {
		p := rgb[3*x : 3*x+3 : 3*x+3]
		r, g, b := int32(p[0]), int32(p[1]), int32(p[2])
		luma[x] = uint8((9798*r + 19235*g + 3735*b + round) >> 15)
		blue[x] = uint8(min((-5529*r-10855*g+16384*b+middle)>>15, 255))
		red[x] = uint8(min((16384*r-13720*g-2664*b+middle)>>15, 255))
	}
}

// halve takes the mean of 2 x 2 samples of two rows.
func halve(to, from []uint8, stride int) {
	if simd {
		_ = from[stride+2*len(to)-1]
		halveAVX2(&to[0], &from[0], &from[stride], len(to)/8)
		return
	}
	for x := range to {
		to[x] = uint8((uint(from[2*x]) + uint(from[2*x+1]) + uint(from[stride+2*x]) + uint(from[stride+2*x+1]) + 2) / 4)
	}
}

// transform makes quantised coefficients, column by column, of 8 x 8 samples, and returns which of them are
// not zero, one bit each.
func transform(to *[64]int16, samples []uint8, stride int, reciprocals *[64]float32) uint64 {
	if simd {
		_ = samples[7*stride+7]
		return forwardAVX2(to, &samples[0], stride, reciprocals)
	}
	var block [64]float32 // row by row
	for y := range 8 {
		for x := range 8 {
			block[8*y+x] = float32(int32(samples[y*stride+x]) - 128)
		}
	}
	for x := range 8 {
		forward(&block, x, 8)
	}
	for y := range 8 {
		forward(&block, 8*y, 1)
	}
	var nonZero uint64
	for i := range to {
		v := int16(math.RoundToEven(float64(float32(block[8*(i%8)+i/8] * reciprocals[i]))))
		if to[i] = v; v != 0 {
			nonZero |= 1 << i
		}
	}
	return nonZero
}

// forward is the scaled DCT of eight numbers, from at on with a distance of step. The conversions of products
// forbid fused multiply-adds, so that every platform gives the same bits.
func forward(block *[64]float32, at, step int) {
	d := func(i int) *float32 { return &block[at+i*step] }
	sum0, difference0 := *d(0)+*d(7), *d(0)-*d(7)
	sum1, difference1 := *d(1)+*d(6), *d(1)-*d(6)
	sum2, difference2 := *d(2)+*d(5), *d(2)-*d(5)
	sum3, difference3 := *d(3)+*d(4), *d(3)-*d(4)

	a, b, c, e := sum0+sum3, sum1+sum2, sum1-sum2, sum0-sum3
	*d(0), *d(4) = a+b, a-b
	z := float32((c + e) * 0.70710678)
	*d(2), *d(6) = e+z, e-z

	a, b, c = difference3+difference2, difference2+difference1, difference1+difference0
	z5 := float32((a - c) * 0.38268343)
	z2, z4, z3 := float32(a*0.5411961)+z5, float32(c*1.306563)+z5, float32(b*0.70710678)
	z11, z13 := difference0+z3, difference0-z3
	*d(5), *d(3), *d(1), *d(7) = z13+z2, z13-z2, z11+z4, z11-z4
}

// encode writes a block.
func (e *encoder) encode(c *encoderComponent, samples []uint8, stride int) {
	nonZero := transform(&e.coefficients, samples, stride, c.reciprocals)
	dc := int(e.coefficients[0])
	e.value(c.dc, 0, dc-c.prediction)
	c.prediction = dc
	var order uint64 // the same bits in zig-zag order
	for rest := nonZero &^ 1; rest != 0; rest &= rest - 1 {
		order |= 1 << zigZag[bits.TrailingZeros64(rest)&63]
	}
	buffer, count := e.buffer, e.count
	table := c.ac
	before := 0
	for ; order != 0; order &= order - 1 {
		k := bits.TrailingZeros64(order) & 63
		zeros := k - before - 1
		before = k
		for ; zeros > 15; zeros -= 16 {
			count += int(table[0xf0].length)
			buffer |= uint64(table[0xf0].bits) << ((64 - count) & 63)
			if count >= 32 {
				buffer, count = e.flush(buffer, count)
			}
		}
		v := int(e.coefficients[columns[k]&63])
		sign := v >> 63
		size := bits.Len16(uint16((v ^ sign) - sign))
		c := table[(zeros<<4|size)&0xff]
		// At most 16 bits of code and 10 of value.
		count += int(c.length) + size
		buffer |= (uint64(c.bits)<<(size&15) | uint64(v+sign)&(1<<(size&15)-1)) << ((64 - count) & 63)
		if count >= 32 {
			buffer, count = e.flush(buffer, count)
		}
	}
	e.buffer, e.count = buffer, count
	if before < 63 {
		e.put(table[0].bits, int(table[0].length))
	}
}

// value writes the code of a number of zeros and of the size of a value, then the value.
func (e *encoder) value(table *[256]code, zeros, v int) {
	size := bits.Len(uint(max(v, -v)))
	if v < 0 {
		v += 1<<size - 1
	}
	c := table[zeros<<4|size]
	e.put(c.bits<<size|uint32(v), int(c.length)+size)
}

// put writes the lowest n bits of v, 27 at most.
func (e *encoder) put(v uint32, n int) {
	e.count += n
	e.buffer |= uint64(v) << (64 - e.count)
	if e.count >= 32 {
		e.buffer, e.count = e.flush(e.buffer, e.count)
	}
}

// flush writes the first 32 bits of a buffer and returns what is left.
func (e *encoder) flush(buffer uint64, count int) (uint64, int) {
	word := uint32(buffer >> 32)
	// No byte is 0xff, if no byte of the complement is 0.
	if inverse := ^word; (inverse-0x01010101)&^inverse&0x80808080 == 0 {
		e.out = binary.BigEndian.AppendUint32(e.out, word)
	} else {
		for shift := 24; shift >= 0; shift -= 8 {
			e.byte(byte(word >> shift))
		}
	}
	return buffer << 32, count - 32
}

func (e *encoder) byte(b byte) {
	if e.out = append(e.out, b); b == 0xff {
		e.out = append(e.out, 0)
	}
}

// finish writes what is left, filled up with ones, and the end of the file.
func (e *encoder) finish() []byte {
	e.put(0x7f, 7)
	for ; e.count >= 8; e.count -= 8 {
		e.byte(byte(e.buffer >> 56))
		e.buffer <<= 8
	}
	return append(e.out, 0xff, markerEOI)
}
