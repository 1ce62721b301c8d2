#include "go_asm.h"
#include "textflag.h"

// FMLA adds to the four sums in Vd the elements of Vn, each times the first of Vm: fmla vd.4s, vn.4s, vm.s[0], which
// Go's assembler lacks.
#define FMLA(d, n, m) WORD $(0x4f801000 | (m)<<16 | (n)<<5 | (d))

// ROW multiplies the row of b in V24 to V27 by an element of a, loaded into Vm, and goes on to the next in its row.
#define ROW(a, m, f, d0, d1, d2, d3) \
	FMOVS (a), f; \
	ADD R9, a; \
	FMLA(d0, 24, m); \
	FMLA(d1, 25, m); \
	FMLA(d2, 26, m); \
	FMLA(d3, 27, m)

#define CLEAR(v) VEOR v.B16, v.B16, v.B16

// func tile6x16(work *tileWork)
//
// A tile keeps its part of the result in V0 to V23 for the whole sum: each step loads one row of b and multiplies it by
// one element of each row of a.
TEXT ·tile6x16(SB), NOSPLIT, $0-8
	MOVD work+0(FP), R0
	MOVD tileWork_a(R0), R1
	MOVD tileWork_b(R0), R2
	MOVD tileWork_aRow(R0), R3
	ADD R3, R1, R4
	ADD R3, R4, R5
	ADD R3, R5, R6
	ADD R3, R6, R7
	ADD R3, R7, R8
	MOVD tileWork_aColumn(R0), R9
	MOVD tileWork_bRow(R0), R10
	MOVD tileWork_runs(R0), R11
	MOVD tileWork_aJump(R0), R12
	MOVD tileWork_c(R0), R14
	MOVD tileWork_cRow(R0), R15
	MOVBU tileWork_add(R0), R16
	CBZ R16, zero
	MOVD R14, R17
	VLD1 (R17), [V0.S4, V1.S4, V2.S4, V3.S4]
	ADD R15, R17
	VLD1 (R17), [V4.S4, V5.S4, V6.S4, V7.S4]
	ADD R15, R17
	VLD1 (R17), [V8.S4, V9.S4, V10.S4, V11.S4]
	ADD R15, R17
	VLD1 (R17), [V12.S4, V13.S4, V14.S4, V15.S4]
	ADD R15, R17
	VLD1 (R17), [V16.S4, V17.S4, V18.S4, V19.S4]
	ADD R15, R17
	VLD1 (R17), [V20.S4, V21.S4, V22.S4, V23.S4]
	B run
zero:
	CLEAR(V0)
	CLEAR(V1)
	CLEAR(V2)
	CLEAR(V3)
	CLEAR(V4)
	CLEAR(V5)
	CLEAR(V6)
	CLEAR(V7)
	CLEAR(V8)
	CLEAR(V9)
	CLEAR(V10)
	CLEAR(V11)
	CLEAR(V12)
	CLEAR(V13)
	CLEAR(V14)
	CLEAR(V15)
	CLEAR(V16)
	CLEAR(V17)
	CLEAR(V18)
	CLEAR(V19)
	CLEAR(V20)
	CLEAR(V21)
	CLEAR(V22)
	CLEAR(V23)
run:
	MOVD tileWork_k(R0), R13
step:
	VLD1 (R2), [V24.S4, V25.S4, V26.S4, V27.S4]
	ADD R10, R2
	ROW(R1, 28, F28, 0, 1, 2, 3)
	ROW(R4, 29, F29, 4, 5, 6, 7)
	ROW(R5, 30, F30, 8, 9, 10, 11)
	ROW(R6, 31, F31, 12, 13, 14, 15)
	ROW(R7, 28, F28, 16, 17, 18, 19)
	ROW(R8, 29, F29, 20, 21, 22, 23)
	SUBS $1, R13
	BNE step
	ADD R12, R1
	ADD R12, R4
	ADD R12, R5
	ADD R12, R6
	ADD R12, R7
	ADD R12, R8
	SUBS $1, R11
	BNE run
	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R14)
	ADD R15, R14
	VST1 [V4.S4, V5.S4, V6.S4, V7.S4], (R14)
	ADD R15, R14
	VST1 [V8.S4, V9.S4, V10.S4, V11.S4], (R14)
	ADD R15, R14
	VST1 [V12.S4, V13.S4, V14.S4, V15.S4], (R14)
	ADD R15, R14
	VST1 [V16.S4, V17.S4, V18.S4, V19.S4], (R14)
	ADD R15, R14
	VST1 [V20.S4, V21.S4, V22.S4, V23.S4], (R14)
	RET
