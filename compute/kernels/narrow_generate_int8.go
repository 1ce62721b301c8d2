//go:build ignore

package main

import "fmt"

func stepAVX512VNNI(g *generator) {
	for c := range g.c {
		g.op("VMOVDQU32 %d(BX), %s", c*64, g.spare(c))
	}
	for r := range g.r {
		a := g.spare(2 + r%4)
		g.op("VPBROADCASTD (%s)(CX*1), %s", rowRegisters[r], a)
		for c := range g.c {
			g.op("VPDPBUSD %s, %s, %s", g.spare(c), a, g.sum(r, c))
		}
	}
}

func stepAVX512(g *generator) {
	for odd := range 2 {
		for c := range g.c {
			g.op("VMOVDQU32 %d(BX), %s", (odd*g.c+c)*64, g.spare(1+c))
		}
		for r := range g.r {
			a := g.spare(3 + r%2)
			if odd == 1 {
				g.op("VPBROADCASTD (%s)(CX*1), %s", rowRegisters[r], a)
				g.op("VPSRLW $8, %s, %s", a, a)
			} else {
				g.op("VPANDD.BCST (%s)(CX*1), %s, %s", rowRegisters[r], g.spare(0), a)
			}
			g.products(r, a, 1, 5)
		}
	}
}

// products adds the products of pairs of int16 in a and in the filters, which are in the spare registers from b on.
func (g *generator) products(r int, a string, b, product int) {
	for c := range g.c {
		p := g.spare(product + c)
		if product < 0 {
			p = a
			if c+1 < g.c {
				p = g.spare(3)
			}
		}
		g.op("VPMADDWD %s, %s, %s", g.spare(b+c), a, p)
		g.op("VPADDD %s, %s, %s", p, g.sum(r, c), g.sum(r, c))
	}
}

func stepAVX2(g *generator) { g.pairs(0, g.c, "ones<>(SB)") }

// pairs does a step of the registers [from, to) of columns. It sums up pairs of products in int16, for which filters may
// need two parts, and pairs of those in int32.
func (g *generator) pairs(from, to int, ones string) {
	for c := from; c < to; c++ {
		g.op("VMOVDQU %d(BX), %s", (c-from)*g.width(), g.spare(c))
	}
	for r := range g.r {
		a := g.spare(2)
		g.op("VPBROADCASTD (%s)(CX*1), %s", rowRegisters[r], a)
		for c := from; c < to; c++ {
			p := a
			if c+1 < to {
				p = g.spare(3)
			}
			g.op("VPMADDUBSW %s, %s, %s", g.spare(c), a, p)
			g.op("VPMADDWD %s, %s, %s", ones, p, p)
			g.op("VPADDD %s, %s, %s", p, g.sum(r, c), g.sum(r, c))
		}
	}
}

// stepsAgain adds the second parts of the steps that have one, for each register of columns by itself.
func (g *generator) stepsAgain() {
	ones := g.spare(3)
	g.op("VMOVDQU ones<>(SB), %s", ones)
	for c := range g.c {
		g.op("MOVQ t+0(FP), BP")
		g.op("MOVQ %d(BP), AX", 144+16*c)
		g.op("TESTQ AX, AX")
		g.op("JZ summed%d", c)
		g.op("MOVQ %d(BP), BP", 136+16*c)
		g.op("LEAQ (BP)(AX*8), AX")
		g.op("PCALIGN $32")
		g.line("again%d:", c)
		g.op("MOVQ (BP), CX")
		g.pairs(c, c+1, ones)
		g.op("ADDQ $%d, BX", g.width())
		g.op("ADDQ $8, BP")
		g.op("CMPQ BP, AX")
		g.op("JNE again%d", c)
		g.line("summed%d:", c)
	}
}

func stepInt16AVX2(g *generator) {
	for i := range g.unroll {
		for c := range g.c {
			g.op("VMOVDQU %d(BX), %s", (i*g.c+c)*32, g.spare(c))
		}
		for r := range g.r {
			a := g.spare(2)
			g.op("VPBROADCASTD %d(%s)(CX*1), %s", 4*i, rowRegisters[r], a)
			g.products(r, a, 0, -1)
		}
	}
}

// finishInt32 stores the sums.
func finishInt32(g *generator) {
	g.op("MOVQ t+0(FP), BP")
	g.op("MOVQ 72(BP), DI")
	g.op("MOVQ 80(BP), DX")
	g.op("MOVQ 88(BP), SI")
	g.storeFloats()
}

// stepAVXVNNI writes VPDPBUSD in bytes: VEX.256.66.0F38.W0 50 /r, which the assembler lacks.
func stepAVXVNNI(g *generator) {
	for c := range g.c {
		g.op("VMOVDQU %d(BX), %s", c*32, g.spare(c))
	}
	for r := range g.r {
		a := 2 + r%2
		g.op("VPBROADCASTD (%s)(CX*1), %s", rowRegisters[r], g.spare(a))
		for c := range g.c {
			sum, unsigned, signed := r*g.c+c, g.registers-1-a, g.registers-1-c
			p1 := 0xe2
			if sum >= 8 {
				p1 &^= 0x80
			}
			if signed >= 8 {
				p1 &^= 0x20
			}
			g.op("BYTE $0xc4; BYTE $%#x; BYTE $%#x; BYTE $0x50; BYTE $%#x // VPDPBUSD %s, %s, %s", p1, (15-unsigned)<<3|5, 0xc0|sum%8<<3|signed%8,
				g.spare(c), g.spare(a), g.sum(r, c))
		}
	}
}

