package photo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"io"

	"golang.org/x/image/vp8"
	"golang.org/x/image/vp8l"
	"golang.org/x/image/webp"
)

var webpFormat = format{name: "WebP", header: webpHeader, decode: webpDecode, exif: webpEXIF, profile: webpProfile}

// webpPicture is the first picture of a WebP file, which may be a still one or an animation.
type webpPicture struct {
	canvas image.Point // of the whole animation; the size of the picture for a still one
	at     image.Point // where the picture lies on the canvas
	size   image.Point
	alpha  []byte // payload of the ALPH chunk; nil if there is none
	vp8    []byte // payload of the VP8 chunk, or
	vp8l   []byte // of the VP8L chunk
}

func webpHeader(data []byte) (header, error) {
	p, err := parseWebP(data)
	if err != nil {
		return header{}, err
	}
	h := header{size: image.Pt(max(p.canvas.X, p.size.X), max(p.canvas.Y, p.size.Y))}
	switch {
	case p.vp8l != nil: // four channels, twice where there is a palette
		h.memory = 8 * area(p.size)
	case p.alpha != nil && p.alphaCompressed():
		// Before the planes the four channels of the transparency, two more where it has a palette and less than another
		// one where it is predicted.
		h.memory = 7 * area(p.size)
	case p.alpha != nil: // planes, transparency and the picture
		h.memory = 6 * area(p.size)
	default: // planes of luma and chroma, and the picture
		h.memory = 5 * area(p.size)
	}
	if p.canvas != p.size {
		h.memory = max(h.memory, 3*(area(p.size)+area(p.canvas)))
	}
	return h, nil
}

// webpDecode decodes the first picture. The package webp refuses animations and files whose header
// announces transparency that is not there, so the picture is put into a container of its own.
func webpDecode(data []byte, _ Limits) (*Image, error) {
	p, err := parseWebP(data)
	if err != nil {
		return nil, err
	}
	src, err := webp.Decode(bytes.NewReader(p.file()))
	if err != nil {
		return nil, err
	}
	var m *Image
	switch src := src.(type) {
	case *image.YCbCr:
		m = fromVideoYCbCr(src)
	case *image.NYCbCrA:
		m = fromVideoYCbCr(&src.YCbCr)
		m.overWhite(src.A, src.AStride)
	default:
		m = fromImage(src)
	}
	return onCanvas(m, p.canvas.X, p.canvas.Y, p.at), nil
}

// webpEXIF returns the payload of the EXIF chunk. Some writers put JPEG's "Exif" header before it.
func webpEXIF(data []byte) []byte {
	for id, payload := range riffChunks(data[12:]) {
		if id == "EXIF" {
			return bytes.TrimPrefix(payload, []byte("Exif\x00\x00"))
		}
	}
	return nil
}

// webpProfile returns the payload of the ICCP chunk (RFC 9649, section 2.7.1.4).
func webpProfile(data []byte) []byte {
	for id, payload := range riffChunks(data[12:]) {
		if id == "ICCP" {
			return payload
		}
	}
	return nil
}

// parseWebP finds the first picture. See RFC 9649, section 2.
func parseWebP(data []byte) (webpPicture, error) {
	if int64(binary.LittleEndian.Uint32(data[4:]))+8 > int64(len(data)) {
		return webpPicture{}, io.ErrUnexpectedEOF
	}
	var p webpPicture
	for id, payload := range riffChunks(data[12:]) {
		switch id {
		case "VP8X":
			if len(payload) < 10 {
				return p, errors.New("short VP8X chunk")
			}
			p.canvas = image.Pt(uint24(payload[4:])+1, uint24(payload[7:])+1)
		case "ANMF":
			if len(payload) < 16 {
				return p, errors.New("short ANMF chunk")
			}
			p.at = image.Pt(2*uint24(payload), 2*uint24(payload[3:]))
			for id, payload := range riffChunks(payload[16:]) {
				p.take(id, payload)
			}
			if p.canvas == (image.Point{}) {
				return p, errors.New("an animation without a canvas")
			}
			err := p.measure()
			p.canvas, p.at = canvasOf(p.canvas, image.Rectangle{Min: p.at, Max: p.at.Add(p.size)})
			return p, err
		default:
			if p.take(id, payload) {
				err := p.measure()
				p.canvas = p.size
				return p, err
			}
		}
	}
	return p, errors.New("no picture in it")
}

// take keeps what belongs to the picture, and says whether it is now whole.
func (p *webpPicture) take(id string, payload []byte) bool {
	switch {
	case p.vp8 != nil || p.vp8l != nil:
		return true
	case id == "ALPH":
		p.alpha = payload
	case id == "VP8 ":
		p.vp8 = payload
	case id == "VP8L":
		p.vp8l, p.alpha = payload, nil // VP8L has its own transparency
	}
	return p.vp8 != nil || p.vp8l != nil
}

// alphaCompressed says whether the transparency is a picture of VP8L, not plain bytes (RFC 9649, section 2.7.1.2).
func (p *webpPicture) alphaCompressed() bool { return len(p.alpha) > 0 && p.alpha[0]&3 != 0 }

// measure reads the picture's size from its own header.
func (p *webpPicture) measure() error {
	switch {
	case p.vp8 != nil:
		d := vp8.NewDecoder()
		d.Init(bytes.NewReader(p.vp8), len(p.vp8))
		header, err := d.DecodeFrameHeader()
		if err != nil {
			return err
		}
		p.size = image.Pt(header.Width, header.Height)
		// The kind of every macroblock of 16 x 16 pixels takes more than a bit (RFC 6386, section 11.2).
		if macroblocks := ((header.Width + 15) / 16) * ((header.Height + 15) / 16); macroblocks > 8*len(p.vp8) {
			return errTooShort("WebP", header.Width, header.Height)
		}
	case p.vp8l != nil:
		config, err := vp8l.DecodeConfig(bytes.NewReader(p.vp8l))
		if err != nil {
			return err
		}
		p.size = image.Pt(config.Width, config.Height)
	default:
		return errors.New("no picture in the first frame")
	}
	return nil
}

// file returns the picture as a still WebP file.
func (p *webpPicture) file() []byte {
	body := []byte("WEBP")
	chunk := func(id string, payload []byte) {
		body = append(body, id...)
		body = binary.LittleEndian.AppendUint32(body, uint32(len(payload)))
		body = append(body, payload...)
		if len(payload)%2 == 1 {
			body = append(body, 0)
		}
	}
	switch {
	case p.vp8l != nil:
		chunk("VP8L", p.vp8l)
	case p.alpha != nil:
		const alphaFlag = 1 << 4
		w, h := p.size.X-1, p.size.Y-1
		chunk("VP8X", []byte{alphaFlag, 0, 0, 0, byte(w), byte(w >> 8), byte(w >> 16), byte(h), byte(h >> 8), byte(h >> 16)})
		chunk("ALPH", p.alpha)
		fallthrough
	default:
		chunk("VP8 ", p.vp8)
	}
	head := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body)))
	return append(head, body...)
}

// riffChunks yields the chunks of a RIFF list, and stops where the data ends or a chunk is cut off.
func riffChunks(data []byte) func(yield func(id string, payload []byte) bool) {
	return func(yield func(string, []byte) bool) {
		for len(data) >= 8 {
			size := int64(binary.LittleEndian.Uint32(data[4:]))
			if 8+size > int64(len(data)) {
				return
			}
			if !yield(string(data[:4]), data[8:8+size]) {
				return
			}
			data = data[min(8+size+size%2, int64(len(data))):]
		}
	}
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
