#include "textflag.h"

// Loops over vectors of floats: sixteen at a time, the rest under a mask.

// MASK sets K1 to the lowest CX lanes.
#define MASK \
	MOVQ $1, AX; \
	SHLQ CX, AX; \
	DECQ AX; \
	KMOVW AX, K1

// BINARY is the body of dst[i] = a[i] op b[i]; OP computes Z0 from Z0 (a) and Z1 (b).
#define BINARY(OP) \
	MOVQ dst+0(FP), DI; \
	MOVQ a+8(FP), SI; \
	MOVQ b+16(FP), BX; \
	MOVQ n+24(FP), CX; \
	XORQ DX, DX; \
	SUBQ $16, CX; \
	JLT rest; \
whole: \
	VMOVUPS (SI)(DX*4), Z0; \
	VMOVUPS (BX)(DX*4), Z1; \
	OP; \
	VMOVUPS Z0, (DI)(DX*4); \
	ADDQ $16, DX; \
	SUBQ $16, CX; \
	JGE whole; \
rest: \
	ADDQ $16, CX; \
	JZ done; \
	MASK; \
	VMOVUPS.Z (SI)(DX*4), K1, Z0; \
	VMOVUPS.Z (BX)(DX*4), K1, Z1; \
	OP; \
	VMOVUPS Z0, K1, (DI)(DX*4); \
done: \
	VZEROUPPER; \
	RET

#define SUM VADDPS Z1, Z0, Z0
#define DIFFERENCE VSUBPS Z1, Z0, Z0
#define PRODUCT VMULPS Z1, Z0, Z0
#define QUOTIENT VDIVPS Z1, Z0, Z0

// VMAXPS and VMINPS give the second of two zeros and of a pair with a NaN. Both orders together tell
// the zeros apart; a NaN is the sum's.
#define LARGER \
	VMAXPS Z1, Z0, Z2; \
	VMAXPS Z0, Z1, Z3; \
	VCMPPS $3, Z1, Z0, K2; \
	VANDPS Z2, Z3, Z2; \
	VADDPS Z1, Z0, K2, Z2; \
	VMOVAPS Z2, Z0

#define SMALLER \
	VMINPS Z1, Z0, Z2; \
	VMINPS Z0, Z1, Z3; \
	VCMPPS $3, Z1, Z0, K2; \
	VORPS Z2, Z3, Z2; \
	VADDPS Z1, Z0, K2, Z2; \
	VMOVAPS Z2, Z0

// func add512(dst, a, b unsafe.Pointer, n int)
TEXT ·add512(SB), NOSPLIT, $0-32
	BINARY(SUM)

// func sub512(dst, a, b unsafe.Pointer, n int)
TEXT ·sub512(SB), NOSPLIT, $0-32
	BINARY(DIFFERENCE)

// func mul512(dst, a, b unsafe.Pointer, n int)
TEXT ·mul512(SB), NOSPLIT, $0-32
	BINARY(PRODUCT)

// func div512(dst, a, b unsafe.Pointer, n int)
TEXT ·div512(SB), NOSPLIT, $0-32
	BINARY(QUOTIENT)

// func max512(dst, a, b unsafe.Pointer, n int)
TEXT ·max512(SB), NOSPLIT, $0-32
	BINARY(LARGER)

// func min512(dst, a, b unsafe.Pointer, n int)
TEXT ·min512(SB), NOSPLIT, $0-32
	BINARY(SMALLER)

