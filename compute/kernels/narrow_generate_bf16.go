//go:build ignore

package main

// stepAVX512BF16 writes VDPBF16PS in bytes: EVEX.512.F3.0F38.W0 52 /r, which the assembler lacks.
func stepAVX512BF16(g *generator) {
	for c := range g.c {
		g.op("VMOVDQU32 %d(BX), %s", c*64, g.spare(c))
	}
	for r := range g.r {
		a := 2 + r%4
		g.op("VPBROADCASTD (%s)(CX*1), %s", rowRegisters[r], g.spare(a))
		for c := range g.c {
			g.evex("VDPBF16PS", 2, 0x52, r*g.c+c, g.registers-1-a, g.registers-1-c)
		}
	}
}

// evex writes an instruction of map 0F38 on 512 bits in bytes, in the order of Intel's manuals.
func (g *generator) evex(name string, prefix, opcode, dst, first, second int) {
	inverted := func(v, bit, to int) int { return (^v >> bit & 1) << to }
	p1 := inverted(dst, 3, 7) | inverted(second, 4, 6) | inverted(second, 3, 5) | inverted(dst, 4, 4) | 2
	p2 := (^first&15)<<3 | 4 | prefix
	p3 := 0x40 | inverted(first, 4, 3)
	g.op("BYTE $0x62; BYTE $%#x; BYTE $%#x; BYTE $%#x; BYTE $%#x; BYTE $%#x // %s Z%d, Z%d, Z%d", p1, p2, p3, opcode, 0xc0|dst%8<<3|second%8,
		name, second, first, dst)
}

func stepBF16AVX512(g *generator) {
	for upper := range 2 {
		for c := range g.c {
			if upper == 1 {
				g.op("VPANDD %d(BX), %s, %s", c*64, g.spare(0), g.spare(1+c))
			} else {
				g.op("VPSLLD $16, %d(BX), %s", c*64, g.spare(1+c))
			}
		}
		for r := range g.r {
			a := g.spare(3 + r%4)
			if upper == 1 {
				g.op("VPANDD.BCST (%s)(CX*1), %s, %s", rowRegisters[r], g.spare(0), a)
			} else {
				g.op("VPSLLD.BCST $16, (%s)(CX*1), %s", rowRegisters[r], a)
			}
			for c := range g.c {
				g.op("VFMADD231PS %s, %s, %s", g.spare(1+c), a, g.sum(r, c))
			}
		}
	}
}

func stepBF16AVX2(g *generator) {
	half := func(upper int, v string) {
		if upper == 1 {
			g.op("VPAND upperHalves<>(SB), %s, %s", v, v)
		} else {
			g.op("VPSLLD $16, %s, %s", v, v)
		}
	}
	for upper := range 2 {
		for c := range g.c {
			g.op("VMOVDQU %d(BX), %s", c*32, g.spare(c))
			half(upper, g.spare(c))
		}
		for r := range g.r {
			a := g.spare(2 + r%2)
			g.op("VPBROADCASTD (%s)(CX*1), %s", rowRegisters[r], a)
			half(upper, a)
			for c := range g.c {
				g.op("VFMADD231PS %s, %s, %s", g.spare(c), a, g.sum(r, c))
			}
		}
	}
}

// finishBF16 is narrowTile.finishBF16 for all rows.
func finishBF16(g *generator) {
	g.op("MOVQ t+0(FP), BP")
	g.op("MOVL 116(BP), CX")
	g.op("MOVQ 64(BP), BX")
	g.op("MOVQ 72(BP), DI")
	g.op("MOVQ 80(BP), DX")
	g.op("MOVQ 88(BP), SI")
	g.each(func(_, c int, sum string) { g.op("VADDPS %d(BX), %s, %s", c*g.width(), sum, sum) })
	g.op("TESTL $2, CX")
	g.op("JZ added")
	g.each(func(_, c int, sum string) {
		v := g.spare(0)
		g.op("VPMOVZXWD %d(SI), %s", 2*c*g.lanes, v)
		g.op("VPSLLD $16, %s, %s", v, v)
		g.op("VADDPS %s, %s, %s", v, sum, sum)
		if c == g.c-1 {
			g.op("LEAQ (SI)(DX*2), SI")
		}
	})
	g.line("added:")
	g.relu()
	g.op("TESTL $1, CX")
	g.op("JNZ floats")
	switch {
	case g.name == "BF16AVX512BF16":
		g.storeAVX512BF16()
	case g.vector == "Z":
		g.storeBF16AVX512()
	default:
		g.storeBF16AVX2()
	}
	g.op("JMP next")
	g.line("floats:")
	g.storeFloats()
}

// storeAVX512BF16 writes VCVTNE2PS2BF16 in bytes: EVEX.512.F2.0F38.W0 72 /r, which the assembler lacks.
func (g *generator) storeAVX512BF16() {
	for r := range g.r {
		first := r * g.c
		g.evex("VCVTNE2PS2BF16", 3, 0x72, first, first+g.c-1, first)
		g.op("VMOVDQU32 %s%d, (DI)", map[int]string{1: "Y", 2: "Z"}[g.c], first)
		g.op("LEAQ (DI)(DX*2), DI")
	}
}

// storeBF16AVX512 rounds to the nearest upper half, half to even, and makes a NaN quiet.
func (g *generator) storeBF16AVX512() {
	one, half, quiet, v := g.spare(0), g.spare(1), g.spare(2), g.spare(3)
	g.op("VPBROADCASTD one<>(SB), %s", one)
	g.op("VPBROADCASTD half<>(SB), %s", half)
	g.op("VPBROADCASTD quiet<>(SB), %s", quiet)
	g.each(func(_, c int, sum string) {
		g.op("VCMPPS $3, %s, %s, K1", sum, sum)
		g.op("VPSRLD $16, %s, %s", sum, v)
		g.op("VPANDD %s, %s, %s", one, v, v)
		g.op("VPADDD %s, %s, %s", half, v, v)
		g.op("VPADDD %s, %s, %s", sum, v, v)
		g.op("VPORD %s, %s, K1, %s", quiet, sum, v)
		g.op("VPSRLD $16, %s, %s", v, v)
		g.op("VPMOVDW %s, %d(DI)", v, 2*c*g.lanes)
		if c == g.c-1 {
			g.op("LEAQ (DI)(DX*2), DI")
		}
	})
}

func (g *generator) storeBF16AVX2() {
	isNaN, quiet, v := g.spare(0), g.spare(1), g.spare(2)
	g.each(func(r, c int, sum string) {
		g.op("VCMPPS $3, %s, %s, %s", sum, sum, isNaN)
		g.op("VPOR quiet<>(SB), %s, %s", sum, quiet)
		g.op("VPSRLD $16, %s, %s", sum, v)
		g.op("VPAND one<>(SB), %s, %s", v, v)
		g.op("VPADDD half<>(SB), %s, %s", v, v)
		g.op("VPADDD %s, %s, %s", sum, v, v)
		g.op("VBLENDVPS %s, %s, %s, %s", isNaN, quiet, v, v)
		g.op("VPSRLD $16, %s, %s", v, sum)
		if c == g.c-1 {
			first := g.sum(r, 0)
			g.op("VPACKUSDW %s, %s, %s", sum, first, first)
			g.op("VPERMQ $0xd8, %s, %s", first, first)
			g.op("VMOVDQU %s, (DI)", first)
			g.op("LEAQ (DI)(DX*2), DI")
		}
	})
}
