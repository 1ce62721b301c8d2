#include "go_asm.h"
#include "neon_arm64.h"
#include "textflag.h"

// SIGNED loads a vector of bytes, less 128, and goes on to the next.
#define SIGNED(p, v) \
	VLD1.P 16(p), [v]; \
	VEOR V24.B16, v, v

// SIGNED4 loads four bytes, less 128, and goes on to the next.
#define SIGNED4(p, f, v) \
	FMOVS.P 4(p), f; \
	VEOR V24.B16, v, v

// STEP4 and STEP1 multiply the filters of a step by the index-th four bytes of each row, in V16 to V19.
#define STEP4(index) \
	VLD1.P 64(R9), [V20.B16, V21.B16, V22.B16, V23.B16]; \
	ROW(0, 1, 2, 3, 16, index); \
	ROW(4, 5, 6, 7, 17, index); \
	ROW(8, 9, 10, 11, 18, index); \
	ROW(12, 13, 14, 15, 19, index)

#define STEP1(index) \
	VLD1.P 64(R9), [V20.B16, V21.B16, V22.B16, V23.B16]; \
	ROW(0, 1, 2, 3, 16, index)

#define ROW(a, b, c, d, m, index) \
	SDOT(a, 20, m, index); \
	SDOT(b, 21, m, index); \
	SDOT(c, 22, m, index); \
	SDOT(d, 23, m, index)

// func sums4x16NEON(t *narrowTile, sums *[4 * 16]int32)
//
// Sums stay in V0 to V15. Bytes of the images become int8, less 128, which the start of the sums makes up for.
TEXT ·sums4x16NEON(SB), NOSPLIT, $0-16
	MOVD t+0(FP), R0
	MOVD narrowTile_image(R0), R1
	MOVD narrowTile_rows(R0), R2
	LDP (R2), (R3, R4)
	LDP 16(R2), (R5, R6)
	ADD R1, R3
	ADD R1, R4
	ADD R1, R5
	ADD R1, R6
	MOVD narrowTile_runs(R0), R7
	MOVD narrowTile_runCount(R0), R8
	MOVD narrowTile_filters(R0), R9
	MOVD narrowTile_steps(R0), R10
	MOVD narrowTile_start(R0), R11
	VLD1 (R11), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1 (R11), [V4.S4, V5.S4, V6.S4, V7.S4]
	VLD1 (R11), [V8.S4, V9.S4, V10.S4, V11.S4]
	VLD1 (R11), [V12.S4, V13.S4, V14.S4, V15.S4]
	VMOVI $128, V24.B16
	CBZ R8, done
	CBZ R10, done
run:
	MOVD.P 8(R7), R11
	ADD R3, R11, R12
	ADD R4, R11, R13
	ADD R5, R11, R14
	ADD R6, R11, R15
	SUBS $4, R10, R16
	BLT few
four:
	SIGNED(R12, V16.B16)
	SIGNED(R13, V17.B16)
	SIGNED(R14, V18.B16)
	SIGNED(R15, V19.B16)
	STEP4(0)
	STEP4(1)
	STEP4(2)
	STEP4(3)
	SUBS $4, R16
	BGE four
few:
	ADDS $4, R16
	BEQ next
one:
	SIGNED4(R12, F16, V16.B16)
	SIGNED4(R13, F17, V17.B16)
	SIGNED4(R14, F18, V18.B16)
	SIGNED4(R15, F19, V19.B16)
	STEP4(0)
	SUBS $1, R16
	BNE one
next:
	SUBS $1, R8
	BNE run
done:
	MOVD sums+8(FP), R1
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R1)
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R1)
	VST1.P [V8.S4, V9.S4, V10.S4, V11.S4], 64(R1)
	VST1 [V12.S4, V13.S4, V14.S4, V15.S4], (R1)
	RET