// func notNegative512(dst, a unsafe.Pointer, n int)
TEXT ·notNegative512(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ n+16(FP), CX
	MOVL $0x3f800000, AX
	VPBROADCASTD AX, Z2
	VPXORQ Z3, Z3, Z3
	XORQ DX, DX
	SUBQ $16, CX
	JLT rest
whole:
	VADDPS (SI)(DX*4), Z3, Z0 // -0 counts as 0
	VPSRAD $31, Z0, Z1
	VCMPPS $3, Z0, Z0, K2 // NaN
	VPANDND Z2, Z1, Z1
	VMOVDQA32 Z0, K2, Z1
	VMOVUPS Z1, (DI)(DX*4)
	ADDQ $16, DX
	SUBQ $16, CX
	JGE whole
rest:
	ADDQ $16, CX
	JZ done
	MASK
	VMOVUPS.Z (SI)(DX*4), K1, Z0
	VADDPS Z3, Z0, Z0
	VPSRAD $31, Z0, Z1
	VCMPPS $3, Z0, Z0, K2
	VPANDND Z2, Z1, Z1
	VMOVDQA32 Z0, K2, Z1
	VMOVUPS Z1, K1, (DI)(DX*4)
done:
	VZEROUPPER
	RET

// func sqrt512(dst, a unsafe.Pointer, n int)
TEXT ·sqrt512(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ n+16(FP), CX
	XORQ DX, DX
	SUBQ $16, CX
	JLT rest
whole:
	VSQRTPS (SI)(DX*4), Z0
	VMOVUPS Z0, (DI)(DX*4)
	ADDQ $16, DX
	SUBQ $16, CX
	JGE whole
rest:
	ADDQ $16, CX
	JZ done
	MASK
	VMOVUPS.Z (SI)(DX*4), K1, Z0
	VSQRTPS Z0, Z0
	VMOVUPS Z0, K1, (DI)(DX*4)
done:
	VZEROUPPER
	RET

// ROWS is a loop over rows of n columns: DX counts the columns of a row, R15 the rows that are left.
// WHOLE handles sixteen columns, PART those under K1; NEXT moves the pointers on by a row, R14 bytes.
#define ROWS(WHOLE, PART, NEXT) \
	MOVQ R12, R14; \
	SHLQ $2, R14; \
	MOVQ R12, CX; \
	ANDQ $15, CX; \
	MASK; \
	ANDQ $~15, R12; \
	TESTQ R15, R15; \
	JZ done; \
row: \
	XORQ DX, DX; \
	CMPQ DX, R12; \
	JGE part; \
whole: \
	WHOLE; \
	ADDQ $16, DX; \
	CMPQ DX, R12; \
	JLT whole; \
part: \
	TESTQ CX, CX; \
	JZ next; \
	PART; \
next: \
	NEXT; \
	DECQ R15; \
	JNZ row; \
done: \
	VZEROUPPER; \
	RET

// func columnSums512(sums, x unsafe.Pointer, rows, n int)
#define SUMS_WHOLE \
	VMOVUPS (DI)(DX*4), Z0; \
	VADDPS (SI)(DX*4), Z0, Z0; \
	VMOVUPS Z0, (DI)(DX*4)
#define SUMS_PART \
	VMOVUPS.Z (DI)(DX*4), K1, Z0; \
	VMOVUPS.Z (SI)(DX*4), K1, Z1; \
	VADDPS Z1, Z0, Z0; \
	VMOVUPS Z0, K1, (DI)(DX*4)
#define NEXT_SI ADDQ R14, SI
TEXT ·columnSums512(SB), NOSPLIT, $0-32
	MOVQ sums+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ rows+16(FP), R15
	MOVQ n+24(FP), R12
	ROWS(SUMS_WHOLE, SUMS_PART, NEXT_SI)

// func columnSquares512(squares, x, centres unsafe.Pointer, rows, n int)
#define SQUARES_WHOLE \
	VMOVUPS (SI)(DX*4), Z1; \
	VSUBPS (BX)(DX*4), Z1, Z1; \
	VMOVUPS (DI)(DX*4), Z0; \
	VFMADD231PS Z1, Z1, Z0; \
	VMOVUPS Z0, (DI)(DX*4)
#define SQUARES_PART \
	VMOVUPS.Z (SI)(DX*4), K1, Z1; \
	VMOVUPS.Z (BX)(DX*4), K1, Z2; \
	VSUBPS Z2, Z1, Z1; \
	VMOVUPS.Z (DI)(DX*4), K1, Z0; \
	VFMADD231PS Z1, Z1, Z0; \
	VMOVUPS Z0, K1, (DI)(DX*4)
TEXT ·columnSquares512(SB), NOSPLIT, $0-40
	MOVQ squares+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ centres+16(FP), BX
	MOVQ rows+24(FP), R15
	MOVQ n+32(FP), R12
	ROWS(SQUARES_WHOLE, SQUARES_PART, NEXT_SI)

// func columnProducts512(sums, products, x, dy, centres unsafe.Pointer, rows, n int)
#define PRODUCTS_WHOLE \
	VMOVUPS (R9)(DX*4), Z1; \
	VMOVUPS (SI)(DX*4), Z2; \
	VSUBPS (BX)(DX*4), Z2, Z2; \
	VADDPS (DI)(DX*4), Z1, Z0; \
	VMOVUPS Z0, (DI)(DX*4); \
	VMOVUPS (R8)(DX*4), Z0; \
	VFMADD231PS Z1, Z2, Z0; \
	VMOVUPS Z0, (R8)(DX*4)
#define PRODUCTS_PART \
	VMOVUPS.Z (R9)(DX*4), K1, Z1; \
	VMOVUPS.Z (SI)(DX*4), K1, Z2; \
	VMOVUPS.Z (BX)(DX*4), K1, Z3; \
	VSUBPS Z3, Z2, Z2; \
	VMOVUPS.Z (DI)(DX*4), K1, Z0; \
	VADDPS Z1, Z0, Z0; \
	VMOVUPS Z0, K1, (DI)(DX*4); \
	VMOVUPS.Z (R8)(DX*4), K1, Z0; \
	VFMADD231PS Z1, Z2, Z0; \
	VMOVUPS Z0, K1, (R8)(DX*4)
#define NEXT_SI_R9 \
	ADDQ R14, SI; \
	ADDQ R14, R9
TEXT ·columnProducts512(SB), NOSPLIT, $0-56
	MOVQ sums+0(FP), DI
	MOVQ products+8(FP), R8
	MOVQ x+16(FP), SI
	MOVQ dy+24(FP), R9
	MOVQ centres+32(FP), BX
	MOVQ rows+40(FP), R15
	MOVQ n+48(FP), R12
	ROWS(PRODUCTS_WHOLE, PRODUCTS_PART, NEXT_SI_R9)

// func scaleColumns512(dst, x, factors, shifts unsafe.Pointer, rows, n int)
#define SCALE_WHOLE \
	VMOVUPS (R8)(DX*4), Z0; \
	VMOVUPS (BX)(DX*4), Z1; \
	VFMADD231PS (SI)(DX*4), Z1, Z0; \
	VMOVUPS Z0, (DI)(DX*4)
#define SCALE_PART \
	VMOVUPS.Z (R8)(DX*4), K1, Z0; \
	VMOVUPS.Z (BX)(DX*4), K1, Z1; \
	VMOVUPS.Z (SI)(DX*4), K1, Z2; \
	VFMADD231PS Z2, Z1, Z0; \
	VMOVUPS Z0, K1, (DI)(DX*4)
#define NEXT_SI_DI \
	ADDQ R14, SI; \
	ADDQ R14, DI
TEXT ·scaleColumns512(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ factors+16(FP), BX
	MOVQ shifts+24(FP), R8
	MOVQ rows+32(FP), R15
	MOVQ n+40(FP), R12
	ROWS(SCALE_WHOLE, SCALE_PART, NEXT_SI_DI)

// func combineColumns512(dst, x, dy, a, k, shifts unsafe.Pointer, rows, n int)
#define COMBINE_WHOLE \
	VMOVUPS (R10)(DX*4), Z0; \
	VMOVUPS (R8)(DX*4), Z1; \
	VFMADD231PS (SI)(DX*4), Z1, Z0; \
	VMOVUPS (BX)(DX*4), Z1; \
	VFMADD231PS (R9)(DX*4), Z1, Z0; \
	VMOVUPS Z0, (DI)(DX*4)
#define COMBINE_PART \
	VMOVUPS.Z (R10)(DX*4), K1, Z0; \
	VMOVUPS.Z (R8)(DX*4), K1, Z1; \
	VMOVUPS.Z (SI)(DX*4), K1, Z2; \
	VFMADD231PS Z2, Z1, Z0; \
	VMOVUPS.Z (BX)(DX*4), K1, Z1; \
	VMOVUPS.Z (R9)(DX*4), K1, Z2; \
	VFMADD231PS Z2, Z1, Z0; \
	VMOVUPS Z0, K1, (DI)(DX*4)
#define NEXT_SI_R9_DI \
	ADDQ R14, SI; \
	ADDQ R14, R9; \
	ADDQ R14, DI
TEXT ·combineColumns512(SB), NOSPLIT, $0-64
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ dy+16(FP), R9
	MOVQ a+24(FP), BX
	MOVQ k+32(FP), R8
	MOVQ shifts+40(FP), R10
	MOVQ rows+48(FP), R15
	MOVQ n+56(FP), R12
	ROWS(COMBINE_WHOLE, COMBINE_PART, NEXT_SI_R9_DI)
