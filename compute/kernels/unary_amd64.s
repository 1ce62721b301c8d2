#include "textflag.h"

// Transcendental functions of float32, sixteen at a time, the rest under a mask. The constants of each are
// in a table (unary_amd64.go), one after the other from Z16 on.

// UNARY is the body of dst[i] = f(a[i]); F computes Z0 from Z0.
#define UNARY(F) \
	MOVQ dst+0(FP), DI; \
	MOVQ a+8(FP), SI; \
	MOVQ n+16(FP), CX; \
	XORQ DX, DX; \
	SUBQ $16, CX; \
	JLT rest; \
whole: \
	VMOVUPS (SI)(DX*4), Z0; \
	F; \
	VMOVUPS Z0, (DI)(DX*4); \
	ADDQ $16, DX; \
	SUBQ $16, CX; \
	JGE whole; \
rest: \
	ADDQ $16, CX; \
	JZ done; \
	MOVQ $1, AX; \
	SHLQ CX, AX; \
	DECQ AX; \
	KMOVW AX, K1; \
	VMOVUPS.Z (SI)(DX*4), K1, Z0; \
	F; \
	VMOVUPS Z0, K1, (DI)(DX*4); \
done: \
	VZEROUPPER; \
	RET

// TABLE loads the constants: BX is the table.
#define TABLE8 \
	VBROADCASTSS 0(BX), Z16; \
	VBROADCASTSS 4(BX), Z17; \
	VBROADCASTSS 8(BX), Z18; \
	VBROADCASTSS 12(BX), Z19; \
	VBROADCASTSS 16(BX), Z20; \
	VBROADCASTSS 20(BX), Z21; \
	VBROADCASTSS 24(BX), Z22; \
	VBROADCASTSS 28(BX), Z23
#define TABLE14 \
	TABLE8; \
	VBROADCASTSS 32(BX), Z24; \
	VBROADCASTSS 36(BX), Z25; \
	VBROADCASTSS 40(BX), Z26; \
	VBROADCASTSS 44(BX), Z27; \
	VBROADCASTSS 48(BX), Z28; \
	VBROADCASTSS 52(BX), Z29

// CLAMP keeps Z0 between Z16 and Z17, and a NaN.
#define CLAMP \
	VMAXPS Z0, Z16, Z0; \
	VMINPS Z0, Z17, Z0

// POLYNOMIALS of Z0·P(Z0²)/Q(Z0²), with P in Z18 to Z24, and Q, as far as Z28, falling.
#define POLYNOMIALS \
	VMULPS Z0, Z0, Z1; \
	VMOVAPS Z18, Z2; \
	VFMADD213PS Z19, Z1, Z2; \
	VFMADD213PS Z20, Z1, Z2; \
	VFMADD213PS Z21, Z1, Z2; \
	VFMADD213PS Z22, Z1, Z2; \
	VFMADD213PS Z23, Z1, Z2; \
	VFMADD213PS Z24, Z1, Z2; \
	VMULPS Z0, Z2, Z2; \
	VMOVAPS Z25, Z3; \
	VFMADD213PS Z26, Z1, Z3; \
	VFMADD213PS Z27, Z1, Z3; \
	VFMADD213PS Z28, Z1, Z3

#define ERF \
	CLAMP; \
	POLYNOMIALS; \
	VFMADD213PS Z29, Z1, Z3; \
	VDIVPS Z3, Z2, Z0

#define TANH \
	CLAMP; \
	POLYNOMIALS; \
	VDIVPS Z3, Z2, Z0

// EXP is 2ⁿ·e^r, n an integer and r half of ln 2 at most.
#define EXP \
	CLAMP; \
	VMULPS Z18, Z0, Z1; \
	VRNDSCALEPS $8, Z1, Z1; \
	VFNMADD231PS Z19, Z1, Z0; \
	VFNMADD231PS Z20, Z1, Z0; \
	VMOVAPS Z21, Z2; \
	VFMADD213PS Z22, Z0, Z2; \
	VFMADD213PS Z23, Z0, Z2; \
	VFMADD213PS Z24, Z0, Z2; \
	VFMADD213PS Z25, Z0, Z2; \
	VFMADD213PS Z26, Z0, Z2; \
	VMULPS Z0, Z0, Z3; \
	VFMADD213PS Z0, Z3, Z2; \
	VADDPS Z27, Z2, Z2; \
	VSCALEFPS Z1, Z2, Z0

#define LOGISTIC \
	VSUBPS Z0, Z28, Z0; \
	EXP; \
	VADDPS Z27, Z0, Z0; \
	VDIVPS Z0, Z27, Z0

// func erf512(dst, a unsafe.Pointer, n int, table *[14]float32)
TEXT ·erf512(SB), NOSPLIT, $0-32
	MOVQ table+24(FP), BX
	TABLE14
	UNARY(ERF)

// func tanh512(dst, a unsafe.Pointer, n int, table *[14]float32)
TEXT ·tanh512(SB), NOSPLIT, $0-32
	MOVQ table+24(FP), BX
	TABLE14
	UNARY(TANH)

// func exp512(dst, a unsafe.Pointer, n int, table *[14]float32)
TEXT ·exp512(SB), NOSPLIT, $0-32
	MOVQ table+24(FP), BX
	TABLE14
	UNARY(EXP)

// func logistic512(dst, a unsafe.Pointer, n int, table *[14]float32)
TEXT ·logistic512(SB), NOSPLIT, $0-32
	MOVQ table+24(FP), BX
	TABLE14
	UNARY(LOGISTIC)

// func atMost512(dst, a unsafe.Pointer, n int, most float32)
#define ATMOST VMINPS Z0, Z16, Z0
TEXT ·atMost512(SB), NOSPLIT, $0-28
	VBROADCASTSS most+24(FP), Z16
	UNARY(ATMOST)
