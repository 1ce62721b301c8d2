package jpeg

import (
	"bytes"
	"encoding/binary"
)

// Markers (T.81, table B.1).
const (
	markerSOF0  = 0xc0 // baseline
	markerSOF1  = 0xc1 // extended sequential
	markerSOF2  = 0xc2 // progressive
	markerDHT   = 0xc4
	markerRST0  = 0xd0
	markerRST7  = 0xd7
	markerSOI   = 0xd8
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerDQT   = 0xdb
	markerDRI   = 0xdd
	markerAPP0  = 0xe0
	markerAPP14 = 0xee
	markerAPP15 = 0xef
	markerCOM   = 0xfe
)

// mostPadding is how many bytes may be behind the last scan of a file whose end marker is missing. Zeros are codes like
// others: where a transfer has made room for the whole file and filled a part of it, they decode to the rest of the
// picture, and what tells is that more of them are left.
const mostPadding = 16

// decode reads the segments up to the end of the picture and leaves the planes of the components.
func (d *decoder) decode() error {
	if len(d.data) < 2 || d.data[0] != 0xff || d.data[1] != markerSOI {
		return ErrUnusual
	}
	at, begun := 2, false
	for {
		marker, next := nextMarker(d.data, at)
		if next < 0 {
			if !begun || !d.whole() || len(d.data)-at > mostPadding {
				return ErrUnusual
			}
			break // some writers leave the end out, and some transfers lose it
		}
		at = next
		if marker == markerEOI {
			break
		}
		if marker >= markerRST0 && marker <= markerRST7 {
			continue
		}
		if at+2 > len(d.data) {
			return ErrUnusual
		}
		end := at + int(binary.BigEndian.Uint16(d.data[at:]))
		if end < at+2 || end > len(d.data) {
			return ErrUnusual
		}
		payload := d.data[at+2 : end]
		at = end
		ok := true
		switch {
		case marker == markerSOF0, marker == markerSOF1, marker == markerSOF2:
			ok = d.frame(marker, payload)
		case marker == markerDHT:
			ok = d.huffmanTables(payload)
		case marker == markerDQT:
			ok = d.quantisationTables(payload)
		case marker == markerDRI:
			if ok = len(payload) == 2; ok {
				d.restart = int(binary.BigEndian.Uint16(payload))
			}
		case marker == markerSOS:
			if !begun {
				// Also here, since all work would be for nothing.
				if len(d.components) == 0 || d.isRGB() {
					return ErrUnusual
				}
				if d.headOnly {
					return nil
				}
				d.allocate()
				begun = true
			}
			at, ok = d.scan(payload, at)
		case marker == markerAPP0:
			if len(payload) >= 5 {
				d.jfif = bytes.HasPrefix(payload, []byte("JFIF\x00"))
			}
		case marker == markerAPP14:
			if len(payload) >= 12 && bytes.HasPrefix(payload, []byte("Adobe")) {
				d.adobe, d.adobeTransform = true, payload[11]
			}
		case marker > markerAPP0 && marker <= markerAPP15, marker == markerCOM:
		default:
			return ErrUnusual
		}
		if !ok {
			return ErrUnusual
		}
	}
	if !begun || d.isRGB() {
		return ErrUnusual
	}
	for i := range d.components {
		if !d.components[i].scanned || !d.hasQuantisation[d.components[i].table] {
			return ErrUnusual
		}
	}
	if d.progressive {
		d.reconstruct()
	}
	return nil
}

// whole says whether all coefficients have come, to their last bit.
func (d *decoder) whole() bool {
	for i := range d.components {
		if ^d.components[i].final != 0 {
			return false
		}
	}
	return true
}

// nextMarker finds a marker from at on and returns where what follows it begins; -1 if there is none. Bytes
// before it are skipped, as libjpeg does. A zero behind fill bytes counts as a marker, which none is.
func nextMarker(data []byte, at int) (marker byte, next int) {
	for at < len(data) {
		i := bytes.IndexByte(data[at:], 0xff)
		if i < 0 {
			break
		}
		begin := at + i + 1
		for at = begin; at < len(data) && data[at] == 0xff; at++ { // fill bytes
		}
		if at == len(data) {
			break
		}
		at++
		if data[at-1] != 0 || at > begin+1 {
			return data[at-1], at
		}
	}
	return 0, -1
}

