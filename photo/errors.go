package photo

import (
	"errors"
	"fmt"
	"image/jpeg"
	"image/png"
	"io"
	"strings"

	"golang.org/x/image/bmp"
)

// The codes of an Error.
const (
	CodeEmpty         = "empty"           // no bytes at all
	CodeNotAnImage    = "not_an_image"    // the bytes are of no image format that Kleid knows
	CodeTooManyBytes  = "too_many_bytes"  // more than Limits.MaxBytes
	CodeTooManyPixels = "too_many_pixels" // more than Limits.MaxPixels, or than Limits.MaxMemory lets decode
	CodeTruncated     = "truncated"       // the file ends before the picture does
	CodeCorrupt       = "corrupt"         // the file contradicts its own format
	CodeUnsupported   = "unsupported"     // an image, in a format or variant that is not read
)

// Error says why bytes are not a readable photo. Message is for people: what is wrong and what to do.
type Error struct {
	Code    string
	Message string
	Err     error // what the decoder said; may be nil
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns what the decoder said.
func (e *Error) Unwrap() error { return e.Err }

func newError(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// explain turns what a decoder of the standard library said into an Error.
func explain(format string, err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	var (
		jpegUnsupported jpeg.UnsupportedError
		pngUnsupported  png.UnsupportedError
	)
	e := &Error{Err: err}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF),
		// The decoders below report the end of the file in words only.
		strings.Contains(err.Error(), "short Huffman data"),
		strings.Contains(err.Error(), "not enough image data"),
		strings.Contains(err.Error(), "not enough pixel data"),
		strings.Contains(err.Error(), io.ErrUnexpectedEOF.Error()):
		e.Code = CodeTruncated
		e.Message = fmt.Sprintf("the %s file ends in the middle of the picture: transfer it again", format)
	case errors.As(err, &jpegUnsupported), errors.As(err, &pngUnsupported), errors.Is(err, bmp.ErrUnsupported):
		e.Code = CodeUnsupported
		e.Message = fmt.Sprintf("this variant of %s is not read (%v): save the photo as an ordinary JPEG or PNG", format, err)
	default:
		e.Code = CodeCorrupt
		e.Message = fmt.Sprintf("the %s file is damaged (%v): export the photo again", format, err)
	}
	return e
}
