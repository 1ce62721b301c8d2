#include "textflag.h"

// SMLAL adds to four sums the products of the lower four int16 of Vn and Vm, SMLAL2 those of the upper ones, which Go's
// assembler lacks.
#define SMLAL(d, n, m) WORD $(0x0e608000 | (m)<<16 | (n)<<5 | (d))
#define SMLAL2(d, n, m) WORD $(0x4e608000 | (m)<<16 | (n)<<5 | (d))

// DOT stores the product of R10 elements, a multiple of 16, from R1 and R2.
#define DOT \
	VEOR V0.B16, V0.B16, V0.B16; \
	VEOR V1.B16, V1.B16, V1.B16; \
	VEOR V2.B16, V2.B16, V2.B16; \
	VEOR V3.B16, V3.B16, V3.B16; \
	MOVD R10, R3; \
sixteen: \
	VLD1.P 16(R1), [V4.B16]; \
	VLD1.P 32(R2), [V6.H8, V7.H8]; \
	VUXTL V4.B8, V5.H8; \
	VUXTL2 V4.B16, V4.H8; \
	SMLAL(0, 5, 6); \
	SMLAL2(1, 5, 6); \
	SMLAL(2, 4, 7); \
	SMLAL2(3, 4, 7); \
	SUBS $16, R3; \
	BNE sixteen; \
	VADD V1.S4, V0.S4, V0.S4; \
	VADD V3.S4, V2.S4, V2.S4; \
	VADD V2.S4, V0.S4, V0.S4; \
	VADDV V0.S4, V0; \
	FMOVS F0, (R0); \
	ADD $4, R0

// func dotsUint8x16(dst, rows, v unsafe.Pointer, count, n, pitch int)
TEXT ·dotsUint8x16(SB), NOSPLIT, $0-48
	MOVD dst+0(FP), R0
	MOVD rows+8(FP), R8
	MOVD v+16(FP), R9
	MOVD count+24(FP), R11
	MOVD n+32(FP), R10
	MOVD pitch+40(FP), R12
row:
	MOVD R8, R1
	MOVD R9, R2
	DOT
	ADD R12, R8
	SUBS $1, R11
	BNE row
	RET

// Rows that lie apart are asked for so many rows ahead: no pattern tells a CPU where they are.
#define AHEAD 4

// func dotsUint8x16At(dst, rows, numbers, v unsafe.Pointer, count, n, pitch int)
TEXT ·dotsUint8x16At(SB), NOSPLIT, $0-56
	MOVD dst+0(FP), R0
	MOVD rows+8(FP), R8
	MOVD numbers+16(FP), R13
	MOVD v+24(FP), R9
	MOVD count+32(FP), R11
	MOVD n+40(FP), R10
	MOVD pitch+48(FP), R12
row:
	CMP $AHEAD, R11
	BLE asked
	MOVWU (4*AHEAD)(R13), R1
	MUL R12, R1
	ADD R8, R1
	ADD R10, R1, R2
ask:
	PRFM (R1), PLDL1KEEP
	ADD $64, R1
	CMP R2, R1
	BLT ask
asked:
	MOVWU (R13), R1
	MUL R12, R1
	ADD R8, R1
	MOVD R9, R2
	DOT
	ADD $4, R13
	SUBS $1, R11
	BNE row
	RET
