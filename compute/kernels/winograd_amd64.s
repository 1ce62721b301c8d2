#include "textflag.h"

// The transforms of winogradTransforms, one vector of channels at a time: first down the columns of a
// tile, by way of scratch, then along its rows. Each macro is for the vectors of both instruction sets:
// VEC is their size in bytes.

// 1/√2, √2, 1/2, 2, 5/2, -2/3, 1/6.
DATA winogradConstants<>+0(SB)/4, $0.7071067811865476
DATA winogradConstants<>+4(SB)/4, $1.4142135623730951
DATA winogradConstants<>+8(SB)/4, $0.5
DATA winogradConstants<>+12(SB)/4, $2.0
DATA winogradConstants<>+16(SB)/4, $2.5
DATA winogradConstants<>+20(SB)/4, $-0.6666666666666666
DATA winogradConstants<>+24(SB)/4, $0.16666666666666666
GLOBL winogradConstants<>(SB), RODATA|NOPTR, $28

// INPUT turns d0-d5 to the points, in d0, d1, a, d3, e, d5. The rest are constants.
#define INPUT(d0, d1, d2, d3, d4, d5, a, b, e, f, near, far, half, two, more) \
	VMOVAPS d4, a; \
	VFNMADD231PS two, d2, a; \
	VMOVAPS d3, b; \
	VFNMADD231PS two, d1, b; \
	VMOVAPS d4, e; \
	VFNMADD231PS half, d2, e; \
	VMOVAPS d3, f; \
	VFNMADD231PS half, d1, f; \
	VADDPS d4, d0, d0; \
	VFNMADD231PS more, d2, d0; \
	VADDPS d1, d5, d5; \
	VFNMADD231PS more, d3, d5; \
	VMOVAPS a, d1; \
	VFMADD231PS near, b, d1; \
	VFNMADD231PS near, b, a; \
	VMOVAPS e, d3; \
	VFMADD231PS far, f, d3; \
	VFNMADD231PS far, f, e

// INPUTDOWN takes one column of the window, at SI, to scratch, at R12.
#define INPUTDOWN(VEC, column, d0, d1, d2, d3, d4, d5, a, b, e, f, near, far, half, two, more) \
	VMOVUPS (SI), d0; \
	VMOVUPS (SI)(R8*1), d1; \
	VMOVUPS (SI)(R8*2), d2; \
	VMOVUPS (SI)(R9*1), d3; \
	VMOVUPS (SI)(R8*4), d4; \
	VMOVUPS (SI)(R10*1), d5; \
	INPUT(d0, d1, d2, d3, d4, d5, a, b, e, f, near, far, half, two, more); \
	VMOVUPS d0, (0*6+column)*VEC(R12); \
	VMOVUPS d1, (1*6+column)*VEC(R12); \
	VMOVUPS a, (2*6+column)*VEC(R12); \
	VMOVUPS d3, (3*6+column)*VEC(R12); \
	VMOVUPS e, (4*6+column)*VEC(R12); \
	VMOVUPS d5, (5*6+column)*VEC(R12)

// INPUTALONG takes one row from scratch to its points, at DX.
#define INPUTALONG(VEC, row, d0, d1, d2, d3, d4, d5, a, b, e, f, near, far, half, two, more) \
	VMOVUPS (row*6+0)*VEC(R12), d0; \
	VMOVUPS (row*6+1)*VEC(R12), d1; \
	VMOVUPS (row*6+2)*VEC(R12), d2; \
	VMOVUPS (row*6+3)*VEC(R12), d3; \
	VMOVUPS (row*6+4)*VEC(R12), d4; \
	VMOVUPS (row*6+5)*VEC(R12), d5; \
	INPUT(d0, d1, d2, d3, d4, d5, a, b, e, f, near, far, half, two, more); \
	VMOVUPS d0, (DX); \
	VMOVUPS d1, (DX)(R11*1); \
	VMOVUPS a, (DX)(R11*2); \
	VMOVUPS d3, (DX)(R13*1); \
	VMOVUPS e, (DX)(R11*4); \
	VMOVUPS d5, (DX)(R15*1)

