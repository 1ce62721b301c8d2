package kernels

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"unsafe"
)

// guarded returns a copy of s that ends, or begins, where memory must not be touched. The program dies where it is.
func guarded[T any](t *testing.T, s []T, atEnd bool) []T {
	t.Helper()
	var one T
	page, n := syscall.Getpagesize(), len(s)*int(unsafe.Sizeof(one))
	size := (n + page - 1) / page * page
	memory, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(memory); err != nil {
			t.Error(err)
		}
	})
	for _, edge := range [][]byte{memory[:page], memory[page+size:]} {
		if err := syscall.Mprotect(edge, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	begin := page
	if atEnd {
		begin += size - n
	}
	copied := unsafe.Slice((*T)(unsafe.Pointer(&memory[begin])), len(s))
	copy(copied, s)
	return copied
}

// TestNarrowStaysWithin reads and writes nothing beyond images, filters, epilogues and outputs.
func TestNarrowStaysWithin(t *testing.T) {
	narrowLevels(t, func(t *testing.T) {
		for seed := range uint64(250) {
			t.Run("", func(t *testing.T) { // gives the memory back
				checkStaysWithin(t, rand.New(rand.NewPCG(seed, 15)), seed%2 == 0)
			})
		}
	})
}

func checkStaysWithin(t *testing.T, rng *rand.Rand, atEnd bool) {
	t.Helper()
	c := randomConv(rng)
	c.Groups = 1
	switch rng.IntN(4) {
	case 0: // windows are read where they are
		c.C = 64 * (1 + rng.IntN(3))
		c.KH, c.KW, c.StrideH, c.StrideW, c.PadTop, c.PadLeft, c.OH, c.OW = 1, 1, 1, 1, 0, 0, c.H, c.W
	case 1:
		c.C = 32 * (1 + rng.IntN(5))
	case 2:
		c.C = 1 + rng.IntN(130)
	}
	if rng.IntN(3) == 0 && c.inHeight(1) <= c.H && c.inWidth(1) <= c.W { // nor is there a border
		c.PadTop, c.PadLeft, c.OH, c.OW = 0, 0, (c.H-c.inHeight(1))/c.StrideH+1, (c.W-c.inWidth(1))/c.StrideW+1
	}
	inputs, filters, outputs := c.N*c.H*c.W*c.C, c.KH*c.KW*c.C*c.O, c.N*c.OH*c.OW*c.O

	x := guarded(t, randomBytes(rng, inputs), atEnd)
	narrow := PackConvInt8(c, signed(randomBytes(rng, filters)), 3)
	panels := narrow.windows()
	panels.data = guarded(t, panels.data, atEnd)
	e := randomEpilogueInt8(rng, c.O, outputs)
	e.Scale = guarded(t, e.Scale, atEnd)
	if e.Residual != nil {
		e.Residual = guarded(t, e.Residual, atEnd)
	}
	if e.ResidualFloat != nil {
		e.ResidualFloat = guarded(t, e.ResidualFloat, atEnd)
	}
	narrow.Forward(Serial{}, c, guarded(t, make([]uint8, outputs), atEnd), x, e)
	narrow.ForwardFloat(Serial{}, c, guarded(t, make([]float32, outputs), atEnd), x, e)

	halves := guarded(t, randomBF16(rng, inputs), atEnd)
	packed := PackConvBF16(c, randomBF16(rng, filters))
	packed.data = guarded(t, packed.data, atEnd)
	var epilogue EpilogueBF16
	if rng.IntN(2) == 0 {
		epilogue.Residual = guarded(t, randomBF16(rng, outputs), atEnd)
	}
	packed.Forward(Serial{}, c, guarded(t, make([]uint16, outputs), atEnd), halves, epilogue)
	packed.ForwardFloat(Serial{}, c, guarded(t, make([]float32, outputs), atEnd), halves, epilogue)
}

// TestWriteWindowsStaysWithin lets the last window end where the image does, and the last row writtenBeyond before memory does.
func TestWriteWindowsStaysWithin(t *testing.T) {
	if !AMX.Supported() {
		t.Skip("windows are written for AMX alone, which this CPU lacks")
	}
	rng := rand.New(rand.NewPCG(1, 15))
	image, memory := guarded(t, randomBytes(rng, 8<<10), true), guarded(t, make([]byte, 32<<10), true)
	for range 5000 {
		run := 1 + rng.IntN(300)
		steps, end := (run+3)/4, 0
		rows, runs := make([]int, 1+rng.IntN(6)), make([]int, 1+rng.IntN(5))
		for i := range rows {
			rows[i] = rng.IntN(1000)
		}
		for i := range runs {
			runs[i] = rng.IntN(1000)
			end = max(end, slices.Max(rows)+runs[i]+run)
		}
		width := 4 * wholeChunks(len(runs)*steps)
		src, dst := image[len(image)-end:], memory[len(memory)-len(rows)*width-writtenBeyond:]
		setAll(dst, 0xaa)
		writeWindows(unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0]), rows, runs, run, width)
		for i, row := range rows {
			want := make([]byte, width)
			for k, at := range runs {
				copy(want[k*steps*4:], src[row+at:][:run])
			}
			if !bytes.Equal(want, dst[i*width:(i+1)*width]) {
				t.Fatalf("rows %v, runs %v of %d bytes: row %d differs", rows, runs, run, i)
			}
		}
	}
}
