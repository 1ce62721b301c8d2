// Package jpeg decodes JPEG files (ITU-T T.81) to RGB several times as fast as image/jpeg does, to the same
// pixels bit for bit, and also directly at a half, a quarter or an eighth of their size. It writes small
// JPEG files as fast.
//
// What is not an ordinary file is left to image/jpeg: the package returns ErrUnusual for whatever is
// damaged, cut off or rare (CMYK, RGB, 12 bits, arithmetic coding), and knows no other error.
package jpeg

import (
	"errors"
	"sync"
)

// ErrUnusual says that a file is for a more patient decoder, which may take or refuse it.
var ErrUnusual = errors.New("jpeg: not an ordinary file")

// Picture is a decoded file: 8-bit RGB, row by row without padding.
type Picture struct {
	Width, Height int
	Pix           []uint8 // [Height, Width, 3]
}

// Decode decodes a file at 1/reduce of its size; reduce is 1, 2, 4 or 8. A pixel of a reduced picture
// covers exactly reduce x reduce pixels of the photo: what is left over at the right and lower edges is cut
// off, unless nothing else is there. At full size the pixels are those of image/jpeg with color.YCbCrToRGB.
// The caller has checked how large the picture is. Decode may be called from many goroutines.
func Decode(data []byte, reduce int) (*Picture, error) { return DecodeInto(nil, data, reduce) }

// DecodeInto is Decode with the pixels in the memory of pix, if that is enough for them.
func DecodeInto(pix []uint8, data []byte, reduce int) (*Picture, error) {
	d := decoders.Get().(*decoder)
	defer d.release()
	d.data, d.reduce = data, reduce
	if err := d.decode(); err != nil {
		return nil, err
	}
	p := &Picture{Width: max(d.width/reduce, 1), Height: max(d.height/reduce, 1)}
	p.Pix = resized(pix, 3*p.Width*p.Height)
	d.toRGB(p)
	return p, nil
}

// Memory returns how many bytes Decode takes at once for a file, at full size, as far as its head says: those of
// the planes, of the coefficients that progressive files keep and of the picture. ErrUnusual says that Decode does
// not take the file, and takes no memory for it.
func Memory(data []byte) (int64, error) {
	d := decoders.Get().(*decoder)
	defer d.release()
	d.data, d.reduce, d.headOnly = data, 1, true
	if err := d.decode(); err != nil {
		return 0, err
	}
	each := int64(1)
	if d.progressive {
		each += 2
	}
	bytes := 3 * int64(d.width) * int64(d.height)
	for i := range d.components {
		bytes += each * 64 * int64(d.components[i].blocksX) * int64(d.components[i].blocksY)
	}
	return bytes, nil
}

// decoder is the state of one file. Decoders are used again, for the memory in them and since many files
// have the same Huffman tables.
type decoder struct {
	data   []byte
	reduce int
	// headOnly ends decoding before the first scan, and before memory is taken.
	headOnly bool

	width, height   int // of the photo
	progressive     bool
	components      []component
	mcusX, mcusY    int
	restart         int // MCUs between restart markers, 0 for none
	jfif, adobe     bool
	adobeTransform  byte
	quantisation    [4][64]int32 // in zig-zag order
	hasQuantisation [4]bool
	dc, ac          [4]huffman
	bits            bitReader
	eobRun          int
	block           [64]int32
	memory          [3]component // whose buffers are used again
}

// component is one of luma, blue and red.
type component struct {
	identifier byte
	h, v       int // sampling factors
	table      int // of quantisation
	blocksX    int // with those of MCUs that reach beyond the picture
	blocksY    int
	side       int // of a block in the plane: 8 at full size
	stride     int
	plane      []uint8 // [blocksY*side, stride]
	// coefficients of progressive files, not dequantised: [blocksY*blocksX, 64], in columns
	coefficients []int16
	prediction   int32
	scanned      bool
	final        uint64 // a bit for each coefficient that is known to its last bit
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

// keptBytes is how much memory of planes and coefficients an idle decoder may hold on to for each component.
const keptBytes = 16 << 20

func (d *decoder) release() {
	for i := range d.components {
		c := &d.components[i]
		if cap(c.plane)+2*cap(c.coefficients) > keptBytes {
			c.plane, c.coefficients = nil, nil
		}
		d.memory[i] = component{plane: c.plane, coefficients: c.coefficients}
	}
	d.data, d.bits = nil, bitReader{}
	d.components, d.restart, d.eobRun = nil, 0, 0
	d.headOnly, d.progressive, d.jfif, d.adobe = false, false, false, false
	d.hasQuantisation = [4]bool{}
	for i := range d.dc {
		d.dc[i].defined, d.ac[i].defined = false, false
	}
	decoders.Put(d)
}

// resized returns a slice of a length, in the memory of buffer if that is enough. What is in it is any.
func resized[T any](buffer []T, length int) []T {
	if cap(buffer) < length {
		return make([]T, length)
	}
	return buffer[:length]
}
