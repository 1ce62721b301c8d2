#include "neon_arm64.h"
#include "textflag.h"

// The transforms of winogradTransforms, four channels at a time: first down the columns of a tile, then along its rows, by
// way of scratch where 32 registers do not hold what is in between.

// 1/√2, √2, 1/2, 2, 5/2, -2/3, -2/3 · 1/√2, 1/6, 1/6 · √2.
DATA winogradConstants<>+0(SB)/4, $0.7071067811865476
DATA winogradConstants<>+4(SB)/4, $1.4142135623730951
DATA winogradConstants<>+8(SB)/4, $0.5
DATA winogradConstants<>+12(SB)/4, $2.0
DATA winogradConstants<>+16(SB)/4, $2.5
DATA winogradConstants<>+20(SB)/4, $-0.6666666666666666
DATA winogradConstants<>+24(SB)/4, $-0.4714045207910317
DATA winogradConstants<>+28(SB)/4, $0.16666666666666666
DATA winogradConstants<>+32(SB)/4, $0.23570226039551584
GLOBL winogradConstants<>(SB), RODATA|NOPTR, $36

// ROWS sets p0 to p5 to from, and to what lies once to five times apart behind it.
#define ROWS(from, apart, p0, p1, p2, p3, p4, p5) \
	MOVD from, p0; \
	ADD apart, p0, p1; \
	ADD apart, p1, p2; \
	ADD apart, p2, p3; \
	ADD apart, p3, p4; \
	ADD apart, p4, p5

// INPUT turns V0 to V5 to the points, in V16 to V21. V26 to V30 are the first five constants.
#define INPUT \
	FADD(16, 0, 4); \
	FADD(21, 1, 5); \
	MOVE(17, 4); \
	MOVE(6, 3); \
	MOVE(19, 4); \
	MOVE(7, 3); \
	LESS(16, 2, 30); \
	LESS(21, 3, 30); \
	LESS(17, 2, 29); \
	LESS(6, 1, 29); \
	LESS(19, 2, 28); \
	LESS(7, 1, 28); \
	MOVE(18, 17); \
	MOVE(20, 19); \
	PLUS(17, 6, 26); \
	LESS(18, 6, 26); \
	PLUS(19, 7, 27); \
	LESS(20, 7, 27)

// func winogradInputNEON(dst, src, scratch unsafe.Pointer, n, row, column, point int)
TEXT ·winogradInputNEON(SB), NOSPLIT, $0-56
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD scratch+16(FP), R2
	MOVD n+24(FP), R3
	MOVD row+32(FP), R4
	MOVD column+40(FP), R5
	MOVD point+48(FP), R6
	MOVD $winogradConstants<>(SB), R7
	VLD1R.P 4(R7), [V26.S4]
	VLD1R.P 4(R7), [V27.S4]
	VLD1R.P 4(R7), [V28.S4]
	VLD1R.P 4(R7), [V29.S4]
	VLD1R (R7), [V30.S4]
channels:
	ROWS(R1, R4, R8, R9, R10, R11, R12, R13)
	MOVD R2, R14
	MOVD $6, R15
down:
	VLD1.P (R8)(R5), [V0.S4]
	VLD1.P (R9)(R5), [V1.S4]
	VLD1.P (R10)(R5), [V2.S4]
	VLD1.P (R11)(R5), [V3.S4]
	VLD1.P (R12)(R5), [V4.S4]
	VLD1.P (R13)(R5), [V5.S4]
	INPUT
	FMOVQ F16, (0*6*16)(R14)
	FMOVQ F17, (1*6*16)(R14)
	FMOVQ F18, (2*6*16)(R14)
	FMOVQ F19, (3*6*16)(R14)
	FMOVQ F20, (4*6*16)(R14)
	FMOVQ F21, (5*6*16)(R14)
	ADD $16, R14
	SUBS $1, R15
	BNE down
	MOVD R2, R14
	MOVD R0, R16
	MOVD $6, R15
along:
	VLD1.P 64(R14), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 32(R14), [V4.S4, V5.S4]
	INPUT
	VST1.P [V16.S4], (R16)(R6)
	VST1.P [V17.S4], (R16)(R6)
	VST1.P [V18.S4], (R16)(R6)
	VST1.P [V19.S4], (R16)(R6)
	VST1.P [V20.S4], (R16)(R6)
	VST1.P [V21.S4], (R16)(R6)
	SUBS $1, R15
	BNE along
	ADD $16, R0
	ADD $16, R1
	SUBS $4, R3
	BNE channels
	RET