#define INPUTBODY(VEC, d0, d1, d2, d3, d4, d5, a, b, e, f, near, far, half, two, more) \
	MOVQ dst+0(FP), DI; \
	MOVQ src+8(FP), BX; \
	MOVQ scratch+16(FP), R12; \
	MOVQ n+24(FP), CX; \
	MOVQ row+32(FP), R8; \
	MOVQ column+40(FP), AX; \
	MOVQ point+48(FP), R11; \
	LEAQ (R8)(R8*2), R9; \
	LEAQ (R8)(R8*4), R10; \
	LEAQ (R11)(R11*2), R13; \
	LEAQ (R11)(R11*4), R15; \
	VBROADCASTSS winogradConstants<>+0(SB), near; \
	VBROADCASTSS winogradConstants<>+4(SB), far; \
	VBROADCASTSS winogradConstants<>+8(SB), half; \
	VBROADCASTSS winogradConstants<>+12(SB), two; \
	VBROADCASTSS winogradConstants<>+16(SB), more; \
loop: \
	MOVQ BX, SI; \
	INPUTDOWN(VEC, 0, d0, d1, d2, d3, d4, d5, a, b, e, f, near, far, half, two, more); \
	ADDQ AX, SI; \
	INPUTDOWN(VEC, 1, d0, d1, d2, d3, d4, d5, a, b, e, f, near, far, half, two, more); \
	ADDQ AX, SI; \
	INPUTDOWN(VEC, 2, d0, d1, d2, d3, d4, d5, a, b, e, f, near, far, half, two, more); \
	ADDQ AX, SI; \
	INPUTDOWN(VEC, 3, d0, d1, d2, d3, d4, d5, a, b, e, f, near, far, half, two, more); \
	ADDQ AX, SI; \
	INPUTDOWN(VEC, 4, d0, d1, d2, d3, d4, d5, a, b, e, f, near, far, half, two, more); \
	ADDQ AX, SI; \
	INPUTDOWN(VEC, 5, d0, d1, d2, d3, d4, d5, a, b, e, f, near, far, half, two, more); \
	MOVQ DI, DX; \
	LEAQ (R13)(R13*1), SI; \
	INPUTALONG(VEC, 0, d0, d1, d2, d3, d4, d5, a, b, e, f, near, far, half, two, more); \
	ADDQ SI, DX; \
	INPUTALONG(VEC, 1, d0, d1, d2, d3, d4, d5, a, b, e, f, near, far, half, two, more); \
	ADDQ SI, DX; \
	INPUTALONG(VEC, 2, d0, d1, d2, d3, d4, d5, a, b, e, f, near, far, half, two, more); \
	ADDQ SI, DX; \
	INPUTALONG(VEC, 3, d0, d1, d2, d3, d4, d5, a, b, e, f, near, far, half, two, more); \
	ADDQ SI, DX; \
	INPUTALONG(VEC, 4, d0, d1, d2, d3, d4, d5, a, b, e, f, near, far, half, two, more); \
	ADDQ SI, DX; \
	INPUTALONG(VEC, 5, d0, d1, d2, d3, d4, d5, a, b, e, f, near, far, half, two, more); \
	ADDQ $VEC, BX; \
	ADDQ $VEC, DI; \
	SUBQ $(VEC/4), CX; \
	JNZ loop; \
	VZEROUPPER; \
	RET

// OUTPUT turns the points m0-m5 to outputs, in m0, m1, s, m5.
#define OUTPUT(m0, m1, m2, m3, m4, m5, s, d, p, q, near, far, half, two) \
	VADDPS m2, m1, s; \
	VSUBPS m2, m1, d; \
	VADDPS m4, m3, p; \
	VSUBPS m4, m3, q; \
	VADDPS s, m0, m0; \
	VADDPS p, m0, m0; \
	VMULPS near, d, d; \
	VMULPS far, q, q; \
	VADDPS q, d, m1; \
	VMULPS half, s, s; \
	VFMADD231PS two, p, s; \
	VFMADD231PS half, d, m5; \
	VFMADD231PS two, q, m5