// func sums1x16NEON(t *narrowTile, sums *[4 * 16]int32)
TEXT ·sums1x16NEON(SB), NOSPLIT, $0-16
	MOVD t+0(FP), R0
	MOVD narrowTile_image(R0), R1
	MOVD narrowTile_rows(R0), R2
	MOVD (R2), R3
	ADD R1, R3
	MOVD narrowTile_runs(R0), R7
	MOVD narrowTile_runCount(R0), R8
	MOVD narrowTile_filters(R0), R9
	MOVD narrowTile_steps(R0), R10
	MOVD narrowTile_start(R0), R11
	VLD1 (R11), [V0.S4, V1.S4, V2.S4, V3.S4]
	VMOVI $128, V24.B16
	CBZ R8, done
	CBZ R10, done
run:
	MOVD.P 8(R7), R11
	ADD R3, R11, R12
	SUBS $4, R10, R16
	BLT few
four:
	SIGNED(R12, V16.B16)
	STEP1(0)
	STEP1(1)
	STEP1(2)
	STEP1(3)
	SUBS $4, R16
	BGE four
few:
	ADDS $4, R16
	BEQ next
one:
	SIGNED4(R12, F16, V16.B16)
	STEP1(0)
	SUBS $1, R16
	BNE one
next:
	SUBS $1, R8
	BNE run
done:
	MOVD sums+8(FP), R1
	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R1)
	RET

// FLOATS16 turns the bytes in V16, less V21, to the floats V16 to V19.
#define FLOATS16 \
	VUXTL2 V16.B16, V18.H8; \
	VUXTL V16.B8, V16.H8; \
	VUXTL2 V16.H8, V17.S4; \
	VUXTL V16.H4, V16.S4; \
	VUXTL2 V18.H8, V19.S4; \
	VUXTL V18.H4, V18.S4; \
	VSUB V21.S4, V16.S4, V16.S4; \
	VSUB V21.S4, V17.S4, V17.S4; \
	VSUB V21.S4, V18.S4, V18.S4; \
	VSUB V21.S4, V19.S4, V19.S4; \
	FLOATS(16, 16); \
	FLOATS(17, 17); \
	FLOATS(18, 18); \
	FLOATS(19, 19)

// LEASTMOST keeps floats between V22 and V23, of which a NaN becomes V22.
#define LEASTMOST(v) \
	FMAXNM(v, v, 22); \
	FMIN(v, v, 23); \
	ROUND(v, v)

// ROUNDED16 turns the floats in V12 to V15 to bytes, in V12: clamped, rounded, and moved by V24.
#define ROUNDED16 \
	LEASTMOST(12); \
	LEASTMOST(13); \
	LEASTMOST(14); \
	LEASTMOST(15); \
	VADD V24.S4, V12.S4, V12.S4; \
	VADD V24.S4, V13.S4, V13.S4; \
	VADD V24.S4, V14.S4, V14.S4; \
	VADD V24.S4, V15.S4, V15.S4; \
	BYTES(12, 12, 13, 14, 15)

// func finishInt8NEON(t *narrowTile, sums *[4 * 16]int32, rows int)
//
// The epilogue of a tile's rows, of 16 columns, as finishInt8 defines it.
TEXT ·finishInt8NEON(SB), NOSPLIT, $0-24
	MOVD t+0(FP), R0
	MOVD sums+8(FP), R1
	MOVD rows+16(FP), R2
	MOVD narrowTile_scale(R0), R3
	VLD1 (R3), [V4.S4, V5.S4, V6.S4, V7.S4]
	MOVD narrowTile_bias(R0), R3
	VLD1 (R3), [V8.S4, V9.S4, V10.S4, V11.S4]
	MOVD narrowTile_out(R0), R4
	MOVD narrowTile_residual(R0), R5
	MOVD narrowTile_stride(R0), R6 // of bytes
	LSL $2, R6, R7 // of floats
	MOVWU narrowTile_mode(R0), R8
	ADD $narrowTile_residualScale, R0, R9
	VLD1R (R9), [V20.S4]
	ADD $narrowTile_residualZero, R0, R9
	VLD1R (R9), [V21.S4]
	ADD $narrowTile_least, R0, R9
	VLD1R (R9), [V22.S4]
	ADD $narrowTile_most, R0, R9
	VLD1R (R9), [V23.S4]
	ADD $narrowTile_zero, R0, R9
	VLD1R (R9), [V24.S4]
	VEOR V25.B16, V25.B16, V25.B16
