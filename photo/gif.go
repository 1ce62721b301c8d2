package photo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"io"
	"math"
)

var gifFormat = format{name: "GIF", header: gifHeader, decode: gifDecode}

// maxLZWRatio is how many pixels a byte can stand for: a code of twelve bits is for 4096 at most, and shorter ones for
// fewer.
const maxLZWRatio = 4096 * 8 / 12

func gifHeader(data []byte) (header, error) {
	config, err := gif.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return header{}, err
	}
	p, err := parseGIF(data)
	if err != nil {
		return header{}, err
	}
	if area(p.frame.Size()) > int64(len(data))*maxLZWRatio {
		return header{}, errTooShort("GIF", p.frame.Dx(), p.frame.Dy())
	}
	canvas, _ := canvasOf(gifScreen(config, p.frame), p.frame)
	// A byte for each pixel of the frame, twice if it is interlaced, and its colours.
	h := header{size: canvas, memory: (2 + 3) * area(p.frame.Size())}
	if canvas != p.frame.Size() {
		h.memory += 3 * area(canvas)
	}
	return h, nil
}

// gifDecode decodes the very picture that gifHeader measured: the package gif, which takes extensions for longer or
// shorter than others do, sees none but the one that belongs to the picture.
func gifDecode(data []byte, _ Limits) (*Image, error) {
	config, err := gif.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	p, err := parseGIF(data)
	if err != nil {
		return nil, err
	}
	// The decoder refuses frames that reach beyond the screen.
	screen := gifScreen(config, p.frame)
	head := append(bytes.Clone(p.head), p.control...)
	binary.LittleEndian.PutUint16(head[6:], uint16(screen.X))
	binary.LittleEndian.PutUint16(head[8:], uint16(screen.Y))
	src, err := gif.Decode(io.MultiReader(bytes.NewReader(head), bytes.NewReader(p.rest)))
	if err != nil {
		return nil, err
	}
	canvas, at := canvasOf(screen, src.Bounds())
	return onCanvas(fromImage(src), canvas.X, canvas.Y, at), nil
}

// gifScreen is the size of the screen, or of what the first frame needs: some writers leave it 0 x 0, or keep that of
// another picture, and browsers show the frame.
func gifScreen(config image.Config, frame image.Rectangle) image.Point {
	return image.Pt(min(max(config.Width, frame.Max.X), math.MaxUint16), min(max(config.Height, frame.Max.Y), math.MaxUint16))
}

// gifPicture is the first picture of a GIF file.
type gifPicture struct {
	head    []byte          // of the file: header, logical screen descriptor and global colour table
	control []byte          // the last graphic control extension before the picture; nil if there is none
	rest    []byte          // of the file, from the picture's image descriptor on
	frame   image.Rectangle // where the picture lies on the screen
}

// parseGIF finds the first picture (GIF89a, sections 18 to 26).
func parseGIF(data []byte) (gifPicture, error) {
	const (
		fixed      = 13 // bytes of header and logical screen descriptor
		descriptor = 10
		control    = 8
	)
	if len(data) < fixed {
		return gifPicture{}, io.ErrUnexpectedEOF
	}
	at := fixed
	if flags := data[10]; flags&0x80 != 0 {
		at += 3 << (1 + flags&7) // the global colour table
	}
	p := gifPicture{head: data[:min(at, len(data))]}
	for at < len(data) {
		switch kind := data[at]; {
		case kind == 0x3b: // the trailer
			return gifPicture{}, errors.New("no picture in it")
		case kind != 0x21 && kind != 0x2c:
			return gifPicture{}, fmt.Errorf("unknown block type 0x%02x", kind)
		case at+descriptor > len(data):
			return gifPicture{}, io.ErrUnexpectedEOF
		case kind == 0x2c: // an image descriptor
			word := func(n int) int { return int(binary.LittleEndian.Uint16(data[at+n:])) }
			min := image.Pt(word(1), word(3))
			p.rest, p.frame = data[at:], image.Rectangle{Min: min, Max: min.Add(image.Pt(word(5), word(7)))}
			return p, nil
		}
		// An extension: its label and blocks, the last of them empty.
		if data[at+1] == 0xf9 {
			p.control = data[at : at+control]
		}
		for at += 2; at < len(data) && data[at] != 0; at += 1 + int(data[at]) {
		}
		at++
	}
	return gifPicture{}, io.ErrUnexpectedEOF
}
