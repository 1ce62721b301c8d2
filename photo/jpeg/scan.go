package jpeg

import "slices"

// columns maps the zig-zag order of a file (T.81, figure A.6) to the place of a coefficient in a block, which
// is kept column by column: the inverse transform takes rows first, eight at a time.
var columns = func() (places [64]uint8) {
	x, y := 0, 0
	for i := range places {
		places[i] = uint8(8*x + y)
		switch up := (x+y)%2 == 0; {
		case up && x == 7:
			y++
		case up && y == 0:
			x++
		case up:
			x, y = x+1, y-1
		case y == 7:
			x++
		case x == 0:
			y++
		default:
			x, y = x-1, y+1
		}
	}
	return places
}()

// scanHeader is what a scan header says (T.81, B.2.3).
type scanHeader struct {
	components []*component
	dc, ac     [3]*huffman
	first      int // coefficients from first to last, in zig-zag order
	last       int
	high       int // bits that earlier scans have brought down to
	low        int // bits that this one brings down to
}

// scan decodes a scan whose data begins at at, and returns where it ends.
func (d *decoder) scan(p []byte, at int) (end int, ok bool) {
	s, ok := d.scanHeader(p)
	if !ok {
		return at, false
	}
	d.bits = bitReader{data: d.data, at: at}
	d.eobRun = 0
	for _, c := range s.components {
		c.prediction, c.scanned = 0, true
		if s.low == 0 {
			c.final |= ^uint64(0) >> (63 - s.last) &^ (1<<s.first - 1)
		}
	}
	across, down := d.mcusX, d.mcusY
	if len(s.components) == 1 {
		across, down = d.blocksOf(s.components[0])
	}
	left, expected := d.restart, byte(markerRST0)
	for y := range down {
		for x := range across {
			if d.restart > 0 {
				if left == 0 {
					if !d.resume(s, expected) {
						return at, false
					}
					left, expected = d.restart, markerRST0|(expected+1)&7
				}
				left--
			}
			if !d.mcu(s, x, y) {
				return at, false
			}
		}
	}
	return d.bits.at, d.bits.count >= 0 && d.eobRun == 0
}

func (d *decoder) scanHeader(p []byte) (*scanHeader, bool) {
	if len(d.components) == 0 || len(p) < 1 {
		return nil, false
	}
	count := int(p[0])
	if count < 1 || count > len(d.components) || len(p) != 4+2*count {
		return nil, false
	}
	s := &scanHeader{last: 63}
	if d.progressive {
		tail := p[1+2*count:]
		s.first, s.last, s.high, s.low = int(tail[0]), int(tail[1]), int(tail[2]>>4), int(tail[2]&15)
		if s.first == 0 && s.last != 0 || s.first > s.last || s.last > 63 || s.first != 0 && count != 1 || s.high != 0 && s.high != s.low+1 || s.low > 13 {
			return nil, false
		}
	}
	factors := 0
	for i := range count {
		identifier, dc, ac := p[1+2*i], p[2+2*i]>>4, p[2+2*i]&15
		var found *component
		for j := range d.components {
			if d.components[j].identifier == identifier {
				found = &d.components[j]
			}
		}
		if found == nil || slices.Contains(s.components, found) || dc > 3 || ac > 3 {
			return nil, false
		}
		s.components = append(s.components, found)
		s.dc[i], s.ac[i] = &d.dc[dc], &d.ac[ac]
		needsDC, needsAC := s.first == 0 && s.high == 0, s.last > 0
		if needsDC && !s.dc[i].defined || needsAC && !s.ac[i].defined {
			return nil, false
		}
		if !d.progressive && !d.hasQuantisation[found.table] {
			return nil, false
		}
		factors += found.h * found.v
	}
	if count > 1 && factors > 10 {
		return nil, false
	}
	return s, true
}

// resume goes on behind a restart marker, which must be where the data before it ends.
func (d *decoder) resume(s *scanHeader, expected byte) bool {
	b := &d.bits
	if b.fill(); b.count < 0 || b.count >= 8 {
		return false
	}
	if b.at+2 > len(b.data) || b.data[b.at] != 0xff || b.data[b.at+1] != expected {
		return false
	}
	d.bits = bitReader{data: d.data, at: b.at + 2}
	d.eobRun = 0
	for _, c := range s.components {
		c.prediction = 0
	}
	return true
}

