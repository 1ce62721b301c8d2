#include "textflag.h"

// What is too large for an int32 becomes 0x80000000 when rounded, which is the largest as unsigned.

// func quantise512(dst, x unsafe.Pointer, n int, factor, least float32, zero int32)
TEXT ·quantise512(SB), NOSPLIT, $0-36
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS factor+24(FP), Z4
	VBROADCASTSS least+28(FP), Z5
	MOVL zero+32(FP), AX
	VPBROADCASTD AX, Z6
loop:
	VMULPS (SI), Z4, Z0
	VMAXPS Z5, Z0, Z0
	VCVTPS2DQ Z0, Z0
	VPADDD Z6, Z0, Z0
	VPMOVUSDB Z0, X0
	VMOVDQU X0, (DI)
	ADDQ $64, SI
	ADDQ $16, DI
	SUBQ $16, CX
	JNZ loop
	VZEROUPPER
	RET

// func quantise256(dst, x unsafe.Pointer, n int, factor, least, most float32, zero int32)
TEXT ·quantise256(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS factor+24(FP), Y4
	VBROADCASTSS least+28(FP), Y5
	VBROADCASTSS most+32(FP), Y6
	MOVL zero+36(FP), AX
	VMOVD AX, X7
	VPBROADCASTD X7, Y7
loop:
	VMULPS (SI), Y4, Y0
	VMULPS 32(SI), Y4, Y1
	VMAXPS Y5, Y0, Y0
	VMAXPS Y5, Y1, Y1
	VMINPS Y6, Y0, Y0
	VMINPS Y6, Y1, Y1
	VCVTPS2DQ Y0, Y0
	VCVTPS2DQ Y1, Y1
	VPADDD Y7, Y0, Y0
	VPADDD Y7, Y1, Y1
	VPACKSSDW Y1, Y0, Y0
	VPERMQ $0xd8, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPACKUSWB X1, X0, X0
	VMOVDQU X0, (DI)
	ADDQ $64, SI
	ADDQ $16, DI
	SUBQ $16, CX
	JNZ loop
	VZEROUPPER
	RET

// func dequantise512(dst, q unsafe.Pointer, n int, scale float32, zero int32)
TEXT ·dequantise512(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ q+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS scale+24(FP), Z4
	MOVL zero+28(FP), AX
	VPBROADCASTD AX, Z5
loop:
	VPMOVZXBD (SI), Z0
	VPSUBD Z5, Z0, Z0
	VCVTDQ2PS Z0, Z0
	VMULPS Z4, Z0, Z0
	VMOVUPS Z0, (DI)
	ADDQ $16, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JNZ loop
	VZEROUPPER
	RET

// func dequantise256(dst, q unsafe.Pointer, n int, scale float32, zero int32)
TEXT ·dequantise256(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ q+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS scale+24(FP), Y4
	MOVL zero+28(FP), AX
	VMOVD AX, X5
	VPBROADCASTD X5, Y5
loop:
	VPMOVZXBD (SI), Y0
	VPMOVZXBD 8(SI), Y1
	VPSUBD Y5, Y0, Y0
	VPSUBD Y5, Y1, Y1
	VCVTDQ2PS Y0, Y0
	VCVTDQ2PS Y1, Y1
	VMULPS Y4, Y0, Y0
	VMULPS Y4, Y1, Y1
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	ADDQ $16, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JNZ loop
	VZEROUPPER
	RET

// func maxUint8x32(dst, a unsafe.Pointer, n int)
TEXT ·maxUint8x32(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ n+16(FP), CX
loop:
	VMOVDQU (DI), Y0
	VPMAXUB (SI), Y0, Y0
	VMOVDQU Y0, (DI)
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $32, CX
	JNZ loop
	VZEROUPPER
	RET
