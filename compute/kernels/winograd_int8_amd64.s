#include "textflag.h"

// INPUT turns six positions in Y0 to Y5 to Y0, Y10, Y11, Y14, Y15, Y5: 4, 0, -5, 0, 1, 0; 0, -4, -4, 1, 1, 0;
// 0, 4, -4, -1, 1, 0; 0, -2, -1, 2, 1, 0; 0, 2, -1, -2, 1, 0; 0, 4, 0, -5, 0, 1.
#define INPUT \
	VPSLLW $2, Y2, Y6       \
	VPSUBW Y6, Y4, Y7       \
	VPSLLW $2, Y1, Y8       \
	VPSUBW Y8, Y3, Y9       \
	VPADDW Y9, Y7, Y10      \
	VPSUBW Y9, Y7, Y11      \
	VPSUBW Y2, Y4, Y12      \
	VPSUBW Y1, Y3, Y13      \
	VPADDW Y13, Y13, Y13    \
	VPADDW Y13, Y12, Y14    \
	VPSUBW Y13, Y12, Y15    \
	VPSUBW Y2, Y0, Y0       \
	VPSLLW $2, Y0, Y0       \
	VPADDW Y12, Y0, Y0      \
	VPSUBW Y3, Y5, Y5       \
	VPADDW Y13, Y13, Y13    \
	VPSUBW Y13, Y5, Y5

