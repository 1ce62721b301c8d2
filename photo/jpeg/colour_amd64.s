#include "textflag.h"

// YCbCr to RGB, 16 pixels at a time, in 16.16 fixed point. Two registers have the pixels as 32-bit numbers:
// 0 to 3 and 8 to 11, 4 to 7 and 12 to 15, so that packing brings them into order.

DATA luma03<>+0(SB)/8, $0x8001010180000000
DATA luma03<>+8(SB)/8, $0x8003030380020202
DATA luma03<>+16(SB)/8, $0x8009090980080808
DATA luma03<>+24(SB)/8, $0x800b0b0b800a0a0a
GLOBL luma03<>(SB), RODATA|NOPTR, $32
DATA luma47<>+0(SB)/8, $0x8005050580040404
DATA luma47<>+8(SB)/8, $0x8007070780060606
DATA luma47<>+16(SB)/8, $0x800d0d0d800c0c0c
DATA luma47<>+24(SB)/8, $0x800f0f0f800e0e0e
GLOBL luma47<>(SB), RODATA|NOPTR, $32
DATA chroma03<>+0(SB)/8, $0x8080800180808000
DATA chroma03<>+8(SB)/8, $0x8080800380808002
DATA chroma03<>+16(SB)/8, $0x8080800980808008
DATA chroma03<>+24(SB)/8, $0x8080800b8080800a
GLOBL chroma03<>(SB), RODATA|NOPTR, $32
DATA chroma47<>+0(SB)/8, $0x8080800580808004
DATA chroma47<>+8(SB)/8, $0x8080800780808006
DATA chroma47<>+16(SB)/8, $0x8080800d8080800c
DATA chroma47<>+24(SB)/8, $0x8080800f8080800e
GLOBL chroma47<>(SB), RODATA|NOPTR, $32
DATA n128<>+0(SB)/8, $0x0000008000000080
DATA n128<>+8(SB)/8, $0x0000008000000080
DATA n128<>+16(SB)/8, $0x0000008000000080
DATA n128<>+24(SB)/8, $0x0000008000000080
GLOBL n128<>(SB), RODATA|NOPTR, $32
DATA redCr<>+0(SB)/8, $0x000166e9000166e9
DATA redCr<>+8(SB)/8, $0x000166e9000166e9
DATA redCr<>+16(SB)/8, $0x000166e9000166e9
DATA redCr<>+24(SB)/8, $0x000166e9000166e9
GLOBL redCr<>(SB), RODATA|NOPTR, $32
DATA greenCb<>+0(SB)/8, $0xffffa7e6ffffa7e6
DATA greenCb<>+8(SB)/8, $0xffffa7e6ffffa7e6
DATA greenCb<>+16(SB)/8, $0xffffa7e6ffffa7e6
DATA greenCb<>+24(SB)/8, $0xffffa7e6ffffa7e6
GLOBL greenCb<>(SB), RODATA|NOPTR, $32
DATA greenCr<>+0(SB)/8, $0xffff492effff492e
DATA greenCr<>+8(SB)/8, $0xffff492effff492e
DATA greenCr<>+16(SB)/8, $0xffff492effff492e
DATA greenCr<>+24(SB)/8, $0xffff492effff492e
GLOBL greenCr<>(SB), RODATA|NOPTR, $32
DATA blueCb<>+0(SB)/8, $0x0001c5a20001c5a2
DATA blueCb<>+8(SB)/8, $0x0001c5a20001c5a2
DATA blueCb<>+16(SB)/8, $0x0001c5a20001c5a2
DATA blueCb<>+24(SB)/8, $0x0001c5a20001c5a2
GLOBL blueCb<>(SB), RODATA|NOPTR, $32
DATA rg16<>+0(SB)/8, $0x0a02800901800800
DATA rg16<>+8(SB)/8, $0x05800c04800b0380
DATA rg16<>+16(SB)/8, $0x0a02800901800800
DATA rg16<>+24(SB)/8, $0x05800c04800b0380
GLOBL rg16<>(SB), RODATA|NOPTR, $32
DATA b16<>+0(SB)/8, $0x8080018080008080
DATA b16<>+8(SB)/8, $0x8004808003808002
DATA b16<>+16(SB)/8, $0x8080018080008080
DATA b16<>+24(SB)/8, $0x8004808003808002
GLOBL b16<>(SB), RODATA|NOPTR, $32
DATA rg8<>+0(SB)/8, $0x800f07800e06800d
DATA rg8<>+8(SB)/8, $0x8080808080808080
DATA rg8<>+16(SB)/8, $0x800f07800e06800d
DATA rg8<>+24(SB)/8, $0x8080808080808080
GLOBL rg8<>(SB), RODATA|NOPTR, $32
DATA b8<>+0(SB)/8, $0x0780800680800580
DATA b8<>+8(SB)/8, $0x8080808080808080
DATA b8<>+16(SB)/8, $0x0780800680800580
DATA b8<>+24(SB)/8, $0x8080808080808080
GLOBL b8<>(SB), RODATA|NOPTR, $32

