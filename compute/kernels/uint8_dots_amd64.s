#include "textflag.h"

// STEP adds the products of 16 elements to a vector of eight sums.
#define STEP(at, sums) \
	VPMOVZXBW at(SI), Y4; \
	VPMADDWD 2*at(BX), Y4, Y4; \
	VPADDD Y4, sums, sums

// DOT stores the product of CX elements, a multiple of 16, from SI and BX.
#define DOT \
	VPXOR Y0, Y0, Y0; \
	VPXOR Y1, Y1, Y1; \
	VPXOR Y2, Y2, Y2; \
	VPXOR Y3, Y3, Y3; \
	SUBQ $64, CX; \
	JLT rest; \
	PCALIGN $32; \
whole: \
	STEP(0, Y0); \
	STEP(16, Y1); \
	STEP(32, Y2); \
	STEP(48, Y3); \
	ADDQ $64, SI; \
	ADDQ $128, BX; \
	SUBQ $64, CX; \
	JGE whole; \
rest: \
	ADDQ $64, CX; \
	JZ sum; \
sixteen: \
	STEP(0, Y0); \
	ADDQ $16, SI; \
	ADDQ $32, BX; \
	SUBQ $16, CX; \
	JNZ sixteen; \
sum: \
	VPADDD Y1, Y0, Y0; \
	VPADDD Y3, Y2, Y2; \
	VPADDD Y2, Y0, Y0; \
	VEXTRACTI128 $1, Y0, X1; \
	VPADDD X1, X0, X0; \
	VPSHUFD $0x4e, X0, X1; \
	VPADDD X1, X0, X0; \
	VPSHUFD $0xb1, X0, X1; \
	VPADDD X1, X0, X0; \
	VMOVD X0, (DI); \
	ADDQ $4, DI

// func dotsUint8x16(dst, rows, v unsafe.Pointer, count, n, pitch int)
TEXT ·dotsUint8x16(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ rows+8(FP), R8
	MOVQ v+16(FP), R9
	MOVQ count+24(FP), DX
	MOVQ n+32(FP), R10
	MOVQ pitch+40(FP), R11
row:
	MOVQ R8, SI
	MOVQ R9, BX
	MOVQ R10, CX
	DOT
	ADDQ R11, R8
	DECQ DX
	JNZ row
	VZEROUPPER
	RET

// Rows that lie apart are asked for so many rows ahead: no pattern tells a CPU where they are.
#define AHEAD 4

// func dotsUint8x16At(dst, rows, numbers, v unsafe.Pointer, count, n, pitch int)
TEXT ·dotsUint8x16At(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ rows+8(FP), R8
	MOVQ numbers+16(FP), R12
	MOVQ v+24(FP), R9
	MOVQ count+32(FP), DX
	MOVQ n+40(FP), R10
	MOVQ pitch+48(FP), R11
row:
	CMPQ DX, $AHEAD
	JLE asked
	MOVL (4*AHEAD)(R12), SI
	IMULQ R11, SI
	ADDQ R8, SI
	LEAQ (SI)(R10*1), BX
ask:
	PREFETCHT0 (SI)
	ADDQ $64, SI
	CMPQ SI, BX
	JLT ask
asked:
	MOVL (R12), SI
	IMULQ R11, SI
	ADDQ R8, SI
	MOVQ R9, BX
	MOVQ R10, CX
	DOT
	ADDQ $4, R12
	DECQ DX
	JNZ row
	VZEROUPPER
	RET
