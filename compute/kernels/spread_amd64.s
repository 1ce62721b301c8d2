#include "textflag.h"

// func writeWindows512(dst, image, rows unsafe.Pointer, count int, runs unsafe.Pointer, runCount, run, width int)
TEXT ·writeWindows512(SB), NOSPLIT, $0-64
	MOVQ dst+0(FP), DI
	MOVQ rows+16(FP), R8
	MOVQ count+24(FP), R9
	MOVQ run+48(FP), R10
	MOVQ R10, CX
	ANDQ $63, CX                // bytes of a run's last vector, 0 if it is full
	MOVQ $1, AX
	SHLQ CX, AX
	DECQ AX
	KMOVQ AX, K1
	SHRQ $6, R10                // full vectors of a run
	ADDQ $3, CX
	ANDQ $~3, CX                // as filters fill it up
	VPXORD Z1, Z1, Z1
	MOVQ width+56(FP), R14

row:
	MOVQ image+8(FP), SI
	ADDQ (R8), SI
	MOVQ DI, BX
	MOVQ runs+32(FP), R11
	MOVQ runCount+40(FP), R12

run:
	MOVQ SI, DX
	ADDQ (R11), DX
	MOVQ R10, R13
	TESTQ R13, R13
	JZ   rest

vector:
	VMOVDQU8 (DX), Z0
	VMOVDQU8 Z0, (BX)
	ADDQ $64, DX
	ADDQ $64, BX
	DECQ R13
	JNZ  vector

rest:
	TESTQ CX, CX
	JZ   next
	VMOVDQU8.Z (DX), K1, Z0
	VMOVDQU8 Z0, (BX)
	ADDQ CX, BX

next:
	ADDQ $8, R11
	DECQ R12
	JNZ  run
	VMOVDQU8 Z1, (BX)
	ADDQ R14, DI
	ADDQ $8, R8
	DECQ R9
	JNZ  row
	VZEROUPPER
	RET