// OUTPUTDOWN takes one column of points, at SI, to scratch, at R12.
#define OUTPUTDOWN(VEC, column, m0, m1, m2, m3, m4, m5, s, d, p, q, near, far, half, two) \
	VMOVUPS (SI), m0; \
	VMOVUPS (SI)(R8*1), m1; \
	VMOVUPS (SI)(R8*2), m2; \
	VMOVUPS (SI)(R9*1), m3; \
	VMOVUPS (SI)(R8*4), m4; \
	VMOVUPS (SI)(R10*1), m5; \
	OUTPUT(m0, m1, m2, m3, m4, m5, s, d, p, q, near, far, half, two); \
	VMOVUPS m0, (0*6+column)*VEC(R12); \
	VMOVUPS m1, (1*6+column)*VEC(R12); \
	VMOVUPS s, (2*6+column)*VEC(R12); \
	VMOVUPS m5, (3*6+column)*VEC(R12)

// OUTPUTALONG takes one row from scratch to its outputs, at DX. R9 is the residual, R10 the outputs
// from dst on, in bytes.
#define OUTPUTALONG(VEC, row, m0, m1, m2, m3, m4, m5, s, d, p, q, near, far, half, two, bias, zero) \
	VMOVUPS (row*6+0)*VEC(R12), m0; \
	VMOVUPS (row*6+1)*VEC(R12), m1; \
	VMOVUPS (row*6+2)*VEC(R12), m2; \
	VMOVUPS (row*6+3)*VEC(R12), m3; \
	VMOVUPS (row*6+4)*VEC(R12), m4; \
	VMOVUPS (row*6+5)*VEC(R12), m5; \
	OUTPUT(m0, m1, m2, m3, m4, m5, s, d, p, q, near, far, half, two); \
	VADDPS bias, m0, m0; \
	VADDPS bias, m1, m1; \
	VADDPS bias, s, s; \
	VADDPS bias, m5, m5; \
	TESTQ R9, R9; \
	JZ 6(PC); \
	LEAQ (R9)(R10*1), SI; \
	VADDPS (SI), m0, m0; \
	VADDPS (SI)(AX*1), m1, m1; \
	VADDPS (SI)(AX*2), s, s; \
	VADDPS (SI)(R13*1), m5, m5; \
	VMAXPS m0, zero, m0; \
	VMAXPS m1, zero, m1; \
	VMAXPS s, zero, s; \
	VMAXPS m5, zero, m5; \
	LEAQ (DI)(R10*1), SI; \
	VMOVUPS m0, (SI); \
	VMOVUPS m1, (SI)(AX*1); \
	VMOVUPS s, (SI)(AX*2); \
	VMOVUPS m5, (SI)(R13*1)

// Without ReLU the least value is -Inf; a NaN is kept by VMAXPS, whose second source it is.
#define OUTPUTBODY(VEC, m0, m1, m2, m3, m4, m5, s, d, p, q, near, far, half, two, offset, zero) \
	MOVQ dst+0(FP), DI; \
	MOVQ src+8(FP), BX; \
	MOVQ residual+24(FP), R15; \
	MOVQ scratch+32(FP), R12; \
	MOVQ n+40(FP), CX; \
	MOVQ column+56(FP), AX; \
	MOVQ point+64(FP), R11; \
	LEAQ (AX)(AX*2), R13; \
	VBROADCASTSS winogradConstants<>+0(SB), near; \
	VBROADCASTSS winogradConstants<>+4(SB), far; \
	VBROADCASTSS winogradConstants<>+8(SB), half; \
	VBROADCASTSS winogradConstants<>+12(SB), two; \
