#include "go_asm.h"
#include "textflag.h"

// Winograd's products of four tiles, one row of six points at a time: see winogradFew.

// The constants of winogradConstants: the near points' 1/2, 1/√2, -2/3 and the far ones' 2, √2, 1/6.
DATA winogradFewConstants<>+0(SB)/4, $0.5
DATA winogradFewConstants<>+4(SB)/4, $0.7071067811865476
DATA winogradFewConstants<>+8(SB)/4, $-0.6666666666666666
DATA winogradFewConstants<>+12(SB)/4, $2.0
DATA winogradFewConstants<>+16(SB)/4, $1.4142135623730951
DATA winogradFewConstants<>+20(SB)/4, $0.16666666666666666
GLOBL winogradFewConstants<>(SB), RODATA|NOPTR, $24

// FOUR adds the products of filters f and the four tiles at base, offset bytes on.
#define FOUR(offset, base, f, a, b, c, d) \
	VFMADD231PS.BCST offset(base), f, a; \
	VFMADD231PS.BCST offset(base)(AX*1), f, b; \
	VFMADD231PS.BCST offset(base)(AX*2), f, c; \
	VFMADD231PS.BCST offset(base)(BX*1), f, d

// HELD and READ turn Z24, Z25 and Z26 to a pair of points, Z27 and Z28, by constants in registers or in memory.
#define HELD \
	VMOVAPS Z24, Z27; \
	VFMADD231PS Z29, Z26, Z27; \
	VMOVAPS Z27, Z28; \
	VFMADD231PS Z30, Z25, Z27; \
	VFNMADD231PS Z30, Z25, Z28; \
	VMULPS Z31, Z27, Z27; \
	VMULPS Z31, Z28, Z28

#define READ(at) \
	VMOVAPS Z24, Z27; \
	VFMADD231PS.BCST winogradFewConstants<>+(at)(SB), Z26, Z27; \
	VMOVAPS Z27, Z28; \
	VFMADD231PS.BCST winogradFewConstants<>+(at+4)(SB), Z25, Z27; \
	VFNMADD231PS.BCST winogradFewConstants<>+(at+4)(SB), Z25, Z28; \
	VMULPS.BCST winogradFewConstants<>+(at+8)(SB), Z27, Z27; \
	VMULPS.BCST winogradFewConstants<>+(at+8)(SB), Z28, Z28

// BORDER, PLUS and MINUS turn the taps of a column, taps bytes from SI, to a row's.
#define BORDER(taps, to) \
	VMOVUPS taps(SI), to

#define PLUS(taps, to) \
	VMOVUPS taps(SI), to; \
	VFMADD231PS (taps+384)(SI), Z29, to; \
	VFMADD231PS (taps+192)(SI), Z30, to; \
	VMULPS Z31, to, to

#define MINUS(taps, to) \
	VMOVUPS taps(SI), to; \
	VFMADD231PS (taps+384)(SI), Z29, to; \
	VFNMADD231PS (taps+192)(SI), Z30, to; \
	VMULPS Z31, to, to

// POINTS adds the products at the six points of a row.
#define POINTS(offset, near, far) \
	FOUR(offset, R8, Z24, Z0, Z1, Z2, Z3); \
	FOUR(offset, R13, Z26, Z20, Z21, Z22, Z23); \
	near; \
	FOUR(offset, R9, Z27, Z4, Z5, Z6, Z7); \
	FOUR(offset, R10, Z28, Z8, Z9, Z10, Z11); \
	far; \
	FOUR(offset, R11, Z27, Z12, Z13, Z14, Z15); \
	FOUR(offset, R12, Z28, Z16, Z17, Z18, Z19)

