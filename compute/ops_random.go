package compute

import (
	"encoding/binary"
	"math/bits"
)

// philox4x32 is the counter-based generator Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel
// random numbers: as easy as 1, 2, 3" (SC 2011), https://doi.org/10.1145/2063384.2063405.
func philox4x32(counter [4]uint32, key [2]uint32) [4]uint32 {
	const (
		multiplier0, multiplier1 = 0xD2511F53, 0xCD9E8D57
		weyl0, weyl1             = 0x9E3779B9, 0xBB67AE85
	)
	for range 10 {
		high0, low0 := bits.Mul32(multiplier0, counter[0])
		high1, low1 := bits.Mul32(multiplier1, counter[2])
		counter = [4]uint32{high1 ^ counter[1] ^ key[0], low1, high0 ^ counter[3] ^ key[1], low0}
		key[0] += weyl0
		key[1] += weyl1
	}
	return counter
}

// randomKernel fills the second output with random bits. The state is the key and the 128-bit
// counter, low half first; the counter moves on by one for each 16 bytes. The values depend on
// nothing but the state.
func randomKernel(*node) kernel {
	return func(c *call) {
		state, newState, out := view[uint64](c.in[0]), view[uint64](c.out[0]), c.out[1]
		key := [2]uint32{uint32(state[0]), uint32(state[0] >> 32)}
		blocks := (len(out) + 15) / 16
		block := func(i int) (b [16]byte) {
			low, carry := bits.Add64(state[1], uint64(i), 0)
			high := state[2] + carry
			v := philox4x32([4]uint32{uint32(low), uint32(low >> 32), uint32(high), uint32(high >> 32)}, key)
			for j, word := range v {
				binary.LittleEndian.PutUint32(b[j*4:], word)
			}
			return b
		}
		inChunks(c, blocks, parallelSize/16, func(from, to int) {
			for i := from; i < to; i++ {
				b := block(i)
				copy(out[i*16:], b[:])
			}
		})
		low, carry := bits.Add64(state[1], uint64(blocks), 0)
		newState[0], newState[1], newState[2] = state[0], low, state[2]+carry
	}
}
