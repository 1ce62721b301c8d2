package photo

import (
	"fmt"

	"github.com/kleid-search/kleid/photo/icc"
)

// Version names which files are read, and why others are not. It changes whenever a file that was refused is read, one
// that was read is refused, or the reason is another: who keeps such answers, as the nightly job does, asks again.
const Version = "photo-4"

// format is one kind of file that Decode reads.
type format struct {
	name string
	// header reads the head only, and refuses files that cannot hold the pixels they claim.
	header func(data []byte) (header, error)
	// decode returns the pixels, not yet turned upright. It checks the limits again where it takes more memory than the
	// header said.
	decode func(data []byte, limits Limits) (*Image, error)
	// open returns the finished pixels of a large picture at a reduced size; nil if that does not go. May be nil.
	open func(data []byte, width, height int, how finish) *Image
	// exif returns the TIFF block of the file's EXIF data, nil if there is none. May be nil.
	exif func(data []byte) []byte
	// profile returns the file's ICC profile, nil if there is none. May be nil.
	profile func(data []byte) []byte
}

// Decode turns the bytes of a JPEG, PNG, WebP, GIF or BMP file into an upright photo. What the bytes
// are is found from the bytes, never from a name. The EXIF orientation is applied, colours are
// brought from the file's profile to sRGB, transparency is laid over white, and of an animation the first picture is
// taken. The header is checked against
// limits before pixels are decoded. Errors are of type *Error; Decode does not panic.
func Decode(data []byte, limits Limits) (*Image, error) { return decode(data, limits, false) }

// decode is Decode, or Open if the photo may be reduced.
func decode(data []byte, limits Limits, mayReduce bool) (m *Image, err error) {
	if len(data) == 0 {
		return nil, newError(CodeEmpty, "the file is empty: transfer it again")
	}
	if int64(len(data)) > limits.MaxBytes {
		return nil, newError(CodeTooManyBytes, "the file is larger than the %.3g MiB allowed: send a smaller photo", float64(limits.MaxBytes)/(1<<20))
	}
	f, err := sniff(data)
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			m, err = nil, explain(f.name, fmt.Errorf("the decoder gave up: %v", r))
		}
	}()
	h, err := f.header(data)
	if err != nil {
		return nil, explain(f.name, err)
	}
	how := f.finish(data)
	if how.orientation > 1 {
		h.memory = max(h.memory, 2*3*area(h.size)) // the picture is turned from one memory to another
	}
	if err := limits.check(f.name, h); err != nil {
		return nil, err
	}
	if mayReduce && f.open != nil {
		if m := f.open(data, h.size.X, h.size.Y, how); m != nil {
			return m, nil
		}
	}
	m, err = f.decode(data, limits)
	if err != nil {
		return nil, explain(f.name, err)
	}
	return how.apply(m), nil
}

// finish is what makes a photo of decoded pixels.
type finish struct {
	orientation int // as in EXIF; 1 is upright
	colours     *icc.Transform
}

// finish finds what a file says of its pixels. What makes no sense there must not cost the photo.
func (f format) finish(data []byte) finish {
	how := finish{orientation: 1}
	if f.exif != nil {
		how.orientation = exifOrientation(f.exif(data))
	}
	if f.profile != nil {
		if profile := f.profile(data); profile != nil {
			how.colours, _ = icc.New(profile)
		}
	}
	return how
}

// apply changes m, and returns it or what takes its place.
func (how finish) apply(m *Image) *Image {
	how.colours.Apply(m.Pix)
	return m.upright(how.orientation)
}

// sniff finds the format by the first bytes.
func sniff(data []byte) (format, error) {
	has := func(at int, magic string) bool {
		return len(data) >= at+len(magic) && string(data[at:at+len(magic)]) == magic
	}
	switch {
	case has(0, "\xff\xd8\xff"):
		return jpegFormat, nil
	case has(0, pngMagic):
		return pngFormat, nil
	case has(0, "RIFF") && has(8, "WEBP"):
		return webpFormat, nil
	case has(0, "GIF87a"), has(0, "GIF89a"):
		return gifFormat, nil
	case has(0, "BM"):
		return bmpFormat, nil
	case has(4, "ftyp"):
		return format{}, newError(CodeUnsupported, "HEIC, AVIF and video files are not read: save the photo as JPEG, PNG or WebP")
	case has(0, "II*\x00"), has(0, "MM\x00*"):
		return format{}, newError(CodeUnsupported, "TIFF and raw files are not read: save the photo as JPEG, PNG or WebP")
	case has(0, "\xff\x0a"), has(4, "JXL "):
		return format{}, newError(CodeUnsupported, "JPEG XL files are not read: save the photo as JPEG, PNG or WebP")
	case has(0, "\xff\x4f\xff\x51"), has(4, "jP  "):
		return format{}, newError(CodeUnsupported, "JPEG 2000 files are not read: save the photo as JPEG, PNG or WebP")
	case has(0, "8BPS"):
		return format{}, newError(CodeUnsupported, "Photoshop files are not read: save the photo as JPEG, PNG or WebP")
	case has(0, "\x00\x00\x01\x00"):
		return format{}, newError(CodeUnsupported, "icons (ICO) are not read: send a photo")
	}
	return format{}, newError(CodeNotAnImage, "the file is no JPEG, PNG, WebP, GIF or BMP image%s", looksLike(data))
}
