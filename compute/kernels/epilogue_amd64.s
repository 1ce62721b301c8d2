#include "textflag.h"

// func finish512(dst, bias, residual unsafe.Pointer, n int, relu bool)
TEXT ·finish512(SB), NOSPLIT, $0-33
	MOVQ dst+0(FP), DI
	MOVQ bias+8(FP), SI
	MOVQ residual+16(FP), BX
	MOVQ n+24(FP), CX
	MOVBLZX relu+32(FP), DX
	VPXORQ Z31, Z31, Z31
	XORQ AX, AX
loop:
	VMOVUPS (DI)(AX*4), Z0
	TESTQ SI, SI
	JZ nobias
	VADDPS (SI)(AX*4), Z0, Z0
nobias:
	TESTQ BX, BX
	JZ noresidual
	VADDPS (BX)(AX*4), Z0, Z0
noresidual:
	TESTL DX, DX
	JZ norelu
	VMAXPS Z0, Z31, Z0 // a NaN is kept
norelu:
	VMOVUPS Z0, (DI)(AX*4)
	ADDQ $16, AX
	CMPQ AX, CX
	JLT loop
	VZEROUPPER
	RET
