package photo

import "image"

// Limits bound what a photo may cost before any memory is taken for its pixels.
type Limits struct {
	MaxBytes  int64 // of the file
	MaxPixels int64 // width times height, as the file's header claims
	// MaxMemory is how many bytes decoding may take at once, which for the same pixels differs tenfold by the kind of
	// the file; 0 is that of DefaultLimits. What Go's garbage collector has not found yet comes on top.
	MaxMemory int64
}

// DefaultLimits returns 64 MiB, 100 megapixels and 640 MiB: more than any camera a shop uses. That is 100 megapixels of
// an ordinary JPEG file, and some 50 of what takes the most, such as a progressive one or a PNG with 16 bits.
func DefaultLimits() Limits {
	return Limits{MaxBytes: 64 << 20, MaxPixels: 100_000_000, MaxMemory: 640 << 20}
}

// header is what a file's head says of its picture.
type header struct {
	size   image.Point
	memory int64 // bytes that decoding takes at once, with the picture that comes out
}

// check refuses what is beyond the limits.
func (l Limits) check(format string, h header) error {
	if h.size.X <= 0 || h.size.Y <= 0 {
		return newError(CodeCorrupt, "the %s file claims to be %d x %d pixels: export the photo again", format, h.size.X, h.size.Y)
	}
	if int64(h.size.X) > l.MaxPixels/int64(h.size.Y) {
		return newError(CodeTooManyPixels, "the photo is %d x %d pixels, more than the %d allowed: send a smaller one", h.size.X, h.size.Y, l.MaxPixels)
	}
	return l.checkMemory(format, h)
}

func (l Limits) checkMemory(format string, h header) error {
	most := l.MaxMemory
	if most <= 0 {
		most = DefaultLimits().MaxMemory
	}
	if h.memory <= most {
		return nil
	}
	return newError(CodeTooManyPixels, "decoding the %d x %d pixels of this kind of %s file takes %d MB, more than the %d allowed: send a smaller photo, or an ordinary JPEG",
		h.size.X, h.size.Y, format, (h.memory+999_999)/1_000_000, most/1_000_000)
}

// area is how many pixels there are, at most 2^40 of them.
func area(size image.Point) int64 {
	const most = 1 << 40
	if size.X <= 0 || size.Y <= 0 {
		return 0
	}
	if int64(size.X) > most/int64(size.Y) {
		return most
	}
	return int64(size.X) * int64(size.Y)
}