// ROW is one row: at are its constants, line turns columns of taps from first on. Each two channels fetch three cache
// lines of what is read next.
#define ROW(at, column, first, near, far) \
	MOVQ w+0(FP), DI; \
	MOVQ winogradFewWork_in(DI), R8; \
	MOVQ winogradFewWork_inPoint(DI), DX; \
	MOVQ winogradFewWork_inTile(DI), AX; \
	MOVQ winogradFewWork_taps(DI), SI; \
	MOVQ winogradFewWork_next(DI), R15; \
	MOVQ winogradFewWork_channels(DI), CX; \
	LEAQ (AX)(AX*2), BX; \
	LEAQ (R8)(DX*1), R9; \
	LEAQ (R9)(DX*1), R10; \
	LEAQ (R10)(DX*1), R11; \
	LEAQ (R11)(DX*1), R12; \
	LEAQ (R12)(DX*1), R13; \
	VBROADCASTSS winogradFewConstants<>+(at)(SB), Z29; \
	VBROADCASTSS winogradFewConstants<>+(at+4)(SB), Z30; \
	VBROADCASTSS winogradFewConstants<>+(at+8)(SB), Z31; \
	VPXORD Z0, Z0, Z0; \
	VMOVAPS Z0, Z1; \
	VMOVAPS Z0, Z2; \
	VMOVAPS Z0, Z3; \
	VMOVAPS Z0, Z4; \
	VMOVAPS Z0, Z5; \
	VMOVAPS Z0, Z6; \
	VMOVAPS Z0, Z7; \
	VMOVAPS Z0, Z8; \
	VMOVAPS Z0, Z9; \
	VMOVAPS Z0, Z10; \
	VMOVAPS Z0, Z11; \
	VMOVAPS Z0, Z12; \
	VMOVAPS Z0, Z13; \
	VMOVAPS Z0, Z14; \
	VMOVAPS Z0, Z15; \
	VMOVAPS Z0, Z16; \
	VMOVAPS Z0, Z17; \
	VMOVAPS Z0, Z18; \
	VMOVAPS Z0, Z19; \
	VMOVAPS Z0, Z20; \
	VMOVAPS Z0, Z21; \
	VMOVAPS Z0, Z22; \
	VMOVAPS Z0, Z23; \
loop: \
	column(first, Z24); \
	column(first+64, Z25); \
	column(first+128, Z26); \
	PREFETCHT1 (R15); \
	POINTS(0, near, far); \
	PREFETCHT1 64(R15); \
	column(576+first, Z24); \
	column(576+first+64, Z25); \
	column(576+first+128, Z26); \
	PREFETCHT1 128(R15); \
	POINTS(4, near, far); \
	ADDQ $192, R15; \
	ADDQ $1152, SI; \
	ADDQ $8, R8; \
	ADDQ $8, R9; \
	ADDQ $8, R10; \
	ADDQ $8, R11; \
	ADDQ $8, R12; \
	ADDQ $8, R13; \
	SUBQ $2, CX; \
	JNZ loop; \
	MOVQ winogradFewWork_out(DI), R8; \
	MOVQ winogradFewWork_outPoint(DI), DX; \
	MOVQ winogradFewWork_outTile(DI), AX; \
	LEAQ (AX)(AX*2), BX; \
	PUT(Z0, Z1, Z2, Z3); \
	PUT(Z4, Z5, Z6, Z7); \
	PUT(Z8, Z9, Z10, Z11); \
	PUT(Z12, Z13, Z14, Z15); \
	PUT(Z16, Z17, Z18, Z19); \
	PUT(Z20, Z21, Z22, Z23); \
	VZEROUPPER; \
	RET

#define PUT(a, b, c, d) \
	VMOVUPS a, (R8); \
	VMOVUPS b, (R8)(AX*1); \
	VMOVUPS c, (R8)(AX*2); \
	VMOVUPS d, (R8)(BX*1); \
	ADDQ DX, R8

// func winogradFew0(w *winogradFewWork)
TEXT ·winogradFew0(SB), NOSPLIT, $0-8
	ROW(0, BORDER, 0, HELD, READ(12))

// func winogradFew1(w *winogradFewWork)
TEXT ·winogradFew1(SB), NOSPLIT, $0-8
	ROW(0, PLUS, 0, HELD, READ(12))

// func winogradFew2(w *winogradFewWork)
TEXT ·winogradFew2(SB), NOSPLIT, $0-8
	ROW(0, MINUS, 0, HELD, READ(12))

// func winogradFew3(w *winogradFewWork)
TEXT ·winogradFew3(SB), NOSPLIT, $0-8
	ROW(12, PLUS, 0, READ(0), HELD)

// func winogradFew4(w *winogradFewWork)
TEXT ·winogradFew4(SB), NOSPLIT, $0-8
	ROW(12, MINUS, 0, READ(0), HELD)

// func winogradFew5(w *winogradFewWork)
TEXT ·winogradFew5(SB), NOSPLIT, $0-8
	ROW(0, BORDER, 384, HELD, READ(12))
