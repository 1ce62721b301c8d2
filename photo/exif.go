package photo

import "encoding/binary"

// exifOrientation finds how a camera was held, 1..8, in the TIFF block of EXIF data. It returns 1
// (upright) when the block does not say or makes no sense: a bad tag must not cost the photo.
// See Exif 2.3, tag 0x0112, and TIFF 6.0, section 2.
func exifOrientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	const entrySize, tagOrientation, typeShort = 12, 0x0112, 3
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for n := int(order.Uint16(tiff[at:])); n > 0 && len(entries) >= entrySize; n-- {
		if order.Uint16(entries) == tagOrientation {
			value := int(order.Uint16(entries[8:]))
			if order.Uint16(entries[2:]) != typeShort || value < 1 || value > 8 {
				return 1
			}
			return value
		}
		entries = entries[entrySize:]
	}
	return 1
}

// upright undoes an EXIF orientation. Orientation 1 returns m itself.
func (m *Image) upright(orientation int) *Image {
	if orientation <= 1 || orientation > 8 {
		return m
	}
	width, height := m.Width, m.Height
	// The source pixel of the output's (x, y) is at first + x*stepX + y*stepY, in pixels.
	var first, stepX, stepY int
	last := width*height - 1
	switch orientation {
	case 2: // mirrored left to right
		first, stepX, stepY = width-1, -1, width
	case 3: // upside down
		first, stepX, stepY = last, -1, -width
	case 4: // mirrored top to bottom
		first, stepX, stepY = last-(width-1), 1, -width
	case 5: // mirrored along the main diagonal
		first, stepX, stepY = 0, width, 1
	case 6: // to be turned clockwise
		first, stepX, stepY = last-(width-1), -width, 1
	case 7: // mirrored along the other diagonal
		first, stepX, stepY = last, -width, -1
	case 8: // to be turned anticlockwise
		first, stepX, stepY = width-1, width, -1
	}
	out := New(width, height)
	if orientation >= 5 {
		out.Width, out.Height = height, width
	}
	to := out.Pix
	for y := range out.Height {
		from := first + y*stepY
		for range out.Width {
			p := m.Pix[3*from : 3*from+3 : 3*from+3]
			to[0], to[1], to[2] = p[0], p[1], p[2]
			to = to[3:]
			from += stepX
		}
	}
	return out
}