loop: \
	LEAQ (R11)(R11*2), R8; \
	ADDQ R8, R8; \
	LEAQ (R8)(R8*2), R9; \
	LEAQ (R8)(R8*4), R10; \
	MOVQ BX, SI; \
	OUTPUTDOWN(VEC, 0, m0, m1, m2, m3, m4, m5, s, d, p, q, near, far, half, two); \
	ADDQ R11, SI; \
	OUTPUTDOWN(VEC, 1, m0, m1, m2, m3, m4, m5, s, d, p, q, near, far, half, two); \
	ADDQ R11, SI; \
	OUTPUTDOWN(VEC, 2, m0, m1, m2, m3, m4, m5, s, d, p, q, near, far, half, two); \
	ADDQ R11, SI; \
	OUTPUTDOWN(VEC, 3, m0, m1, m2, m3, m4, m5, s, d, p, q, near, far, half, two); \
	ADDQ R11, SI; \
	OUTPUTDOWN(VEC, 4, m0, m1, m2, m3, m4, m5, s, d, p, q, near, far, half, two); \
	ADDQ R11, SI; \
	OUTPUTDOWN(VEC, 5, m0, m1, m2, m3, m4, m5, s, d, p, q, near, far, half, two); \
	MOVQ bias+16(FP), SI; \
	VXORPS offset, offset, offset; \
	TESTQ SI, SI; \
	JZ 4(PC); \
	VMOVUPS (SI), offset; \
	ADDQ $VEC, SI; \
	MOVQ SI, bias+16(FP); \
	MOVQ $0xff800000, R9; \
	MOVBLZX relu+72(FP), R10; \
	TESTL R10, R10; \
	JZ 2(PC); \
	XORL R9, R9; \
	MOVQ R9, X15; \
	VBROADCASTSS X15, zero; \
	MOVQ R15, R9; \
	MOVQ row+48(FP), R8; \
	XORQ R10, R10; \
	OUTPUTALONG(VEC, 0, m0, m1, m2, m3, m4, m5, s, d, p, q, near, far, half, two, offset, zero); \
	ADDQ R8, R10; \
	OUTPUTALONG(VEC, 1, m0, m1, m2, m3, m4, m5, s, d, p, q, near, far, half, two, offset, zero); \
	ADDQ R8, R10; \
	OUTPUTALONG(VEC, 2, m0, m1, m2, m3, m4, m5, s, d, p, q, near, far, half, two, offset, zero); \
	ADDQ R8, R10; \
	OUTPUTALONG(VEC, 3, m0, m1, m2, m3, m4, m5, s, d, p, q, near, far, half, two, offset, zero); \
	TESTQ R15, R15; \
	JZ 2(PC); \
	ADDQ $VEC, R15; \
	ADDQ $VEC, BX; \
	ADDQ $VEC, DI; \
	SUBQ $(VEC/4), CX; \
	JNZ loop; \
	VZEROUPPER; \
	RET

// FILTER turns the taps g0-g2 to the points, in g0, p1, p2, p3, p4, g2.
#define FILTER(g0, g1, g2, p1, p2, p3, p4, near, far, half, two, third, sixth) \
	VMOVAPS g0, p2; \
	VFMADD231PS half, g2, p2; \
	VMOVAPS p2, p1; \
	VFMADD231PS near, g1, p1; \
	VFNMADD231PS near, g1, p2; \
	VMULPS third, p1, p1; \
	VMULPS third, p2, p2; \
	VMOVAPS g0, p4; \
	VFMADD231PS two, g2, p4; \
	VMOVAPS p4, p3; \
	VFMADD231PS far, g1, p3; \
	VFNMADD231PS far, g1, p4; \
	VMULPS sixth, p3, p3; \
	VMULPS sixth, p4, p4

// The first pass leaves 6 x 3 vectors at the points 0, 6, …, 30 and the two after each; the second
// turns each three of them to the six of a row.
#define FILTERDOWN(g0, g1, g2, p1, p2, p3, p4, near, far, half, two, third, sixth) \
	VMOVUPS (SI), g0; \
	VMOVUPS (SI)(R9*1), g1; \
	VMOVUPS (SI)(R9*2), g2; \
	FILTER(g0, g1, g2, p1, p2, p3, p4, near, far, half, two, third, sixth); \
	MOVQ DX, R12; \
	VMOVUPS g0, (R12); \
	ADDQ R13, R12; \
	VMOVUPS p1, (R12); \
	ADDQ R13, R12; \
	VMOVUPS p2, (R12); \
	ADDQ R13, R12; \
	VMOVUPS p3, (R12); \
	ADDQ R13, R12; \
	VMOVUPS p4, (R12); \
	ADDQ R13, R12; \
	VMOVUPS g2, (R12); \
	ADDQ R8, SI; \
	ADDQ R11, DX

