#include "textflag.h"

// Four pixels, RGB RGB RGB RGB, to 16-bit numbers RR GG BB 0 of the first two, and of the others.
DATA pairs<>+0(SB)/8, $0x8004800180038000
DATA pairs<>+8(SB)/8, $0x8080808080058002
DATA pairs<>+16(SB)/8, $0x800a800780098006
DATA pairs<>+24(SB)/8, $0x80808080800b8008
GLOBL pairs<>(SB), RODATA|NOPTR, $32

// Half a unit of weight for each of eight sums, and once for each pair of halves of them.
DATA round<>+0(SB)/8, $0x0000100000001000
DATA round<>+8(SB)/8, $0x0000100000001000
DATA round<>+16(SB)/8, $0x0000100000001000
DATA round<>+24(SB)/8, $0x0000100000001000
GLOBL round<>(SB), RODATA|NOPTR, $32
DATA roundLow<>+0(SB)/8, $0x0000100000001000
DATA roundLow<>+8(SB)/8, $0x0000100000001000
DATA roundLow<>+16(SB)/8, $0x0000000000000000
DATA roundLow<>+24(SB)/8, $0x0000000000000000
GLOBL roundLow<>(SB), RODATA|NOPTR, $32

#define TAPS(from, sum) \
	VPSHUFB  Y14, from, from; \
	VPMADDWD Y8, from, from; \
	VPADDD   from, sum, sum

// func acrossAVX2(to *uint8, toStride int, from *uint8, fromStride int, offsets *int32, weights *int16, groups, count int)
TEXT ·acrossAVX2(SB), NOSPLIT, $0-64
	MOVQ to+0(FP), DI
	MOVQ toStride+8(FP), R12
	MOVQ from+16(FP), SI
	MOVQ fromStride+24(FP), R8
	MOVQ offsets+32(FP), R10
	MOVQ weights+40(FP), R11
	MOVQ groups+48(FP), DX
	MOVQ count+56(FP), CX
	LEAQ (R8)(R8*2), R9
	LEAQ (R12)(R12*2), R13
	VMOVDQU pairs<>(SB), Y14
	VMOVDQU roundLow<>(SB), Y15

pixel:
	MOVLQSX (R10), AX
	ADDQ    SI, AX
	MOVQ    DX, BX
	VMOVDQA Y15, Y4
	VMOVDQA Y15, Y5
	VMOVDQA Y15, Y6
	VMOVDQA Y15, Y7

group:
	VMOVDQU (R11), Y8
	VBROADCASTI128 (AX), Y0
	VBROADCASTI128 (AX)(R8*1), Y1
	VBROADCASTI128 (AX)(R8*2), Y2
	VBROADCASTI128 (AX)(R9*1), Y3
	TAPS(Y0, Y4)
	TAPS(Y1, Y5)
	TAPS(Y2, Y6)
	TAPS(Y3, Y7)
	ADDQ $12, AX
	ADDQ $32, R11
	DECQ BX
	JNZ  group

	// The halves of each sum: of rows 0 and 1 in Y0, of rows 2 and 3 in Y2.
	VPERM2I128 $0x20, Y5, Y4, Y0
	VPERM2I128 $0x31, Y5, Y4, Y1
	VPERM2I128 $0x20, Y7, Y6, Y2
	VPERM2I128 $0x31, Y7, Y6, Y3
	VPADDD Y1, Y0, Y0
	VPADDD Y3, Y2, Y2
	VPSRLD $13, Y0, Y0
	VPSRLD $13, Y2, Y2
	VPACKUSDW Y2, Y0, Y0
	VPACKUSWB Y0, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VMOVD X0, (DI)
	VMOVD X1, (DI)(R12*1)
	VPEXTRD $1, X0, (DI)(R12*2)
	VPEXTRD $1, X1, (DI)(R13*1)
	ADDQ $3, DI
	ADDQ $4, R10
	DECQ CX
	JNZ  pixel
	VZEROUPPER
	RET

// Sums of 16 bytes of two rows, from Y0 and Y1.
#define ADDPAIR(low, high) \
	VPUNPCKLWD Y1, Y0, Y2; \
	VPUNPCKHWD Y1, Y0, Y3; \
	VPMADDWD Y8, Y2, Y2; \
	VPMADDWD Y8, Y3, Y3; \
	VPADDD Y2, low, low; \
	VPADDD Y3, high, high

// To 16 bytes in x.
#define NARROW(low, high, x, t) \
	VPSRLD $13, low, low; \
	VPSRLD $13, high, high; \
	VPACKUSDW high, low, low; \
	VEXTRACTI128 $1, low, t; \
	VPACKUSWB t, x, x

// func downAVX2(to, from *uint8, stride int, weights *int16, pairs, blocks int)
TEXT ·downAVX2(SB), NOSPLIT, $0-48
	MOVQ to+0(FP), DI
	MOVQ from+8(FP), SI
	MOVQ stride+16(FP), R8
	MOVQ weights+24(FP), R9
	MOVQ pairs+32(FP), DX
	MOVQ blocks+40(FP), CX
	VMOVDQU round<>(SB), Y15
	SUBQ $2, CX
	JL   last

twoBlocks:
	VMOVDQA Y15, Y4
	VMOVDQA Y15, Y5
	VMOVDQA Y15, Y6
	VMOVDQA Y15, Y7
	MOVQ SI, AX
	MOVQ R9, R11
	MOVQ DX, BX

twoPairs:
	VPBROADCASTD (R11), Y8
	VPMOVZXBW (AX), Y0
	VPMOVZXBW (AX)(R8*1), Y1
	ADDPAIR(Y4, Y5)
	VPMOVZXBW 16(AX), Y0
	VPMOVZXBW 16(AX)(R8*1), Y1
	ADDPAIR(Y6, Y7)
	LEAQ (AX)(R8*2), AX
	ADDQ $4, R11
	DECQ BX
	JNZ  twoPairs

	NARROW(Y4, Y5, X4, X5)
	NARROW(Y6, Y7, X6, X7)
	VMOVDQU X4, (DI)
	VMOVDQU X6, 16(DI)
	ADDQ $32, DI
	ADDQ $32, SI
	SUBQ $2, CX
	JGE  twoBlocks

last:
	ADDQ $2, CX
	JZ   done
	VMOVDQA Y15, Y4
	VMOVDQA Y15, Y5

pair:
	VPBROADCASTD (R9), Y8
	VPMOVZXBW (SI), Y0
	VPMOVZXBW (SI)(R8*1), Y1
	ADDPAIR(Y4, Y5)
	LEAQ (SI)(R8*2), SI
	ADDQ $4, R9
	DECQ DX
	JNZ  pair
	NARROW(Y4, Y5, X4, X5)
	VMOVDQU X4, (DI)

done:
	VZEROUPPER
	RET
