#include "neon_arm64.h"
#include "textflag.h"

// Loops over vectors of floats: sixteen at a time, four at a time, one by one.

// BINARY is the body of dst[i] = a[i] op b[i].
#define BINARY(OP) \
	MOVD dst+0(FP), R0; \
	MOVD a+8(FP), R1; \
	MOVD b+16(FP), R2; \
	MOVD n+24(FP), R3; \
	SUBS $16, R3; \
	BLT few; \
sixteen: \
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]; \
	VLD1.P 64(R2), [V4.S4, V5.S4, V6.S4, V7.S4]; \
	OP(0, 0, 4); \
	OP(1, 1, 5); \
	OP(2, 2, 6); \
	OP(3, 3, 7); \
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0); \
	SUBS $16, R3; \
	BGE sixteen; \
few: \
	ADDS $12, R3; \
	BLT rest; \
four: \
	VLD1.P 16(R1), [V0.S4]; \
	VLD1.P 16(R2), [V4.S4]; \
	OP(0, 0, 4); \
	VST1.P [V0.S4], 16(R0); \
	SUBS $4, R3; \
	BGE four; \
rest: \
	ADDS $4, R3; \
	BEQ done; \
one: \
	FMOVS.P 4(R1), F0; \
	FMOVS.P 4(R2), F4; \
	OP(0, 0, 4); \
	FMOVS.P F0, 4(R0); \
	SUBS $1, R3; \
	BNE one; \
done: \
	RET

// func addNEON(dst, a, b unsafe.Pointer, n int)
TEXT ·addNEON(SB), NOSPLIT, $0-32
	BINARY(FADD)

// func subNEON(dst, a, b unsafe.Pointer, n int)
TEXT ·subNEON(SB), NOSPLIT, $0-32
	BINARY(FSUB)

// func mulNEON(dst, a, b unsafe.Pointer, n int)
TEXT ·mulNEON(SB), NOSPLIT, $0-32
	BINARY(FMUL)

// func divNEON(dst, a, b unsafe.Pointer, n int)
TEXT ·divNEON(SB), NOSPLIT, $0-32
	BINARY(FDIV)

// FMAX and FMIN order zeros and keep NaNs, as Go does.

// func maxNEON(dst, a, b unsafe.Pointer, n int)
TEXT ·maxNEON(SB), NOSPLIT, $0-32
	BINARY(FMAX)

// func minNEON(dst, a, b unsafe.Pointer, n int)
TEXT ·minNEON(SB), NOSPLIT, $0-32
	BINARY(FMIN)

// func finishNEON(dst, bias, residual unsafe.Pointer, n int, relu bool)
TEXT ·finishNEON(SB), NOSPLIT, $0-33
	MOVD dst+0(FP), R0
	MOVD bias+8(FP), R1
	MOVD residual+16(FP), R2
	MOVD n+24(FP), R3
	MOVBU relu+32(FP), R4
	MOVD $0xff800000, R5 // -∞ is below nothing
	CMP $0, R4
	CSEL NE, ZR, R5, R5
	VDUP R5, V2.S4
four:
	VLD1 (R0), [V0.S4]
	CBZ R1, residual
	VLD1.P 16(R1), [V1.S4]
	FADD(0, 0, 1)
residual:
	CBZ R2, store
	VLD1.P 16(R2), [V1.S4]
	FADD(0, 0, 1)
store:
	FMAX(0, 0, 2)
	VST1.P [V0.S4], 16(R0)
	SUBS $4, R3
	BNE four
	RET