#define FILTERALONG(g0, g1, g2, p1, p2, p3, p4, near, far, half, two, third, sixth) \
	VMOVUPS (DX), g0; \
	VMOVUPS (DX)(R11*1), g1; \
	VMOVUPS (DX)(R11*2), g2; \
	FILTER(g0, g1, g2, p1, p2, p3, p4, near, far, half, two, third, sixth); \
	VMOVUPS g0, (DX); \
	VMOVUPS p1, (DX)(R11*1); \
	VMOVUPS p2, (DX)(R11*2); \
	VMOVUPS p3, (DX)(R10*1); \
	VMOVUPS p4, (DX)(R11*4); \
	VMOVUPS g2, (DX)(R15*1); \
	ADDQ R13, DX

#define FILTERBODY(VEC, g0, g1, g2, p1, p2, p3, p4, near, far, half, two, third, sixth) \
	MOVQ dst+0(FP), DI; \
	MOVQ src+8(FP), BX; \
	MOVQ n+16(FP), CX; \
	MOVQ tap+24(FP), R8; \
	MOVQ point+32(FP), R11; \
	LEAQ (R8)(R8*2), R9; \
	LEAQ (R11)(R11*2), R10; \
	LEAQ (R11)(R11*4), R15; \
	LEAQ (R10)(R10*1), R13; \
	VBROADCASTSS winogradConstants<>+0(SB), near; \
	VBROADCASTSS winogradConstants<>+4(SB), far; \
	VBROADCASTSS winogradConstants<>+8(SB), half; \
	VBROADCASTSS winogradConstants<>+12(SB), two; \
	VBROADCASTSS winogradConstants<>+20(SB), third; \
	VBROADCASTSS winogradConstants<>+24(SB), sixth; \
loop: \
	MOVQ BX, SI; \
	MOVQ DI, DX; \
	FILTERDOWN(g0, g1, g2, p1, p2, p3, p4, near, far, half, two, third, sixth); \
	FILTERDOWN(g0, g1, g2, p1, p2, p3, p4, near, far, half, two, third, sixth); \
	FILTERDOWN(g0, g1, g2, p1, p2, p3, p4, near, far, half, two, third, sixth); \
	MOVQ DI, DX; \
	FILTERALONG(g0, g1, g2, p1, p2, p3, p4, near, far, half, two, third, sixth); \
	FILTERALONG(g0, g1, g2, p1, p2, p3, p4, near, far, half, two, third, sixth); \
	FILTERALONG(g0, g1, g2, p1, p2, p3, p4, near, far, half, two, third, sixth); \
	FILTERALONG(g0, g1, g2, p1, p2, p3, p4, near, far, half, two, third, sixth); \
	FILTERALONG(g0, g1, g2, p1, p2, p3, p4, near, far, half, two, third, sixth); \
	FILTERALONG(g0, g1, g2, p1, p2, p3, p4, near, far, half, two, third, sixth); \
	ADDQ $VEC, BX; \
	ADDQ $VEC, DI; \
	SUBQ $(VEC/4), CX; \
	JNZ loop; \
	VZEROUPPER; \
	RET

// SPREAD turns e0-e3 to the points, in e0, r, p, e2, q, e3: the transpose of OUTPUT.
#define SPREAD(e0, e1, e2, e3, p, q, r, near, far, half, two) \
	VMOVAPS e0, p; \
	VFMADD231PS half, e2, p; \
	VMOVAPS e1, q; \
	VFMADD231PS half, e3, q; \
	VMOVAPS p, r; \
	VFMADD231PS near, q, r; \
	VFNMADD231PS near, q, p; \
	VMOVAPS e0, q; \
	VFMADD231PS two, e2, q; \
	VFMADD231PS two, e3, e1; \
	VMOVAPS q, e2; \
	VFMADD231PS far, e1, e2; \
	VFNMADD231PS far, e1, q