// blocksOf is how many blocks a component has across and down, without those that only MCUs have, beyond the
// picture (T.81, A.1.1 and A.2.2).
func (d *decoder) blocksOf(c *component) (across, down int) {
	luma := &d.components[0] // which no component has more samples than
	return blocks(d.width, c.h, luma.h), blocks(d.height, c.v, luma.v)
}

func blocks(pixels, factor, most int) int {
	samples := (pixels*factor + most - 1) / most
	return (samples + 7) / 8
}

// mcu decodes the blocks of an MCU: interleaved, if the scan has several components. Of a single one each block
// is an MCU, also where restart markers are counted (T.81, A.2.2); image/jpeg counts as if it were interleaved.
func (d *decoder) mcu(s *scanHeader, mx, my int) bool {
	if len(s.components) == 1 {
		return d.decodeBlock(s, 0, mx, my)
	}
	for i, c := range s.components {
		for y := range c.v {
			for x := range c.h {
				if !d.decodeBlock(s, i, mx*c.h+x, my*c.v+y) {
					return false
				}
			}
		}
	}
	return true
}

func (d *decoder) decodeBlock(s *scanHeader, i, x, y int) bool {
	c := s.components[i]
	if !d.progressive {
		last, ok := d.sequential(c, s.dc[i], s.ac[i], &d.quantisation[c.table])
		if ok {
			d.store(c, x, y, last)
		}
		return ok
	}
	n := 64 * (y*c.blocksX + x)
	block := (*[64]int16)(c.coefficients[n : n+64])
	switch {
	case s.high != 0 && s.first == 0:
		if d.bits.take(1) != 0 {
			block[0] |= 1 << s.low
		}
		return d.bits.count >= 0
	case s.high != 0:
		return d.refine(block, s)
	}
	return d.progress(c, block, s, i)
}

// sequential decodes a block of a sequential scan (T.81, F.2.2), dequantised, into d.block, and returns the
// last place in zig-zag order that is not zero.
func (d *decoder) sequential(c *component, dc, ac *huffman, quantisation *[64]int32) (last int, ok bool) {
	block := &d.block
	*block = [64]int32{}
	b := &d.bits
	if b.count < 48 {
		b.fill()
	}
	difference, ok := d.dcDifference(dc)
	if !ok {
		return 0, false
	}
	c.prediction += difference
	block[0] = c.prediction * quantisation[0]
	buffer, count := b.buffer, b.count
	for k := 1; k < 64; k++ {
		if count < 32 {
			b.buffer, b.count = buffer, count
			b.fill()
			buffer, count = b.buffer, b.count
		}
		if e := ac.whole[buffer>>(64-lookupBits)]; e != 0 {
			size := int(e >> 8 & 0xff)
			buffer <<= size
			count -= size
			k += int(e & 0xff)
			if k > 63 {
				if e&endOfBlock == 0 {
					return 0, false
				}
				break
			}
			block[columns[k]] = (e >> 16) * quantisation[k]
			last = k
			continue
		}
		entry := ac.symbol[buffer>>(64-lookupBits)]
		symbol, length := byte(entry>>8), int(entry&0xff)
		if length == 0 {
			if symbol, length = ac.long(buffer); length == 0 {
				return 0, false
			}
		}
		buffer <<= length
		count -= length
		run, size := int(symbol>>4), int(symbol&15)
		switch {
		case size != 0:
			if k += run; k > 63 {
				return 0, false
			}
			block[columns[k]] = extend(int32(buffer>>48>>(16-size)), size) * quantisation[k]
			buffer <<= size
			count -= size
			last = k
			continue
		case run == 15:
			k += 15
			continue
		case run != 0: // ends of several blocks are for progressive files
			return 0, false
		}
		break
	}
	b.buffer, b.count = buffer, count
	return last, count >= 0
}

// dcDifference decodes how a DC coefficient differs from the one before it (T.81, F.2.2.1).
func (d *decoder) dcDifference(h *huffman) (int32, bool) {
	size, ok := d.bits.decode(h)
	if !ok || size > 15 {
		return 0, false
	}
	return extend(d.bits.take(int(size)), int(size)), true
}
