#include "textflag.h"

// RGB to YCbCr: eight pixels in the two halves of a register, red and green as pairs of 16-bit numbers, blue
// as a 32-bit one.
DATA redGreen<>+0(SB)/8, $0x8004800380018000
DATA redGreen<>+8(SB)/8, $0x800a800980078006
DATA redGreen<>+16(SB)/8, $0x8004800380018000
DATA redGreen<>+24(SB)/8, $0x800a800980078006
GLOBL redGreen<>(SB), RODATA|NOPTR, $32
DATA blueAlone<>+0(SB)/8, $0x8080800580808002
DATA blueAlone<>+8(SB)/8, $0x8080800b80808008
DATA blueAlone<>+16(SB)/8, $0x8080800580808002
DATA blueAlone<>+24(SB)/8, $0x8080800b80808008
GLOBL blueAlone<>(SB), RODATA|NOPTR, $32
DATA lumaRG<>+0(SB)/8, $0x4b2326464b232646
DATA lumaRG<>+8(SB)/8, $0x4b2326464b232646
DATA lumaRG<>+16(SB)/8, $0x4b2326464b232646
DATA lumaRG<>+24(SB)/8, $0x4b2326464b232646
GLOBL lumaRG<>(SB), RODATA|NOPTR, $32
DATA lumaB<>+0(SB)/8, $0x00000e9700000e97
DATA lumaB<>+8(SB)/8, $0x00000e9700000e97
DATA lumaB<>+16(SB)/8, $0x00000e9700000e97
DATA lumaB<>+24(SB)/8, $0x00000e9700000e97
GLOBL lumaB<>(SB), RODATA|NOPTR, $32
DATA blueRG<>+0(SB)/8, $0xd599ea67d599ea67
DATA blueRG<>+8(SB)/8, $0xd599ea67d599ea67
DATA blueRG<>+16(SB)/8, $0xd599ea67d599ea67
DATA blueRG<>+24(SB)/8, $0xd599ea67d599ea67
GLOBL blueRG<>(SB), RODATA|NOPTR, $32
DATA blueB<>+0(SB)/8, $0x0000400000004000
DATA blueB<>+8(SB)/8, $0x0000400000004000
DATA blueB<>+16(SB)/8, $0x0000400000004000
DATA blueB<>+24(SB)/8, $0x0000400000004000
GLOBL blueB<>(SB), RODATA|NOPTR, $32
DATA redRG<>+0(SB)/8, $0xca684000ca684000
DATA redRG<>+8(SB)/8, $0xca684000ca684000
DATA redRG<>+16(SB)/8, $0xca684000ca684000
DATA redRG<>+24(SB)/8, $0xca684000ca684000
GLOBL redRG<>(SB), RODATA|NOPTR, $32
DATA redB<>+0(SB)/8, $0x0000f5980000f598
DATA redB<>+8(SB)/8, $0x0000f5980000f598
DATA redB<>+16(SB)/8, $0x0000f5980000f598
DATA redB<>+24(SB)/8, $0x0000f5980000f598
GLOBL redB<>(SB), RODATA|NOPTR, $32
DATA round14<>+0(SB)/8, $0x0000400000004000
DATA round14<>+8(SB)/8, $0x0000400000004000
DATA round14<>+16(SB)/8, $0x0000400000004000
DATA round14<>+24(SB)/8, $0x0000400000004000
GLOBL round14<>(SB), RODATA|NOPTR, $32
DATA middle<>+0(SB)/8, $0x0040400000404000
DATA middle<>+8(SB)/8, $0x0040400000404000
DATA middle<>+16(SB)/8, $0x0040400000404000
DATA middle<>+24(SB)/8, $0x0040400000404000
GLOBL middle<>(SB), RODATA|NOPTR, $32
DATA ones<>+0(SB)/8, $0x0101010101010101
DATA ones<>+8(SB)/8, $0x0101010101010101
GLOBL ones<>(SB), RODATA|NOPTR, $16
DATA twos<>+0(SB)/8, $0x0002000200020002
DATA twos<>+8(SB)/8, $0x0002000200020002
GLOBL twos<>(SB), RODATA|NOPTR, $16
DATA level<>+0(SB)/8, $0x0000008000000080
DATA level<>+8(SB)/8, $0x0000008000000080
DATA level<>+16(SB)/8, $0x0000008000000080
DATA level<>+24(SB)/8, $0x0000008000000080
GLOBL level<>(SB), RODATA|NOPTR, $32
DATA root<>+0(SB)/8, $0x3f3504f33f3504f3
DATA root<>+8(SB)/8, $0x3f3504f33f3504f3
DATA root<>+16(SB)/8, $0x3f3504f33f3504f3
DATA root<>+24(SB)/8, $0x3f3504f33f3504f3
GLOBL root<>(SB), RODATA|NOPTR, $32
DATA f382<>+0(SB)/8, $0x3ec3ef153ec3ef15
DATA f382<>+8(SB)/8, $0x3ec3ef153ec3ef15
DATA f382<>+16(SB)/8, $0x3ec3ef153ec3ef15
DATA f382<>+24(SB)/8, $0x3ec3ef153ec3ef15
GLOBL f382<>(SB), RODATA|NOPTR, $32
DATA f541<>+0(SB)/8, $0x3f0a8bd43f0a8bd4
DATA f541<>+8(SB)/8, $0x3f0a8bd43f0a8bd4
DATA f541<>+16(SB)/8, $0x3f0a8bd43f0a8bd4
DATA f541<>+24(SB)/8, $0x3f0a8bd43f0a8bd4
GLOBL f541<>(SB), RODATA|NOPTR, $32
DATA f1306<>+0(SB)/8, $0x3fa73d753fa73d75
DATA f1306<>+8(SB)/8, $0x3fa73d753fa73d75
DATA f1306<>+16(SB)/8, $0x3fa73d753fa73d75
DATA f1306<>+24(SB)/8, $0x3fa73d753fa73d75
GLOBL f1306<>(SB), RODATA|NOPTR, $32