// SPREADDOWN takes one column of outputs, at SI, to scratch, at R12.
#define SPREADDOWN(VEC, column, e0, e1, e2, e3, p, q, r, near, far, half, two) \
	VMOVUPS (SI), e0; \
	VMOVUPS (SI)(R8*1), e1; \
	VMOVUPS (SI)(R8*2), e2; \
	VMOVUPS (SI)(R9*1), e3; \
	SPREAD(e0, e1, e2, e3, p, q, r, near, far, half, two); \
	VMOVUPS e0, (0*4+column)*VEC(R12); \
	VMOVUPS r, (1*4+column)*VEC(R12); \
	VMOVUPS p, (2*4+column)*VEC(R12); \
	VMOVUPS e2, (3*4+column)*VEC(R12); \
	VMOVUPS q, (4*4+column)*VEC(R12); \
	VMOVUPS e3, (5*4+column)*VEC(R12)

// SPREADALONG takes one row from scratch to its points, at DX.
#define SPREADALONG(VEC, row, e0, e1, e2, e3, p, q, r, near, far, half, two) \
	VMOVUPS (row*4+0)*VEC(R12), e0; \
	VMOVUPS (row*4+1)*VEC(R12), e1; \
	VMOVUPS (row*4+2)*VEC(R12), e2; \
	VMOVUPS (row*4+3)*VEC(R12), e3; \
	SPREAD(e0, e1, e2, e3, p, q, r, near, far, half, two); \
	VMOVUPS e0, (DX); \
	VMOVUPS r, (DX)(R11*1); \
	VMOVUPS p, (DX)(R11*2); \
	VMOVUPS e2, (DX)(R13*1); \
	VMOVUPS q, (DX)(R11*4); \
	VMOVUPS e3, (DX)(R15*1)

#define SPREADBODY(VEC, e0, e1, e2, e3, p, q, r, near, far, half, two) \
	MOVQ dst+0(FP), DI; \
	MOVQ src+8(FP), BX; \
	MOVQ scratch+16(FP), R12; \
	MOVQ n+24(FP), CX; \
	MOVQ row+32(FP), R8; \
	MOVQ column+40(FP), AX; \
	MOVQ point+48(FP), R11; \
	LEAQ (R8)(R8*2), R9; \
	LEAQ (R11)(R11*2), R13; \
	LEAQ (R11)(R11*4), R15; \
	LEAQ (R13)(R13*1), R10; \
	VBROADCASTSS winogradConstants<>+0(SB), near; \
	VBROADCASTSS winogradConstants<>+4(SB), far; \
	VBROADCASTSS winogradConstants<>+8(SB), half; \
	VBROADCASTSS winogradConstants<>+12(SB), two; \
loop: \
	MOVQ BX, SI; \
	SPREADDOWN(VEC, 0, e0, e1, e2, e3, p, q, r, near, far, half, two); \
	ADDQ AX, SI; \
	SPREADDOWN(VEC, 1, e0, e1, e2, e3, p, q, r, near, far, half, two); \
	ADDQ AX, SI; \
	SPREADDOWN(VEC, 2, e0, e1, e2, e3, p, q, r, near, far, half, two); \
	ADDQ AX, SI; \
	SPREADDOWN(VEC, 3, e0, e1, e2, e3, p, q, r, near, far, half, two); \
	MOVQ DI, DX; \
	SPREADALONG(VEC, 0, e0, e1, e2, e3, p, q, r, near, far, half, two); \
	ADDQ R10, DX; \
	SPREADALONG(VEC, 1, e0, e1, e2, e3, p, q, r, near, far, half, two); \
	ADDQ R10, DX; \
	SPREADALONG(VEC, 2, e0, e1, e2, e3, p, q, r, near, far, half, two); \
	ADDQ R10, DX; \
	SPREADALONG(VEC, 3, e0, e1, e2, e3, p, q, r, near, far, half, two); \
	ADDQ R10, DX; \
	SPREADALONG(VEC, 4, e0, e1, e2, e3, p, q, r, near, far, half, two); \
	ADDQ R10, DX; \
	SPREADALONG(VEC, 5, e0, e1, e2, e3, p, q, r, near, far, half, two); \
	ADDQ $VEC, BX; \
	ADDQ $VEC, DI; \
	SUBQ $(VEC/4), CX; \
	JNZ loop; \
	VZEROUPPER; \
	RET