row:
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	FLOATS(0, 0)
	FLOATS(1, 1)
	FLOATS(2, 2)
	FLOATS(3, 3)
	MOVE(12, 8)
	MOVE(13, 9)
	MOVE(14, 10)
	MOVE(15, 11)
	PLUS(12, 0, 4)
	PLUS(13, 1, 5)
	PLUS(14, 2, 6)
	PLUS(15, 3, 7)
	TST $const_modeResidual, R8
	BEQ noBytes
	VLD1 (R5), [V16.B16]
	ADD R6, R5
	FLOATS16
	B residual
noBytes:
	TST $const_modeResidualFloat, R8
	BEQ noResidual
	VLD1 (R5), [V16.S4, V17.S4, V18.S4, V19.S4]
	ADD R7, R5
residual:
	PLUS(12, 16, 20)
	PLUS(13, 17, 20)
	PLUS(14, 18, 20)
	PLUS(15, 19, 20)
noResidual:
	TST $const_modeFloat, R8
	BNE float
	ROUNDED16
	VST1 [V12.B16], (R4)
	ADD R6, R4
	SUBS $1, R2
	BNE row
	RET
float:
	TST $const_modeReLU, R8
	BEQ store
	FMAXNM(12, 12, 25)
	FMAXNM(13, 13, 25)
	FMAXNM(14, 14, 25)
	FMAXNM(15, 15, 25)
store:
	VST1 [V12.S4, V13.S4, V14.S4, V15.S4], (R4)
	ADD R7, R4
	SUBS $1, R2
	BNE row
	RET

// func quantiseNEON(dst, x unsafe.Pointer, n int, factor, least, most float32, zero int32)
TEXT ·quantiseNEON(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2
	MOVWU factor+24(FP), R3
	VDUP R3, V20.S4
	MOVWU least+28(FP), R3
	VDUP R3, V22.S4
	MOVWU most+32(FP), R3
	VDUP R3, V23.S4
	MOVWU zero+36(FP), R3
	VDUP R3, V24.S4
sixteen:
	VLD1.P 64(R1), [V12.S4, V13.S4, V14.S4, V15.S4]
	FMUL(12, 12, 20)
	FMUL(13, 13, 20)
	FMUL(14, 14, 20)
	FMUL(15, 15, 20)
	ROUNDED16
	VST1.P [V12.B16], 16(R0)
	SUBS $16, R2
	BNE sixteen
	RET

// func dequantiseNEON(dst, q unsafe.Pointer, n int, scale float32, zero int32)
TEXT ·dequantiseNEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD q+8(FP), R1
	MOVD n+16(FP), R2
	MOVWU scale+24(FP), R3
	VDUP R3, V20.S4
	MOVWU zero+28(FP), R3
	VDUP R3, V21.S4
sixteen:
	VLD1.P 16(R1), [V16.B16]
	FLOATS16
	FMUL(16, 16, 20)
	FMUL(17, 17, 20)
	FMUL(18, 18, 20)
	FMUL(19, 19, 20)
	VST1.P [V16.S4, V17.S4, V18.S4, V19.S4], 64(R0)
	SUBS $16, R2
	BNE sixteen
	RET

// func maxUint8NEON(dst, a unsafe.Pointer, n int)
TEXT ·maxUint8NEON(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD a+8(FP), R1
	MOVD n+16(FP), R2
sixteen:
	VLD1 (R0), [V0.B16]
	VLD1.P 16(R1), [V1.B16]
	VUMAX V1.B16, V0.B16, V0.B16
	VST1.P [V0.B16], 16(R0)
	SUBS $16, R2
	BNE sixteen
	RET