// One of luma, blue and red, of eight pixels each in Y0, Y1 and Y2, Y3, to 16 bytes in X4.
#define CONVERT(rg, b, add) \
	VPMADDWD rg<>(SB), Y0, Y4; \
	VPMADDWD b<>(SB), Y1, Y5; \
	VPMADDWD rg<>(SB), Y2, Y6; \
	VPMADDWD b<>(SB), Y3, Y7; \
	VPADDD Y5, Y4, Y4; \
	VPADDD Y7, Y6, Y6; \
	VPADDD add, Y4, Y4; \
	VPADDD add, Y6, Y6; \
	VPSRAD $15, Y4, Y4; \
	VPSRAD $15, Y6, Y6; \
	VPACKSSDW Y6, Y4, Y4; \
	VPACKUSWB Y4, Y4, Y4; \
	VEXTRACTI128 $1, Y4, X5; \
	VPUNPCKLDQ X5, X4, X4

// func yccAVX2(luma, blue, red, rgb *uint8, blocks int)
TEXT ·yccAVX2(SB), NOSPLIT, $0-40
	MOVQ luma+0(FP), DI
	MOVQ blue+8(FP), R8
	MOVQ red+16(FP), R9
	MOVQ rgb+24(FP), SI
	MOVQ blocks+32(FP), CX
	VMOVDQU redGreen<>(SB), Y15
	VMOVDQU blueAlone<>(SB), Y14
	VMOVDQU round14<>(SB), Y13
	VMOVDQU middle<>(SB), Y12

pixels:
	VMOVDQU (SI), X1
	VINSERTI128 $1, 12(SI), Y1, Y1
	VMOVDQU 24(SI), X3
	VINSERTI128 $1, 36(SI), Y3, Y3
	VPSHUFB Y15, Y1, Y0
	VPSHUFB Y14, Y1, Y1
	VPSHUFB Y15, Y3, Y2
	VPSHUFB Y14, Y3, Y3
	CONVERT(lumaRG, lumaB, Y13)
	VMOVDQU X4, (DI)
	CONVERT(blueRG, blueB, Y12)
	VMOVDQU X4, (R8)
	CONVERT(redRG, redB, Y12)
	VMOVDQU X4, (R9)
	ADDQ $48, SI
	ADDQ $16, DI
	ADDQ $16, R8
	ADDQ $16, R9
	DECQ CX
	JNZ pixels
	VZEROUPPER
	RET

// func halveAVX2(to, row0, row1 *uint8, blocks int)
TEXT ·halveAVX2(SB), NOSPLIT, $0-32
	MOVQ to+0(FP), DI
	MOVQ row0+8(FP), SI
	MOVQ row1+16(FP), R8
	MOVQ blocks+24(FP), CX
	VMOVDQU ones<>(SB), X15
	VMOVDQU twos<>(SB), X14

samples:
	VMOVDQU (SI), X0
	VMOVDQU (R8), X1
	VPMADDUBSW X15, X0, X0
	VPMADDUBSW X15, X1, X1
	VPADDW X1, X0, X0
	VPADDW X14, X0, X0
	VPSRLW $2, X0, X0
	VPACKUSWB X0, X0, X0
	VMOVQ X0, (DI)
	ADDQ $16, SI
	ADDQ $16, R8
	ADDQ $8, DI
	DECQ CX
	JNZ samples
	RET

#define LOAD(y) \
	VPMOVZXBD (SI), y; \
	ADDQ R8, SI; \
	VPSUBD Y15, y, y; \
	VCVTDQ2PS y, y

#define BUTTERFLYF(x, y, t) \
	VSUBPS y, x, t; \
	VADDPS y, x, x; \
	VMOVAPS t, y