// GATHER turns the points u0-u5 to taps, in u0, u1, u5: the transpose of FILTER.
#define GATHER(u0, u1, u2, u3, u4, u5, s, d, p, q, near, far, half, two, third, sixth) \
	VADDPS u2, u1, s; \
	VSUBPS u2, u1, d; \
	VADDPS u4, u3, p; \
	VSUBPS u4, u3, q; \
	VMULPS third, s, s; \
	VMULPS third, d, d; \
	VMULPS sixth, p, p; \
	VMULPS sixth, q, q; \
	VADDPS s, u0, u0; \
	VADDPS p, u0, u0; \
	VMULPS near, d, u1; \
	VFMADD231PS far, q, u1; \
	VFMADD231PS half, s, u5; \
	VFMADD231PS two, p, u5

// GATHERDOWN takes one column of points, at SI, to scratch, at R12.
#define GATHERDOWN(VEC, column, u0, u1, u2, u3, u4, u5, s, d, p, q, near, far, half, two, third, sixth) \
	VMOVUPS (SI), u0; \
	VMOVUPS (SI)(R8*1), u1; \
	VMOVUPS (SI)(R8*2), u2; \
	VMOVUPS (SI)(R9*1), u3; \
	VMOVUPS (SI)(R8*4), u4; \
	VMOVUPS (SI)(R10*1), u5; \
	GATHER(u0, u1, u2, u3, u4, u5, s, d, p, q, near, far, half, two, third, sixth); \
	VMOVUPS u0, (0*6+column)*VEC(R12); \
	VMOVUPS u1, (1*6+column)*VEC(R12); \
	VMOVUPS u5, (2*6+column)*VEC(R12)

// GATHERALONG takes one row from scratch to its taps, at DX.
#define GATHERALONG(VEC, row, u0, u1, u2, u3, u4, u5, s, d, p, q, near, far, half, two, third, sixth) \
	VMOVUPS (row*6+0)*VEC(R12), u0; \
	VMOVUPS (row*6+1)*VEC(R12), u1; \
	VMOVUPS (row*6+2)*VEC(R12), u2; \
	VMOVUPS (row*6+3)*VEC(R12), u3; \
	VMOVUPS (row*6+4)*VEC(R12), u4; \
	VMOVUPS (row*6+5)*VEC(R12), u5; \
	GATHER(u0, u1, u2, u3, u4, u5, s, d, p, q, near, far, half, two, third, sixth); \
	VMOVUPS u0, (DX); \
	VMOVUPS u1, (DX)(AX*1); \
	VMOVUPS u5, (DX)(AX*2); \
	ADDQ R13, DX

#define GATHERBODY(VEC, u0, u1, u2, u3, u4, u5, s, d, p, q, near, far, half, two, third, sixth) \
	MOVQ dst+0(FP), DI; \
	MOVQ src+8(FP), BX; \
	MOVQ scratch+16(FP), R12; \
	MOVQ n+24(FP), CX; \
	MOVQ tap+32(FP), AX; \
	MOVQ point+40(FP), R11; \
	LEAQ (AX)(AX*2), R13; \
	LEAQ (R11)(R11*2), R8; \
	ADDQ R8, R8; \
	LEAQ (R8)(R8*2), R9; \
	LEAQ (R8)(R8*4), R10; \
	VBROADCASTSS winogradConstants<>+0(SB), near; \
	VBROADCASTSS winogradConstants<>+4(SB), far; \
	VBROADCASTSS winogradConstants<>+8(SB), half; \
	VBROADCASTSS winogradConstants<>+12(SB), two; \
	VBROADCASTSS winogradConstants<>+20(SB), third; \
	VBROADCASTSS winogradConstants<>+24(SB), sixth; \
