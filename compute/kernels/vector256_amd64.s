#include "textflag.h"

// Loops over vectors of floats in AVX2: eight at a time, the rest under a mask.

// firstLanes are masks of 8, 7, ... 0 lanes, four bytes apart.
DATA firstLanes<>+0(SB)/8, $-1
DATA firstLanes<>+8(SB)/8, $-1
DATA firstLanes<>+16(SB)/8, $-1
DATA firstLanes<>+24(SB)/8, $-1
DATA firstLanes<>+32(SB)/8, $0
DATA firstLanes<>+40(SB)/8, $0
DATA firstLanes<>+48(SB)/8, $0
DATA firstLanes<>+56(SB)/8, $0
GLOBL firstLanes<>(SB), RODATA|NOPTR, $64

// MASK sets Y6 to the lowest CX lanes, fewer than eight.
#define MASK \
	LEAQ firstLanes<>+32(SB), AX; \
	SHLQ $2, CX; \
	SUBQ CX, AX; \
	VMOVUPS (AX), Y6

// BINARY is the body of dst[i] = a[i] op b[i]; OP computes Y0 from Y0 (a) and Y1 (b).
#define BINARY(OP) \
	MOVQ dst+0(FP), DI; \
	MOVQ a+8(FP), SI; \
	MOVQ b+16(FP), BX; \
	MOVQ n+24(FP), CX; \
	XORQ DX, DX; \
	SUBQ $8, CX; \
	JLT rest; \
whole: \
	VMOVUPS (SI)(DX*4), Y0; \
	VMOVUPS (BX)(DX*4), Y1; \
	OP; \
	VMOVUPS Y0, (DI)(DX*4); \
	ADDQ $8, DX; \
	SUBQ $8, CX; \
	JGE whole; \
rest: \
	ADDQ $8, CX; \
	JZ done; \
	MASK; \
	VMASKMOVPS (SI)(DX*4), Y6, Y0; \
	VMASKMOVPS (BX)(DX*4), Y6, Y1; \
	OP; \
	VMASKMOVPS Y0, Y6, (DI)(DX*4); \
done: \
	VZEROUPPER; \
	RET

#define SUM VADDPS Y1, Y0, Y0
#define DIFFERENCE VSUBPS Y1, Y0, Y0
#define PRODUCT VMULPS Y1, Y0, Y0
#define QUOTIENT VDIVPS Y1, Y0, Y0

// Both orders together tell zeros apart; a NaN is the sum's (vector_amd64.s).
#define LARGER \
	VMAXPS Y1, Y0, Y2; \
	VMAXPS Y0, Y1, Y3; \
	VANDPS Y2, Y3, Y2; \
	VCMPPS $3, Y1, Y0, Y4; \
	VADDPS Y1, Y0, Y5; \
	VBLENDVPS Y4, Y5, Y2, Y0

#define SMALLER \
	VMINPS Y1, Y0, Y2; \
	VMINPS Y0, Y1, Y3; \
	VORPS Y2, Y3, Y2; \
	VCMPPS $3, Y1, Y0, Y4; \
	VADDPS Y1, Y0, Y5; \
	VBLENDVPS Y4, Y5, Y2, Y0

// func add256(dst, a, b unsafe.Pointer, n int)
TEXT ·add256(SB), NOSPLIT, $0-32
	BINARY(SUM)

// func sub256(dst, a, b unsafe.Pointer, n int)
TEXT ·sub256(SB), NOSPLIT, $0-32
	BINARY(DIFFERENCE)

// func mul256(dst, a, b unsafe.Pointer, n int)
TEXT ·mul256(SB), NOSPLIT, $0-32
	BINARY(PRODUCT)

// func div256(dst, a, b unsafe.Pointer, n int)
TEXT ·div256(SB), NOSPLIT, $0-32
	BINARY(QUOTIENT)

// func max256(dst, a, b unsafe.Pointer, n int)
TEXT ·max256(SB), NOSPLIT, $0-32
	BINARY(LARGER)

// func min256(dst, a, b unsafe.Pointer, n int)
TEXT ·min256(SB), NOSPLIT, $0-32
	BINARY(SMALLER)

// func atMost256(dst, a unsafe.Pointer, n int, most float32)
TEXT ·atMost256(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS most+24(FP), Y1
	XORQ DX, DX
	SUBQ $8, CX
	JLT rest
whole:
	VMOVUPS (SI)(DX*4), Y0
	VMINPS Y0, Y1, Y0 // a NaN is kept
	VMOVUPS Y0, (DI)(DX*4)
	ADDQ $8, DX
	SUBQ $8, CX
	JGE whole
rest:
	ADDQ $8, CX
	JZ done
	MASK
	VMASKMOVPS (SI)(DX*4), Y6, Y0
	VMINPS Y0, Y1, Y0
	VMASKMOVPS Y0, Y6, (DI)(DX*4)
done:
	VZEROUPPER
	RET

// n is a multiple of eight, and not 0.
// func finish256(dst, bias, residual unsafe.Pointer, n int, relu bool)
TEXT ·finish256(SB), NOSPLIT, $0-33
	MOVQ dst+0(FP), DI
	MOVQ bias+8(FP), SI
	MOVQ residual+16(FP), BX
	MOVQ n+24(FP), CX
	MOVBLZX relu+32(FP), DX
	VXORPS Y3, Y3, Y3
	XORQ AX, AX
loop:
	VMOVUPS (DI)(AX*4), Y0
	TESTQ SI, SI
	JZ nobias
	VADDPS (SI)(AX*4), Y0, Y0
nobias:
	TESTQ BX, BX
	JZ noresidual
	VADDPS (BX)(AX*4), Y0, Y0
noresidual:
	TESTL DX, DX
	JZ norelu
	VMAXPS Y0, Y3, Y0 // a NaN is kept
norelu:
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ $8, AX
	CMPQ AX, CX
	JLT loop
	VZEROUPPER
	RET
