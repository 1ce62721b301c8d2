//go:build ignore

package main

import (
	"fmt"
	"log"
	"os"
)

// Tiles of AMX: sums are in 0 to 3, two rows of two; 4 and 5 have the image's rows, 6 and 7 the filters' columns. The
// assembler lacks all of its instructions, which are of map 0F38, VEX.128 and W0.
const (
	amxA = 4
	amxB = 6
)

// The prefixes of such instructions, as VEX numbers them.
const (
	noPrefix = iota
	prefix66
	prefixF3
	prefixF2
)

// The registers that the instructions of AMX address memory by.
const (
	regAX = 0
	regDX = 2
	regBX = 3
	regSI = 6
	regDI = 7
)

var amxRegisters = map[int]string{regAX: "AX", regDX: "DX", regBX: "BX", regSI: "SI", regDI: "DI"}

// vex writes an instruction whose operands are tiles, or a tile and what modRM says.
func (g *generator) vex(prefix, opcode, vvvv int, comment string, modRM ...int) {
	text := ""
	for i, b := range append([]int{0xc4, 0xe2, (15-vvvv)<<3 | prefix, opcode}, modRM...) {
		if i > 0 {
			text += "; "
		}
		text += fmt.Sprintf("BYTE $%#x", b)
	}
	g.op("%s // %s", text, comment)
}

// loadTile loads rows that lie as many bytes apart as the register stride says.
func (g *generator) loadTile(tile, base, offset, stride int) {
	g.memory("TILELOADD", prefixF2, tile, base, offset, stride)
}

func (g *generator) storeTile(tile, base, offset, stride int) {
	g.memory("TILESTORED", prefixF3, tile, base, offset, stride)
}

func (g *generator) memory(name string, prefix, tile, base, offset, stride int) {
	g.vex(prefix, 0x4b, 0, fmt.Sprintf("%s tile %d, %d(%s)(%s*1)", name, tile, offset, amxRegisters[base], amxRegisters[stride]),
		0x44|tile<<3, stride<<3|base, offset)
}

// amx writes what sums up the products of a block of up to 32 rows and of 32 or 16 columns.
func (g *generator) amx(file string) {
	for _, kind := range []struct {
		name           string
		product        string
		prefix, opcode int
	}{{"Int8", "TDPBUSD", prefix66, 0x5e}, {"BF16", "TDPBF16PS", prefixF3, 0x5c}} {
		for _, g.r = range []int{2, 1} {
			for _, g.c = range []int{2, 1} {
				g.line("\n// func product%dx%d%sAMX(p *amxProduct)", 16*g.r, 16*g.c, kind.name)
				g.line("TEXT ·product%dx%d%sAMX(SB), NOSPLIT, $0-8", 16*g.r, 16*g.c, kind.name)
				g.op("MOVQ p+0(FP), CX")
				g.op("MOVQ 0(CX), DI")
				g.vex(noPrefix, 0x49, 0, "LDTILECFG (DI)", regDI)
				g.op("MOVQ 8(CX), R9")
				g.op("MOVQ 16(CX), AX")
				g.op("MOVQ $%d, DX", 64*g.c)
				g.op("MOVQ 40(CX), R10")
				if g.r == 2 { // several products
					g.op("MOVQ 48(CX), R11")
					g.line("product:")
				}
				g.op("MOVQ R9, SI")
				if g.r == 2 {
					g.op("MOVQ AX, DI")
					g.op("SHLQ $4, DI")
					g.op("ADDQ SI, DI")
				}
				g.op("MOVQ 24(CX), BX")
				g.op("MOVQ 32(CX), R8")
				for sum := range 4 {
					if sum/2 < g.r && sum%2 < g.c {
						g.vex(prefixF2, 0x49, 0, fmt.Sprintf("TILEZERO tile %d", sum), 0xc0|sum<<3)
					}
				}
				g.op("TESTQ R8, R8")
				g.op("JZ store")
				g.op("PCALIGN $32")
				g.line("loop:")
				for c := range g.c {
					g.loadTile(amxB+c, regBX, 64*c, regDX)
				}
				for r := range g.r {
					g.loadTile(amxA+r, []int{regSI, regDI}[r], 0, regAX)
					for c := range g.c {
						sum := 2*r + c
						g.vex(kind.prefix, kind.opcode, amxB+c, fmt.Sprintf("%s tile %d += tile %d x tile %d", kind.product, sum, amxA+r, amxB+c), 0xc0|sum<<3|(amxA+r))
					}
				}
				for r := range g.r {
					g.op("ADDQ $64, %s", amxRegisters[[]int{regSI, regDI}[r]])
				}
				g.op("ADDQ $%d, BX", 16*64*g.c)
				g.op("DECQ R8")
				g.op("JNZ loop")
				g.line("store:")
				g.op("MOVQ R10, BX")
				for r := range g.r {
					for c := range g.c {
						g.storeTile(2*r+c, regBX, 64*c, regDX)
					}
					g.op("ADDQ $%d, BX", 16*64*g.c)
				}
				if g.r == 2 {
					g.op("MOVQ BX, R10")
					g.op("MOVQ AX, DI")
					g.op("SHLQ $5, DI")
					g.op("ADDQ DI, R9")
					g.op("DECQ R11")
					g.op("JNZ product")
				}
				g.vex(noPrefix, 0x49, 0, "TILERELEASE", 0xc0)
				g.op("RET")
			}
		}
	}
	if err := os.WriteFile(file, g.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}