// The scaled DCT of encode.go on d0 to d7; a and b are free. The outputs are in d0, d1 (4), d2 (2), d3 (6)
// and d4 (5), d5 (3), d6 (1), d7.
#define FORWARD(d0, d1, d2, d3, d4, d5, d6, d7, a, b) \
	BUTTERFLYF(d0, d7, a); \
	BUTTERFLYF(d1, d6, a); \
	BUTTERFLYF(d2, d5, a); \
	BUTTERFLYF(d3, d4, a); \
	BUTTERFLYF(d0, d3, a); \
	BUTTERFLYF(d1, d2, a); \
	BUTTERFLYF(d0, d1, a); \
	VADDPS d3, d2, d2; \
	VMULPS root<>(SB), d2, a; \
	VADDPS a, d3, d2; \
	VSUBPS a, d3, d3; \
	VADDPS d5, d4, d4; \
	VADDPS d6, d5, d5; \
	VADDPS d7, d6, d6; \
	VSUBPS d6, d4, a; \
	VMULPS f382<>(SB), a, a; \
	VMULPS f541<>(SB), d4, d4; \
	VADDPS a, d4, d4; \
	VMULPS f1306<>(SB), d6, d6; \
	VADDPS a, d6, d6; \
	VMULPS root<>(SB), d5, d5; \
	VADDPS d5, d7, a; \
	VSUBPS d5, d7, b; \
	VSUBPS d4, b, d5; \
	VADDPS d4, b, d4; \
	VSUBPS d6, a, d7; \
	VADDPS d6, a, d6

// Two columns of coefficients, quantised, to 32 bytes at DI and to y.
#define QUANTISE(y, z, offset) \
	VMULPS (2*offset)(R9), y, y; \
	VMULPS (2*offset+32)(R9), z, z; \
	VCVTPS2DQ y, y; \
	VCVTPS2DQ z, z; \
	VPACKSSDW z, y, y; \
	VPERMQ $0xd8, y, y; \
	VMOVDQU y, offset(DI)

// func forwardAVX2(to *[64]int16, samples *uint8, stride int, reciprocals *[64]float32) uint64
TEXT ·forwardAVX2(SB), NOSPLIT, $0-40
	MOVQ to+0(FP), DI
	MOVQ samples+8(FP), SI
	MOVQ stride+16(FP), R8
	MOVQ reciprocals+24(FP), R9
	VMOVDQU level<>(SB), Y15
	LOAD(Y0)
	LOAD(Y1)
	LOAD(Y2)
	LOAD(Y3)
	LOAD(Y4)
	LOAD(Y5)
	LOAD(Y6)
	LOAD(Y7)
	FORWARD(Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9)

	// Rows 0 to 7 are Y0, Y6, Y2, Y5, Y1, Y4, Y3, Y7. Transpose.
	VUNPCKLPS Y6, Y0, Y8
	VUNPCKHPS Y6, Y0, Y9
	VUNPCKLPS Y5, Y2, Y10
	VUNPCKHPS Y5, Y2, Y11
	VUNPCKLPS Y4, Y1, Y12
	VUNPCKHPS Y4, Y1, Y13
	VUNPCKLPS Y7, Y3, Y14
	VUNPCKHPS Y7, Y3, Y15
	VUNPCKLPD Y10, Y8, Y0
	VUNPCKHPD Y10, Y8, Y1
	VUNPCKLPD Y11, Y9, Y2
	VUNPCKHPD Y11, Y9, Y3
	VUNPCKLPD Y14, Y12, Y4
	VUNPCKHPD Y14, Y12, Y5
	VUNPCKLPD Y15, Y13, Y6
	VUNPCKHPD Y15, Y13, Y7
	VPERM2F128 $0x20, Y4, Y0, Y8  // column 0
	VPERM2F128 $0x20, Y5, Y1, Y9  // column 1
	VPERM2F128 $0x20, Y6, Y2, Y10 // column 2
	VPERM2F128 $0x20, Y7, Y3, Y11 // column 3
	VPERM2F128 $0x31, Y4, Y0, Y12 // column 4
	VPERM2F128 $0x31, Y5, Y1, Y13 // column 5
	VPERM2F128 $0x31, Y6, Y2, Y14 // column 6
	VPERM2F128 $0x31, Y7, Y3, Y15 // column 7
	FORWARD(Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15, Y0, Y1)

	// Columns 0 to 7 are Y8, Y14, Y10, Y13, Y9, Y12, Y11, Y15.
	QUANTISE(Y8, Y14, 0)
	QUANTISE(Y10, Y13, 32)
	QUANTISE(Y9, Y12, 64)
	QUANTISE(Y11, Y15, 96)

	// A bit for each that is not zero.
	VPXOR Y0, Y0, Y0
	VPCMPEQW Y0, Y8, Y8
	VPCMPEQW Y0, Y10, Y10
	VPCMPEQW Y0, Y9, Y9
	VPCMPEQW Y0, Y11, Y11
	VPACKSSWB Y10, Y8, Y8
	VPACKSSWB Y11, Y9, Y9
	VPERMQ $0xd8, Y8, Y8
	VPERMQ $0xd8, Y9, Y9
	VPMOVMSKB Y8, AX
	VPMOVMSKB Y9, BX
	SHLQ $32, BX
	MOVL AX, AX
	ORQ BX, AX
	NOTQ AX
	MOVQ AX, ret+32(FP)
	VZEROUPPER
	RET