loop: \
	MOVQ BX, SI; \
	GATHERDOWN(VEC, 0, u0, u1, u2, u3, u4, u5, s, d, p, q, near, far, half, two, third, sixth); \
	ADDQ R11, SI; \
	GATHERDOWN(VEC, 1, u0, u1, u2, u3, u4, u5, s, d, p, q, near, far, half, two, third, sixth); \
	ADDQ R11, SI; \
	GATHERDOWN(VEC, 2, u0, u1, u2, u3, u4, u5, s, d, p, q, near, far, half, two, third, sixth); \
	ADDQ R11, SI; \
	GATHERDOWN(VEC, 3, u0, u1, u2, u3, u4, u5, s, d, p, q, near, far, half, two, third, sixth); \
	ADDQ R11, SI; \
	GATHERDOWN(VEC, 4, u0, u1, u2, u3, u4, u5, s, d, p, q, near, far, half, two, third, sixth); \
	ADDQ R11, SI; \
	GATHERDOWN(VEC, 5, u0, u1, u2, u3, u4, u5, s, d, p, q, near, far, half, two, third, sixth); \
	MOVQ DI, DX; \
	GATHERALONG(VEC, 0, u0, u1, u2, u3, u4, u5, s, d, p, q, near, far, half, two, third, sixth); \
	GATHERALONG(VEC, 1, u0, u1, u2, u3, u4, u5, s, d, p, q, near, far, half, two, third, sixth); \
	GATHERALONG(VEC, 2, u0, u1, u2, u3, u4, u5, s, d, p, q, near, far, half, two, third, sixth); \
	ADDQ $VEC, BX; \
	ADDQ $VEC, DI; \
	SUBQ $(VEC/4), CX; \
	JNZ loop; \
	VZEROUPPER; \
	RET

// func winogradInput512(dst, src, scratch unsafe.Pointer, n, row, column, point int)
TEXT ·winogradInput512(SB), NOSPLIT, $0-56
	INPUTBODY(64, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14)

// func winogradInput256(dst, src, scratch unsafe.Pointer, n, row, column, point int)
TEXT ·winogradInput256(SB), NOSPLIT, $0-56
	INPUTBODY(32, Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14)

// func winogradOutput512(dst, src, bias, residual, scratch unsafe.Pointer, n, row, column, point int, relu bool)
TEXT ·winogradOutput512(SB), NOSPLIT, $0-73
	OUTPUTBODY(64, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15)

// func winogradOutput256(dst, src, bias, residual, scratch unsafe.Pointer, n, row, column, point int, relu bool)
TEXT ·winogradOutput256(SB), NOSPLIT, $0-73
	OUTPUTBODY(32, Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15)

// func winogradFilter512(dst, src unsafe.Pointer, n, tap, point int)
TEXT ·winogradFilter512(SB), NOSPLIT, $0-40
	FILTERBODY(64, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12)

// func winogradFilter256(dst, src unsafe.Pointer, n, tap, point int)
TEXT ·winogradFilter256(SB), NOSPLIT, $0-40
	FILTERBODY(32, Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12)

// func winogradSpread512(dst, src, scratch unsafe.Pointer, n, row, column, point int)
TEXT ·winogradSpread512(SB), NOSPLIT, $0-56
	SPREADBODY(64, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10)

// func winogradGather512(dst, src, scratch unsafe.Pointer, n, tap, point int)
TEXT ·winogradGather512(SB), NOSPLIT, $0-48
	GATHERBODY(64, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15)

// func winogradSpread256(dst, src, scratch unsafe.Pointer, n, row, column, point int)
TEXT ·winogradSpread256(SB), NOSPLIT, $0-56
	SPREADBODY(32, Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10)

// func winogradGather256(dst, src, scratch unsafe.Pointer, n, tap, point int)
TEXT ·winogradGather256(SB), NOSPLIT, $0-48
	GATHERBODY(32, Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15)