// From the luma in Y0 and Y1 and what chroma adds, for the two halves of 16 pixels, to 48 bytes at DI.
#define STORE(red0, red1, green0, green1, blue0, blue1) \
	VPADDD red0, Y0, red0; \
	VPADDD red1, Y1, red1; \
	VPADDD green0, Y0, green0; \
	VPADDD green1, Y1, green1; \
	VPADDD blue0, Y0, blue0; \
	VPADDD blue1, Y1, blue1; \
	VPSRAD $16, red0, red0; \
	VPSRAD $16, red1, red1; \
	VPSRAD $16, green0, green0; \
	VPSRAD $16, green1, green1; \
	VPSRAD $16, blue0, blue0; \
	VPSRAD $16, blue1, blue1; \
	VPACKSSDW red1, red0, red0; \
	VPACKSSDW green1, green0, green0; \
	VPACKSSDW blue1, blue0, blue0; \
	VPACKUSWB green0, red0, red0; \
	VPACKUSWB blue0, blue0, blue0; \
	VPSHUFB rg16<>(SB), red0, red1; \
	VPSHUFB b16<>(SB), blue0, blue1; \
	VPSHUFB rg8<>(SB), red0, red0; \
	VPSHUFB b8<>(SB), blue0, blue0; \
	VPOR blue1, red1, red1; \
	VPOR blue0, red0, red0; \
	VEXTRACTI128 $1, red1, X0; \
	VEXTRACTI128 $1, red0, X1

// func rgb1AVX2(to, luma, blue, red *uint8, blocks int)
TEXT ·rgb1AVX2(SB), NOSPLIT, $0-40
	MOVQ to+0(FP), DI
	MOVQ luma+8(FP), SI
	MOVQ blue+16(FP), R8
	MOVQ red+24(FP), R9
	MOVQ blocks+32(FP), CX
	VMOVDQU luma03<>(SB), Y12
	VMOVDQU luma47<>(SB), Y13
	VMOVDQU n128<>(SB), Y14

loop1:
	VBROADCASTI128 (SI), Y0
	VPSHUFB Y13, Y0, Y1
	VPSHUFB Y12, Y0, Y0
	VBROADCASTI128 (R8), Y2
	VPSHUFB chroma47<>(SB), Y2, Y3
	VPSHUFB chroma03<>(SB), Y2, Y2
	VBROADCASTI128 (R9), Y4
	VPSHUFB chroma47<>(SB), Y4, Y5
	VPSHUFB chroma03<>(SB), Y4, Y4
	VPSUBD Y14, Y2, Y2
	VPSUBD Y14, Y3, Y3
	VPSUBD Y14, Y4, Y4
	VPSUBD Y14, Y5, Y5

	// Green in Y6 and Y7, blue in Y2 and Y3, red in Y4 and Y5.
	VPMULLD greenCb<>(SB), Y2, Y6
	VPMULLD greenCb<>(SB), Y3, Y7
	VPMULLD greenCr<>(SB), Y4, Y8
	VPMULLD greenCr<>(SB), Y5, Y9
	VPADDD Y8, Y6, Y6
	VPADDD Y9, Y7, Y7
	VPMULLD blueCb<>(SB), Y2, Y2
	VPMULLD blueCb<>(SB), Y3, Y3
	VPMULLD redCr<>(SB), Y4, Y4
	VPMULLD redCr<>(SB), Y5, Y5
	STORE(Y4, Y5, Y6, Y7, Y2, Y3)
	VMOVDQU X5, (DI)
	VMOVQ X4, 16(DI)
	VMOVDQU X0, 24(DI)
	VMOVQ X1, 40(DI)
	ADDQ $48, DI
	ADDQ $16, SI
	ADDQ $16, R8
	ADDQ $16, R9
	DECQ CX
	JNZ loop1
	VZEROUPPER
	RET

// func rgb2AVX2(to, luma, blue, red *uint8, blocks int)
TEXT ·rgb2AVX2(SB), NOSPLIT, $0-40
	MOVQ to+0(FP), DI
	MOVQ luma+8(FP), SI
	MOVQ blue+16(FP), R8
	MOVQ red+24(FP), R9
	MOVQ blocks+32(FP), CX
	VMOVDQU luma03<>(SB), Y12
	VMOVDQU luma47<>(SB), Y13
	VMOVDQU n128<>(SB), Y14

loop2:
	VBROADCASTI128 (SI), Y0
	VPSHUFB Y13, Y0, Y1
	VPSHUFB Y12, Y0, Y0
	VPMOVZXBD (R8), Y2
	VPMOVZXBD (R9), Y4
	VPSUBD Y14, Y2, Y2
	VPSUBD Y14, Y4, Y4
	VPMULLD greenCb<>(SB), Y2, Y6
	VPMULLD greenCr<>(SB), Y4, Y8
	VPADDD Y8, Y6, Y6
	VPMULLD blueCb<>(SB), Y2, Y2
	VPMULLD redCr<>(SB), Y4, Y4

	// Each for two pixels: 0 0 1 1 and 4 4 5 5, 2 2 3 3 and 6 6 7 7.
	VPUNPCKHDQ Y6, Y6, Y7
	VPUNPCKLDQ Y6, Y6, Y6
	VPUNPCKHDQ Y2, Y2, Y3
	VPUNPCKLDQ Y2, Y2, Y2
	VPUNPCKHDQ Y4, Y4, Y5
	VPUNPCKLDQ Y4, Y4, Y4
	STORE(Y4, Y5, Y6, Y7, Y2, Y3)
	VMOVDQU X5, (DI)
	VMOVQ X4, 16(DI)
	VMOVDQU X0, 24(DI)
	VMOVQ X1, 40(DI)
	ADDQ $48, DI
	ADDQ $16, SI
	ADDQ $8, R8
	ADDQ $8, R9
	DECQ CX
	JNZ loop2
	VZEROUPPER
	RET