// func winogradInputInt8(dst, src, scratch unsafe.Pointer, n, row, column, point int)
// Sixteen channels at a time: the columns of the window go to the scratch, then its rows to the points.
TEXT ·winogradInputInt8(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ scratch+16(FP), BX
	MOVQ n+24(FP), CX
	MOVQ row+32(FP), R8
	MOVQ column+40(FP), R9
	MOVQ point+48(FP), R10
	LEAQ (R8)(R8*2), R11  // 3 rows
	LEAQ (R8)(R8*4), R12  // 5 rows
	LEAQ (R10)(R10*2), R13 // 3 points
	LEAQ (R10)(R10*4), R14 // 5 points

channels:
	MOVQ SI, DX
	MOVQ BX, R15
	MOVQ $6, AX

columns:
	VPMOVZXBW (DX), Y0
	VPMOVZXBW (DX)(R8*1), Y1
	VPMOVZXBW (DX)(R8*2), Y2
	VPMOVZXBW (DX)(R11*1), Y3
	VPMOVZXBW (DX)(R8*4), Y4
	VPMOVZXBW (DX)(R12*1), Y5
	INPUT
	VMOVDQU Y0, (R15)
	VMOVDQU Y10, 192(R15)
	VMOVDQU Y11, 384(R15)
	VMOVDQU Y14, 576(R15)
	VMOVDQU Y15, 768(R15)
	VMOVDQU Y5, 960(R15)
	ADDQ R9, DX
	ADDQ $32, R15
	DECQ AX
	JNZ columns

	MOVQ BX, R15
	MOVQ DI, DX
	MOVQ $6, AX

rows:
	VMOVDQU (R15), Y0
	VMOVDQU 32(R15), Y1
	VMOVDQU 64(R15), Y2
	VMOVDQU 96(R15), Y3
	VMOVDQU 128(R15), Y4
	VMOVDQU 160(R15), Y5
	INPUT
	VMOVDQU Y0, (DX)
	VMOVDQU Y10, (DX)(R10*1)
	VMOVDQU Y11, (DX)(R10*2)
	VMOVDQU Y14, (DX)(R13*1)
	VMOVDQU Y15, (DX)(R10*4)
	VMOVDQU Y5, (DX)(R14*1)
	LEAQ (DX)(R13*2), DX
	ADDQ $192, R15
	DECQ AX
	JNZ rows

	ADDQ $16, SI
	ADDQ $32, DI
	SUBQ $16, CX
	JNZ channels
	VZEROUPPER
	RET

DATA ninth<>+0(SB)/4, $0x38e38e39 // modulo 2^32
GLOBL ninth<>(SB), RODATA|NOPTR, $4

// OUTPUT turns six points in Y0 to Y5 to Y0, Y1, Y2, Y3, 24, 12, 6 and 6 times of what they should be:
// 6, -4, -4, 1, 1, 0; 0, -2, 2, 1, -1, 0; 0, -1, -1, 1, 1, 0; 0, -1, 1, 2, -2, 6.
#define OUTPUT \
	VPADDD Y2, Y1, Y6   \
	VPSUBD Y2, Y1, Y7   \
	VPADDD Y4, Y3, Y8   \
	VPSUBD Y4, Y3, Y9   \
	VPSUBD Y6, Y0, Y10  \
	VPSLLD $2, Y10, Y10 \
	VPADDD Y0, Y0, Y0   \
	VPADDD Y8, Y0, Y0   \
	VPADDD Y10, Y0, Y0  \
	VPADDD Y7, Y7, Y1   \
	VPSUBD Y1, Y9, Y1   \
	VPSUBD Y6, Y8, Y2   \
	VPADDD Y9, Y9, Y3   \
	VPSUBD Y7, Y3, Y3   \
	VPADDD Y5, Y5, Y5   \
	VPADDD Y5, Y3, Y3   \
	VPADDD Y5, Y5, Y5   \
	VPADDD Y5, Y3, Y3

// STORE divides by 9 and by powers of two, and adds start.
#define STORE(reg, shift, at) \
	VPMULLD Y15, reg, reg    \
	VPSRAD $shift, reg, reg  \
	VPADDD Y14, reg, reg     \
	VMOVDQU reg, at(DI)

#define ROW(from, at, shift0, shift1, shift2) \
	VMOVDQU (from)(BX), Y0     \
	VMOVDQU (from+32)(BX), Y1  \
	VMOVDQU (from+64)(BX), Y2  \
	VMOVDQU (from+96)(BX), Y3  \
	VMOVDQU (from+128)(BX), Y4 \
	VMOVDQU (from+160)(BX), Y5 \
	OUTPUT                     \
	STORE(Y0, shift0, (at))      \
	STORE(Y1, shift1, (at+64))   \
	STORE(Y2, shift2, (at+128))  \
	STORE(Y3, shift2, (at+192))

// func winogradOutputInt8(dst, src, start, scratch unsafe.Pointer, point int)
// Eight columns, then eight more: the points' columns go to the scratch, then its rows to the positions.
TEXT ·winogradOutputInt8(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ start+16(FP), R9
	MOVQ scratch+24(FP), BX
	MOVQ point+32(FP), R8
	LEAQ (R8)(R8*2), R10
	ADDQ R10, R10          // 6 points
	LEAQ (R10)(R10*2), R11 // 18 points
	LEAQ (R10)(R10*4), R12 // 30 points
	VPBROADCASTD ninth<>(SB), Y15
	MOVQ $2, CX

half:
	MOVQ SI, DX
	MOVQ BX, R13
	MOVQ $6, AX

columns:
	VMOVDQU (DX), Y0
	VMOVDQU (DX)(R10*1), Y1
	VMOVDQU (DX)(R10*2), Y2
	VMOVDQU (DX)(R11*1), Y3
	VMOVDQU (DX)(R10*4), Y4
	VMOVDQU (DX)(R12*1), Y5
	OUTPUT
	VMOVDQU Y0, (R13)
	VMOVDQU Y1, 192(R13)
	VMOVDQU Y2, 384(R13)
	VMOVDQU Y3, 576(R13)
	ADDQ R8, DX
	ADDQ $32, R13
	DECQ AX
	JNZ columns

	VMOVDQU (R9), Y14
	ROW(0, 0, 6, 5, 4)
	ROW(192, 256, 5, 4, 3)
	ROW(384, 512, 4, 3, 2)
	ROW(576, 768, 4, 3, 2)
	ADDQ $32, SI
	ADDQ $32, DI
	ADDQ $32, R9
	DECQ CX
	JNZ half
	VZEROUPPER
	RET
