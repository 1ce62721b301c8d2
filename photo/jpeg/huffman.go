package jpeg

import (
	"bytes"
	"encoding/binary"
)

// lookupBits is how many bits of the stream a table is indexed by. Longer codes take a slower way.
const lookupBits = 10

// huffman decodes the codes of one table.
type huffman struct {
	defined       bool
	specification []byte // as in the file: counts by length, then symbols
	// symbol has, by the next bits, symbol << 8 | length of the code; 0 for longer codes and none.
	symbol [1 << lookupBits]uint16
	// whole has, for AC tables, by the next bits, what they say altogether if that is a code with the
	// value that follows it: value << 16 | bits in all << 8 | zeros before it; 0 if it is more than fits. The
	// end of a block counts as endOfBlock zeros.
	whole [1 << lookupBits]int32
	// limit[n] is the first code of length n+1 and more, aligned to 16 bits; offset[n] plus a code of length n
	// is its index among the symbols.
	limit  [17]uint32
	offset [17]int
}

const endOfBlock = 128

// define builds the tables. It says false if the codes do not fit into their lengths.
func (h *huffman) define(specification []byte, ac bool) bool {
	if bytes.Equal(h.specification, specification) {
		h.defined = true
		return true
	}
	h.defined = false
	h.specification = append(h.specification[:0], specification...)
	symbols := h.specification[16:]
	clear(h.symbol[:])
	clear(h.whole[:])
	code, index := uint32(0), 0
	for length := 1; length <= 16; length++ {
		h.offset[length] = index - int(code)
		for range int(specification[length-1]) {
			if code >= 1<<length {
				h.specification = h.specification[:0]
				return false
			}
			if length <= lookupBits {
				first, entry := code<<(lookupBits-length), uint16(symbols[index])<<8|uint16(length)
				for i := range uint32(1) << (lookupBits - length) {
					h.symbol[first+i] = entry
				}
			}
			code++
			index++
		}
		h.limit[length] = code << (16 - length)
		code <<= 1
	}
	if ac {
		for i, entry := range h.symbol {
			length, run, size := int(entry&0xff), int(entry>>12), int(entry>>8&15)
			total := length + size
			switch {
			case length == 0 || total > lookupBits:
			case size == 0 && run == 0:
				h.whole[i] = int32(length<<8 | endOfBlock)
			case size > 0:
				value := extend(int32(i>>(lookupBits-total)&(1<<size-1)), size)
				h.whole[i] = value<<16 | int32(total<<8|run)
			}
		}
	}
	h.defined = true
	return true
}

// extend is the value that size bits stand for (T.81, F.2.2.1).
func extend(v int32, size int) int32 {
	if v < 1<<size>>1 {
		v += -1<<size + 1
	}
	return v
}

// long decodes a code that is longer than lookupBits, and returns its symbol and length; length 0 if there
// is no such code.
func (h *huffman) long(buffer uint64) (symbol byte, length int) {
	code := uint32(buffer >> 48)
	for length := lookupBits + 1; length <= 16; length++ {
		if code < h.limit[length] {
			return h.specification[16+h.offset[length]+int(code>>(16-length))], length
		}
	}
	return 0, 0
}

// bitReader reads the entropy-coded stream. The next bit is the highest of buffer; below the count bits that are
// known to be there may be more, of the bytes that follow.
type bitReader struct {
	data   []byte
	at     int // of the next byte to take into buffer
	buffer uint64
	count  int // negative when more was taken than there is
}

// fill brings count to 56 at least, unless a marker or the end of the data comes before.
func (b *bitReader) fill() {
	if b.at+8 <= len(b.data) && b.count >= 0 {
		word := binary.BigEndian.Uint64(b.data[b.at:])
		// No byte is 0xff, if no byte of the complement is 0.
		if inverse := ^word; (inverse-0x0101010101010101)&^inverse&0x8080808080808080 == 0 {
			b.buffer |= word >> b.count
			taken := (63 - b.count) >> 3
			b.at += taken
			b.count += 8 * taken
			return
		}
	}
	for b.count >= 0 && b.count <= 56 && b.at < len(b.data) {
		c := b.data[b.at]
		if c == 0xff {
			if b.at+1 >= len(b.data) || b.data[b.at+1] != 0 {
				return
			}
			b.at++
		}
		b.at++
		b.buffer |= uint64(c) << (56 - b.count)
		b.count += 8
	}
}

// take returns the next n bits, at most 16.
func (b *bitReader) take(n int) int32 {
	if b.count < n {
		b.fill()
	}
	v := int32(b.buffer >> 48 >> (16 - n))
	b.buffer <<= n
	b.count -= n
	return v
}

// decode returns the next symbol; false if there is no such code.
func (b *bitReader) decode(h *huffman) (symbol byte, ok bool) {
	if b.count < 16 {
		b.fill()
	}
	entry := h.symbol[b.buffer>>(64-lookupBits)]
	symbol, length := byte(entry>>8), int(entry&0xff)
	if length == 0 {
		if symbol, length = h.long(b.buffer); length == 0 {
			return 0, false
		}
	}
	b.buffer <<= length
	b.count -= length
	return symbol, true
}