// OUTPUT turns V0 to V5 to four positions, in V16 to V19. V26 to V29 are the first four constants.
#define OUTPUT \
	FADD(6, 1, 2); \
	FSUB(7, 1, 2); \
	FADD(20, 3, 4); \
	FSUB(21, 3, 4); \
	FADD(16, 0, 6); \
	FMUL(7, 7, 26); \
	FMUL(21, 21, 27); \
	FMUL(18, 6, 28); \
	MOVE(19, 5); \
	FADD(16, 16, 20); \
	FADD(17, 7, 21); \
	PLUS(18, 20, 29); \
	PLUS(19, 7, 28); \
	PLUS(19, 21, 29)

// FINISH adds the residual at R22, if there is one, and stores what is not below V25.
#define FINISH(v, F) \
	CBZ R3, 4(PC); \
	FMOVQ (R22), F22; \
	FADD(v, v, 22); \
	ADD R7, R22; \
	FMAX(v, v, 25); \
	FMOVQ F, (R21); \
	ADD R7, R21

// func winogradOutputNEON(dst, src, bias, residual, scratch unsafe.Pointer, n, row, column, point int, relu bool)
TEXT ·winogradOutputNEON(SB), NOSPLIT, $0-73
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD bias+16(FP), R2
	MOVD residual+24(FP), R3
	MOVD scratch+32(FP), R4
	MOVD n+40(FP), R5
	MOVD row+48(FP), R6
	MOVD column+56(FP), R7
	MOVD point+64(FP), R8
	MOVBU relu+72(FP), R9
	MOVD $winogradConstants<>(SB), R10
	VLD1R.P 4(R10), [V26.S4]
	VLD1R.P 4(R10), [V27.S4]
	VLD1R.P 4(R10), [V28.S4]
	VLD1R (R10), [V29.S4]
	VEOR V24.B16, V24.B16, V24.B16
	MOVD $0xff800000, R10 // -∞ is below nothing
	CMP $0, R9
	CSEL NE, ZR, R10, R10
	VDUP R10, V25.S4
	MOVD $6, R10
	MUL R8, R10, R9 // from a row of points to the next
channels:
	ROWS(R1, R9, R10, R11, R12, R13, R14, R15)
	MOVD R4, R16
	MOVD $6, R17
down:
	VLD1.P (R10)(R8), [V0.S4]
	VLD1.P (R11)(R8), [V1.S4]
	VLD1.P (R12)(R8), [V2.S4]
	VLD1.P (R13)(R8), [V3.S4]
	VLD1.P (R14)(R8), [V4.S4]
	VLD1.P (R15)(R8), [V5.S4]
	OUTPUT
	FMOVQ F16, (0*6*16)(R16)
	FMOVQ F17, (1*6*16)(R16)
	FMOVQ F18, (2*6*16)(R16)
	FMOVQ F19, (3*6*16)(R16)
	ADD $16, R16
	SUBS $1, R17
	BNE down
	CBZ R2, along
	VLD1.P 16(R2), [V24.S4]
along:
	MOVD R4, R16
	MOVD R0, R19
	MOVD R3, R20
	MOVD $4, R17
position:
	VLD1.P 64(R16), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 32(R16), [V4.S4, V5.S4]
	OUTPUT
	FADD(16, 16, 24)
	FADD(17, 17, 24)
	FADD(18, 18, 24)
	FADD(19, 19, 24)
	MOVD R19, R21
	MOVD R20, R22
	FINISH(16, F16)
	FINISH(17, F17)
	FINISH(18, F18)
	FINISH(19, F19)
	ADD R6, R19
	ADD R6, R20
	SUBS $1, R17
	BNE position
	ADD $16, R0
	ADD $16, R1
	CBZ R3, next
	ADD $16, R3
next:
	SUBS $4, R5
	BNE channels
	RET

// FILTER turns three taps, in a, V18 and f, to the six points a to f. V26 to V31 are 1/2, 2 and the last four constants.
#define FILTER(a, b, c, d, e, f) \
	MOVE(b, a); \
	MOVE(d, a); \
	PLUS(b, f, 26); \
	PLUS(d, f, 27); \
	FMUL(b, b, 28); \
	FMUL(d, d, 30); \
	MOVE(c, b); \
	MOVE(e, d); \
	PLUS(b, 18, 29); \
	LESS(c, 18, 29); \
	PLUS(d, 18, 31); \
	LESS(e, 18, 31)