// isRGB says whether the components are not luma and chroma, by the conventions of libjpeg.
func (d *decoder) isRGB() bool {
	if d.jfif || len(d.components) != 3 {
		return false
	}
	if d.adobe && d.adobeTransform == 0 {
		return true
	}
	return d.components[0].identifier == 'R' && d.components[1].identifier == 'G' && d.components[2].identifier == 'B'
}

// frame reads a frame header (T.81, B.2.2).
func (d *decoder) frame(marker byte, p []byte) bool {
	if d.components != nil || len(p) < 6 || p[0] != 8 {
		return false
	}
	count := int(p[5])
	if count != 1 && count != 3 || len(p) != 6+3*count {
		return false
	}
	d.progressive = marker == markerSOF2
	d.height, d.width = int(binary.BigEndian.Uint16(p[1:])), int(binary.BigEndian.Uint16(p[3:]))
	if d.width == 0 || d.height == 0 {
		return false
	}
	d.components = d.memory[:count]
	for i := range d.components {
		c, p := &d.components[i], p[6+3*i:]
		c.identifier, c.h, c.v, c.table = p[0], int(p[1]>>4), int(p[1]&15), int(p[2])
		if c.table > 3 {
			return false
		}
		for _, other := range d.components[:i] {
			if other.identifier == c.identifier {
				return false
			}
		}
	}
	luma := &d.components[0]
	if luma.h != 1 && luma.h != 2 && luma.h != 4 || luma.v != 1 && luma.v != 2 {
		return false
	}
	if count == 1 {
		luma.h, luma.v = 1, 1 // a single component is never interleaved (T.81, A.2.2)
	} else {
		blue, red := &d.components[1], &d.components[2]
		if blue.h != red.h || blue.v != red.v || blue.h == 0 || blue.v == 0 || luma.h%blue.h != 0 || luma.v%blue.v != 0 {
			return false
		}
	}
	d.mcusX = (d.width + 8*luma.h - 1) / (8 * luma.h)
	d.mcusY = (d.height + 8*luma.v - 1) / (8 * luma.v)
	for i := range d.components {
		c := &d.components[i]
		c.blocksX, c.blocksY = d.mcusX*c.h, d.mcusY*c.v
		c.side = 8 / d.reduce
		if d.reduce > 1 && luma.h > c.h && luma.v > c.v {
			c.side *= 2 // chroma that is subsampled already is reduced less
		}
		c.stride = c.blocksX * c.side
	}
	return true
}

// allocate takes the memory of the planes, and of the coefficients of progressive files.
func (d *decoder) allocate() {
	for i := range d.components {
		c := &d.components[i]
		c.plane = resized(c.plane, c.stride*c.blocksY*c.side)
		if d.progressive {
			c.coefficients = resized(c.coefficients, 64*c.blocksX*c.blocksY)
			clear(c.coefficients)
		}
	}
}

// quantisationTables reads tables (T.81, B.2.4.1).
func (d *decoder) quantisationTables(p []byte) bool {
	for len(p) > 0 {
		table, wide := int(p[0]&15), p[0]>>4
		p = p[1:]
		if table > 3 || wide > 1 || len(p) < 64<<wide {
			return false
		}
		q := &d.quantisation[table]
		for i := range q {
			if wide == 1 {
				q[i] = int32(binary.BigEndian.Uint16(p[2*i:]))
			} else {
				q[i] = int32(p[i])
			}
		}
		p = p[64<<wide:]
		d.hasQuantisation[table] = true
	}
	return true
}

// huffmanTables reads tables (T.81, B.2.4.2).
func (d *decoder) huffmanTables(p []byte) bool {
	for len(p) > 0 {
		if len(p) < 17 || p[0]>>4 > 1 || p[0]&15 > 3 {
			return false
		}
		count := 0
		for _, n := range p[1:17] {
			count += int(n)
		}
		if count == 0 || count > 256 || len(p) < 17+count {
			return false
		}
		ac := p[0]>>4 == 1
		table := &d.dc[p[0]&15]
		if ac {
			table = &d.ac[p[0]&15]
		}
		if !table.define(p[1:17+count], ac) {
			return false
		}
		p = p[17+count:]
	}
	return true
}
