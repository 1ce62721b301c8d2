#include "go_asm.h"
#include "textflag.h"

// func poolGrad512(work *poolGradWork)
//
// Sixteen channels at a time: the largest element of the window, in Z0, then the position that has it.
// K7 are the channels that there are, K1 those whose position is not found yet.
TEXT ·poolGrad512(SB), NOSPLIT, $0-8
	MOVQ work+0(FP), DX
	MOVQ poolGradWork_dx(DX), DI
	MOVQ poolGradWork_x(DX), SI
	MOVQ poolGradWork_dy(DX), BX
	MOVQ poolGradWork_n(DX), R8
	MOVQ poolGradWork_pitch(DX), R9
	MOVQ poolGradWork_pixel(DX), R10
channels:
	MOVQ $16, CX
	CMPQ R8, CX
	CMOVQLT R8, CX
	MOVQ $1, AX
	SHLQ CX, AX
	DECQ AX
	KMOVW AX, K7
	VMOVUPS.Z (SI), K7, Z0
	KXORW K3, K3, K3 // channels with a NaN
	MOVQ SI, R11
	MOVQ poolGradWork_rows(DX), R12
largestInRow:
	MOVQ R11, AX
	MOVQ poolGradWork_columns(DX), CX
largest:
	VMOVUPS.Z (AX), K7, Z1
	VCMPPS $3, Z1, Z1, K2
	KORW K2, K3, K3
	VMAXPS Z1, Z0, Z0
	ADDQ R10, AX
	DECQ CX
	JNZ largest
	ADDQ R9, R11
	DECQ R12
	JNZ largestInRow

	// With a NaN, nothing equals the largest: all ones are one, too.
	VPTERNLOGD $0xff, Z0, Z0, K3, Z0
	VMOVUPS.Z (BX), K7, Z2
	KMOVW K7, K1
	MOVQ SI, R11
	MOVQ DI, R13
	MOVQ poolGradWork_rows(DX), R12
giveInRow:
	MOVQ R11, AX
	MOVQ R13, R15
	MOVQ poolGradWork_columns(DX), CX
give:
	VMOVUPS.Z (AX), K7, Z1
	VCMPPS $0, Z0, Z1, K1, K2
	VCMPPS $3, Z1, Z1, K1, K4
	KORW K4, K2, K2
	KANDNW K1, K2, K1
	VMOVUPS.Z (R15), K2, Z3
	VADDPS Z2, Z3, Z3
	VMOVUPS Z3, K2, (R15)
	ADDQ R10, AX
	ADDQ R10, R15
	DECQ CX
	JNZ give
	ADDQ R9, R11
	ADDQ R9, R13
	DECQ R12
	JNZ giveInRow

	ADDQ $64, SI
	ADDQ $64, DI
	ADDQ $64, BX
	SUBQ $16, R8
	JGT channels
	VZEROUPPER
	RET