// POINTS turns three taps, a, b and c, to the points at R10; A and C are the registers of a and c.
#define POINTS(a, b, c, A, C) \
	MOVE(18, b); \
	FILTER(a, 19, 20, 21, 22, c); \
	VST1.P [A], (R10)(R4); \
	VST1.P [V19.S4], (R10)(R4); \
	VST1.P [V20.S4], (R10)(R4); \
	VST1.P [V21.S4], (R10)(R4); \
	VST1.P [V22.S4], (R10)(R4); \
	VST1.P [C], (R10)(R4)

// FILTERCONSTANTS sets V26 to V31.
#define FILTERCONSTANTS(r) \
	MOVD $winogradConstants<>(SB), r; \
	ADD $8, r; \
	VLD1R.P 4(r), [V26.S4]; \
	VLD1R.P 4(r), [V27.S4]; \
	ADD $4, r; \
	VLD1R.P 4(r), [V28.S4]; \
	VLD1R.P 4(r), [V29.S4]; \
	VLD1R.P 4(r), [V30.S4]; \
	VLD1R (r), [V31.S4]

// func winogradFilterNEON(dst, src unsafe.Pointer, n, tap, point int)
TEXT ·winogradFilterNEON(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD tap+24(FP), R3
	MOVD point+32(FP), R4
	FILTERCONSTANTS(R5)
channels:
	// The points of the columns are in V0, V3, … V15, V1, V4, … V16 and V2, V5, … V17.
	MOVD R1, R5
	VLD1.P (R5)(R3), [V0.S4]
	VLD1.P (R5)(R3), [V1.S4]
	VLD1.P (R5)(R3), [V2.S4]
	VLD1.P (R5)(R3), [V18.S4]
	VLD1.P (R5)(R3), [V19.S4]
	VLD1.P (R5)(R3), [V20.S4]
	VLD1.P (R5)(R3), [V15.S4]
	VLD1.P (R5)(R3), [V16.S4]
	VLD1 (R5), [V17.S4]
	FILTER(0, 3, 6, 9, 12, 15)
	MOVE(18, 19)
	FILTER(1, 4, 7, 10, 13, 16)
	MOVE(18, 20)
	FILTER(2, 5, 8, 11, 14, 17)
	MOVD R0, R10
	POINTS(0, 1, 2, V0.S4, V2.S4)
	POINTS(3, 4, 5, V3.S4, V5.S4)
	POINTS(6, 7, 8, V6.S4, V8.S4)
	POINTS(9, 10, 11, V9.S4, V11.S4)
	POINTS(12, 13, 14, V12.S4, V14.S4)
	POINTS(15, 16, 17, V15.S4, V17.S4)
	ADD $16, R0
	ADD $16, R1
	SUBS $4, R2
	BNE channels
	RET

// GATHER turns six points, a0 to a5, to the taps t0 to t2, which are other registers. V26 to V31 are as for FILTER, V24 and
// V25 are spoilt.
#define GATHER(a0, a1, a2, a3, a4, a5, t0, t1, t2) \
	FADD(24, a1, a2); \
	FADD(25, a3, a4); \
	FMUL(24, 24, 28); \
	FMUL(25, 25, 30); \
	MOVE(t2, a5); \
	FADD(t0, a0, 24); \
	PLUS(t2, 24, 26); \
	FADD(t0, t0, 25); \
	PLUS(t2, 25, 27); \
	FSUB(24, a1, a2); \
	FSUB(25, a3, a4); \
	FMUL(t1, 24, 29); \
	PLUS(t1, 25, 31)

// COLUMN gathers one column of points to three registers.
#define COLUMN(t0, t1, t2) \
	VLD1.P (R10)(R5), [V18.S4]; \
	VLD1.P (R11)(R5), [V19.S4]; \
	VLD1.P (R12)(R5), [V20.S4]; \
	VLD1.P (R13)(R5), [V21.S4]; \
	VLD1.P (R14)(R5), [V22.S4]; \
	VLD1.P (R15)(R5), [V23.S4]; \
	GATHER(18, 19, 20, 21, 22, 23, t0, t1, t2)

// TAPS stores three taps, at R10.
#define TAPS \
	VST1.P [V18.S4], (R10)(R4); \
	VST1.P [V19.S4], (R10)(R4); \
	VST1.P [V20.S4], (R10)(R4)

// func winogradGatherNEON(dst, src, scratch unsafe.Pointer, n, tap, point int)
TEXT ·winogradGatherNEON(SB), NOSPLIT, $0-48
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+24(FP), R3
	MOVD tap+32(FP), R4
	MOVD point+40(FP), R5
	FILTERCONSTANTS(R6)
	MOVD $6, R7
	MUL R5, R7, R6 // from a row of points to the next
channels:
	ROWS(R1, R6, R10, R11, R12, R13, R14, R15)
	COLUMN(0, 6, 12)
	COLUMN(1, 7, 13)
	COLUMN(2, 8, 14)
	COLUMN(3, 9, 15)
	COLUMN(4, 10, 16)
	COLUMN(5, 11, 17)
	MOVD R0, R10
	GATHER(0, 1, 2, 3, 4, 5, 18, 19, 20)
	TAPS
	GATHER(6, 7, 8, 9, 10, 11, 18, 19, 20)
	TAPS
	GATHER(12, 13, 14, 15, 16, 17, 18, 19, 20)
	TAPS
	ADD $16, R0
	ADD $16, R1
	SUBS $4, R3
	BNE channels
	RET

// SPREAD turns four positions, in a, V24, V25 and f, to the points a to f. V28 to V31 are the first four constants, V26 and
// V27 are spoilt.
#define SPREAD(a, b, c, d, e, f) \
	MOVE(b, a); \
	MOVE(d, a); \
	MOVE(26, 24); \
	MOVE(27, 24); \
	PLUS(b, 25, 30); \
	PLUS(d, 25, 31); \
	PLUS(26, f, 30); \
	PLUS(27, f, 31); \
	MOVE(c, b); \
	MOVE(e, d); \
	PLUS(b, 26, 28); \
	LESS(c, 26, 28); \
	PLUS(d, 27, 29); \
	LESS(e, 27, 29)

// func winogradSpreadNEON(dst, src, scratch unsafe.Pointer, n, row, column, point int)
TEXT ·winogradSpreadNEON(SB), NOSPLIT, $0-56
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD scratch+16(FP), R2
	MOVD n+24(FP), R3
	MOVD row+32(FP), R4
	MOVD column+40(FP), R5
	MOVD point+48(FP), R6
	MOVD $winogradConstants<>(SB), R7
	VLD1R.P 4(R7), [V28.S4]
	VLD1R.P 4(R7), [V29.S4]
	VLD1R.P 4(R7), [V30.S4]
	VLD1R (R7), [V31.S4]
channels:
	MOVD R1, R10
	ADD R4, R10, R11
	ADD R4, R11, R12
	ADD R4, R12, R13
	MOVD R2, R14
	MOVD $4, R15
down:
	VLD1.P (R10)(R5), [V0.S4]
	VLD1.P (R11)(R5), [V24.S4]
	VLD1.P (R12)(R5), [V25.S4]
	VLD1.P (R13)(R5), [V5.S4]
	SPREAD(0, 1, 2, 3, 4, 5)
	FMOVQ F0, (0*4*16)(R14)
	FMOVQ F1, (1*4*16)(R14)
	FMOVQ F2, (2*4*16)(R14)
	FMOVQ F3, (3*4*16)(R14)
	FMOVQ F4, (4*4*16)(R14)
	FMOVQ F5, (5*4*16)(R14)
	ADD $16, R14
	SUBS $1, R15
	BNE down
	MOVD R2, R14
	MOVD R0, R16
	MOVD $6, R15
along:
	FMOVQ 0(R14), F0
	FMOVQ 16(R14), F24
	FMOVQ 32(R14), F25
	FMOVQ 48(R14), F5
	ADD $64, R14
	SPREAD(0, 1, 2, 3, 4, 5)
	VST1.P [V0.S4], (R16)(R6)
	VST1.P [V1.S4], (R16)(R6)
	VST1.P [V2.S4], (R16)(R6)
	VST1.P [V3.S4], (R16)(R6)
	VST1.P [V4.S4], (R16)(R6)
	VST1.P [V5.S4], (R16)(R6)
	SUBS $1, R15
	BNE along
	ADD $16, R0
	ADD $16, R1
	SUBS $4, R3
	BNE channels
	RET
