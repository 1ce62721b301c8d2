package jpeg

import "math"

// progress decodes the first scan of some coefficients of a block (T.81, G.1.2.1 and G.1.2.2).
func (d *decoder) progress(c *component, block *[64]int16, s *scanHeader, i int) bool {
	b := &d.bits
	k := s.first
	if k == 0 {
		difference, ok := d.dcDifference(s.dc[i])
		if !ok {
			return false
		}
		c.prediction += difference
		v := c.prediction << s.low
		if v != int32(int16(v)) || c.prediction != v>>s.low {
			return false
		}
		block[0] = int16(v)
		return b.count >= 0 // the scan has no other coefficients
	}
	if d.eobRun > 0 {
		d.eobRun--
		return true
	}
	for ; k <= s.last; k++ {
		symbol, ok := b.decode(s.ac[i])
		if !ok {
			return false
		}
		run, size := int(symbol>>4), int(symbol&15)
		if size != 0 {
			if k += run; k > s.last {
				return false
			}
			v := extend(b.take(size), size) << s.low
			if v != int32(int16(v)) {
				return false
			}
			block[columns[k]] = int16(v)
			continue
		}
		if run != 15 {
			d.eobRun = 1<<run + int(b.take(run)) - 1
			break
		}
		k += 15
	}
	return b.count >= 0
}

// refine adds a bit to some coefficients of a block (T.81, G.1.2.3).
func (d *decoder) refine(block *[64]int16, s *scanHeader) bool {
	b, delta := &d.bits, int16(1)<<s.low
	k := s.first
	if d.eobRun == 0 {
	coefficients:
		for ; k <= s.last; k++ {
			symbol, ok := b.decode(s.ac[0])
			if !ok {
				return false
			}
			run, size, value := int(symbol>>4), symbol&15, int16(0)
			switch {
			case size == 1:
				if value = delta; b.take(1) == 0 {
					value = -delta
				}
			case size > 1:
				return false
			case run != 15:
				d.eobRun = 1<<run + int(b.take(run))
				break coefficients
			}
			if k, ok = d.refineNonZero(block, k, s.last, run, delta); !ok || k > s.last {
				return false
			}
			if value != 0 {
				block[columns[k]] = value
			}
		}
	}
	if d.eobRun > 0 {
		d.eobRun--
		if _, ok := d.refineNonZero(block, k, s.last, 64, delta); !ok {
			return false
		}
	}
	return b.count >= 0
}

// refineNonZero adds a bit to the coefficients from k on that are not zero, and skips some zeros. It
// returns the place of the next zero, or last+1.
func (d *decoder) refineNonZero(block *[64]int16, k, last, zeros int, delta int16) (int, bool) {
	for ; k <= last; k++ {
		v := &block[columns[k]]
		if *v == 0 {
			if zeros == 0 {
				break
			}
			zeros--
			continue
		}
		if d.bits.take(1) == 0 {
			continue
		}
		if *v > math.MaxInt16-delta || *v < math.MinInt16+delta {
			return 0, false
		}
		if *v > 0 {
			*v += delta
		} else {
			*v -= delta
		}
	}
	return k, true
}

// reconstruct transforms the coefficients of all scans into the planes.
func (d *decoder) reconstruct() {
	for i := range d.components {
		c := &d.components[i]
		var quantisation [64]int32 // in columns
		for k, v := range d.quantisation[c.table] {
			quantisation[columns[k]] = v
		}
		for y := range c.blocksY {
			for x := range c.blocksX {
				n := 64 * (y*c.blocksX + x)
				last := 0
				for k, v := range c.coefficients[n : n+64] {
					d.block[k] = int32(v) * quantisation[k]
					if v != 0 {
						last = k
					}
				}
				d.store(c, x, y, last)
			}
		}
	}
}