// finishInt8 is narrowTile.finishInt8 for all rows.
func finishInt8(g *generator) {
	g.op("MOVQ t+0(FP), BP")
	g.op("MOVL 116(BP), CX")
	g.op("MOVQ 56(BP), BX")
	g.op("MOVQ 64(BP), DX")
	for c := range g.c {
		g.op("VMOVUPS %d(BX), %s", c*g.width(), g.spare(c))
	}
	g.each(func(_, _ int, sum string) { g.op("VCVTDQ2PS %s, %s", sum, sum) })
	if g.vector == "Z" {
		for c := range g.c {
			g.op("VMOVUPS %d(DX), %s", c*g.width(), g.spare(2+c))
		}
		g.each(func(_, c int, sum string) { g.op("VFMADD213PS %s, %s, %s", g.spare(2+c), g.spare(c), sum) })
	} else {
		g.each(func(_, c int, sum string) { g.op("VFMADD213PS %d(DX), %s, %s", c*g.width(), g.spare(c), sum) })
	}
	g.op("MOVQ 72(BP), DI")
	g.op("MOVQ 80(BP), DX")
	g.op("MOVQ 88(BP), SI")
	g.op("TESTL $6, CX")
	g.op("JZ added")
	g.op("VBROADCASTSS 96(BP), %s", g.spare(0))
	g.op("TESTL $4, CX")
	g.op("JNZ addFloats")
	g.op("VPBROADCASTD 100(BP), %s", g.spare(1))
	g.each(func(_, c int, sum string) {
		v := g.spare(2)
		g.op("VPMOVZXBD %d(SI), %s", c*g.lanes, v)
		g.op("VPSUBD %s, %s, %s", g.spare(1), v, v)
		g.op("VCVTDQ2PS %s, %s", v, v)
		g.op("VFMADD231PS %s, %s, %s", g.spare(0), v, sum)
		if c == g.c-1 {
			g.op("ADDQ DX, SI")
		}
	})
	g.op("JMP added")
	g.line("addFloats:")
	g.each(func(_, c int, sum string) {
		g.op("VFMADD231PS %d(SI), %s, %s", c*g.width(), g.spare(0), sum)
		if c == g.c-1 {
			g.op("LEAQ (SI)(DX*4), SI")
		}
	})
	g.line("added:")
	g.op("TESTL $1, CX")
	g.op("JNZ floats")
	if g.vector == "Z" {
		g.bytes512()
	} else {
		g.bytes256()
	}
	g.op("JMP next")
	g.line("floats:")
	g.relu()
	g.storeFloats()
}

// round rounds, moves and, with what packs to bytes later, clamps. What is too large for an int32 would become the
// least one; a NaN may.
func (g *generator) round() {
	g.op("TESTL $16, CX")
	g.op("JZ small")
	g.op("VBROADCASTSS 108(BP), %s", g.spare(0))
	g.each(func(_, _ int, sum string) { g.op("VMINPS %s, %s, %s", sum, g.spare(0), sum) })
	g.line("small:")
	g.op("VPBROADCASTD 112(BP), %s", g.spare(0))
	g.op("VPBROADCASTD 128(BP), %s", g.spare(1))
	g.each(func(_, _ int, sum string) { g.op("VCVTPS2DQ %s, %s", sum, sum) })
	g.each(func(_, _ int, sum string) { g.op("VPADDD %s, %s, %s", g.spare(0), sum, sum) })
}

// bytes512 packs four registers into one, in which the lanes' parts are put into order.
func (g *generator) bytes512() {
	g.round()
	g.op("VMOVDQU32 lanesInOrder<>(SB), %s", g.spare(2))
	for i := 0; i < g.r*g.c; i += 4 {
		reg := func(k int) string { return fmt.Sprint("Z", i+min(k, g.r*g.c-1)) }
		g.op("VPACKSSDW %s, %s, %s", reg(1), reg(0), reg(0))
		if g.r*g.c > 2 {
			g.op("VPACKSSDW %s, %s, %s", reg(3), reg(2), reg(2))
		}
		g.op("VPACKUSWB %s, %s, %s", reg(2), reg(0), reg(0))
		g.op("VPERMD %s, %s, %s", reg(0), g.spare(2), reg(0))
		g.op("VPMAXUB %s, %s, %s", g.spare(1), reg(0), reg(0))
		for r := range min(4/g.c, g.r) {
			switch {
			case r == 0 && g.c == 2:
				g.op("VMOVDQU32 Y%d, (DI)", i)
			case r == 0:
				g.op("VMOVDQU32 X%d, (DI)", i)
			case g.c == 2:
				g.op("VEXTRACTI64X4 $1, Z%d, (DI)", i)
			default:
				g.op("VEXTRACTI32X4 $%d, Z%d, (DI)", r, i)
			}
			g.op("ADDQ DX, DI")
		}
	}
}

func (g *generator) bytes256() {
	g.round()
	for r := range g.r {
		first := g.sum(r, 0)
		g.op("VPACKSSDW %s, %s, %s", g.sum(r, 1), first, first)
		g.op("VPERMQ $0xd8, %s, %s", first, first)
		g.op("VEXTRACTI128 $1, %s, %s", first, g.low(2))
		g.op("VPACKUSWB %s, X%d, X%d", g.low(2), r*g.c, r*g.c)
		g.op("VPMAXUB %s, X%d, X%d", g.low(1), r*g.c, r*g.c)
		g.op("VMOVDQU X%d, (DI)", r*g.c)
		g.op("ADDQ DX, DI")
	}
}
