package photo

import (
	"bytes"
	"cmp"
	"encoding/binary"
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
	frame, ok := gifFrame(data)
	if !ok {
		return header{size: image.Pt(config.Width, config.Height)}, nil // the decoder will say what is wrong
	}
	if area(frame.Size()) > int64(len(data))*maxLZWRatio {
		return header{}, errTooShort("GIF", frame.Dx(), frame.Dy())
	}
	canvas, _ := canvasOf(gifScreen(config, frame), frame)
	// A byte for each pixel of the frame, twice if it is interlaced, and its colours.
	h := header{size: canvas, memory: (2 + 3) * area(frame.Size())}
	if canvas != frame.Size() {
		h.memory += 3 * area(canvas)
	}
	return h, nil
}

func gifDecode(data []byte, _ Limits) (*Image, error) {
	config, err := gif.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	frame, ok := gifFrame(data)
	if !ok {
		_, err := gif.Decode(bytes.NewReader(data))
		return nil, cmp.Or(err, io.ErrUnexpectedEOF)
	}
	// The decoder refuses frames that reach beyond the screen.
	screen := gifScreen(config, frame)
	head := bytes.Clone(data[:10])
	binary.LittleEndian.PutUint16(head[6:], uint16(screen.X))
	binary.LittleEndian.PutUint16(head[8:], uint16(screen.Y))
	src, err := gif.Decode(io.MultiReader(bytes.NewReader(head), bytes.NewReader(data[10:])))
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

// gifFrame is where the first picture lies on the screen (GIF89a, sections 18 to 26).
func gifFrame(data []byte) (image.Rectangle, bool) {
	const fixed = 13 // bytes of header and logical screen descriptor
	if len(data) < fixed {
		return image.Rectangle{}, false
	}
	at := fixed
	if flags := data[10]; flags&0x80 != 0 {
		at += 3 << (1 + flags&7) // the global colour table
	}
	for at+10 <= len(data) {
		switch data[at] {
		case 0x2c: // an image descriptor
			word := func(n int) int { return int(binary.LittleEndian.Uint16(data[at+n:])) }
			min := image.Pt(word(1), word(3))
			return image.Rectangle{Min: min, Max: min.Add(image.Pt(word(5), word(7)))}, true
		case 0x21: // an extension: its label and blocks, the last of them empty
			for at += 2; at < len(data) && data[at] != 0; at += 1 + int(data[at]) {
			}
			at++
		default:
			return image.Rectangle{}, false
		}
	}
	return image.Rectangle{}, false
}
