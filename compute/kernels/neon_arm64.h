// Arithmetic on four floats, Vd = Vn op Vm, which Go's assembler lacks. Arguments are the registers' numbers.
#define FADD(d, n, m) WORD $(0x4e20d400 | (m)<<16 | (n)<<5 | (d))
#define FSUB(d, n, m) WORD $(0x4ea0d400 | (m)<<16 | (n)<<5 | (d))
#define FMUL(d, n, m) WORD $(0x6e20dc00 | (m)<<16 | (n)<<5 | (d))
#define FDIV(d, n, m) WORD $(0x6e20fc00 | (m)<<16 | (n)<<5 | (d))
#define FMAX(d, n, m) WORD $(0x4e20f400 | (m)<<16 | (n)<<5 | (d))
#define FMIN(d, n, m) WORD $(0x4ea0f400 | (m)<<16 | (n)<<5 | (d))
#define FSQRT(d, n) WORD $(0x6ea1f800 | (n)<<5 | (d))

// PLUS is Vd += Vn · Vm, and LESS is Vd -= Vn · Vm, rounded once.
#define PLUS(d, n, m) WORD $(0x4e20cc00 | (m)<<16 | (n)<<5 | (d))
#define LESS(d, n, m) WORD $(0x4ea0cc00 | (m)<<16 | (n)<<5 | (d))

// MOVE is Vd = Vn.
#define MOVE(d, n) WORD $(0x4ea01c00 | (n)<<16 | (n)<<5 | (d))

// FMAXNM and FMINNM give the number of a number and a NaN.
#define FMAXNM(d, n, m) WORD $(0x4e20c400 | (m)<<16 | (n)<<5 | (d))
#define FMINNM(d, n, m) WORD $(0x4ea0c400 | (m)<<16 | (n)<<5 | (d))

// ROUND is the nearest int32, half to even, and FLOATS is the float32 of an int32.
#define ROUND(d, n) WORD $(0x4e21a800 | (n)<<5 | (d))
#define FLOATS(d, n) WORD $(0x4e21d800 | (n)<<5 | (d))

// BYTES packs four vectors of int32 of 0 to 255, a, b, c and e, into the bytes of d, which may be a. b is spoilt.
#define BYTES(d, a, b, c, e) \
	WORD $(0x0e612800 | (a)<<5 | (d)); \
	WORD $(0x4e612800 | (b)<<5 | (d)); \
	WORD $(0x0e612800 | (c)<<5 | (b)); \
	WORD $(0x4e612800 | (e)<<5 | (b)); \
	WORD $(0x0e212800 | (d)<<5 | (d)); \
	WORD $(0x4e212800 | (b)<<5 | (d))

// SDOT adds to four int32 the products of four int8 each with the index-th four of Vm (Armv8.2).
#define SDOT(d, n, m, index) WORD $(0x4f80e000 | ((index)&1)<<21 | ((index)>>1)<<11 | (m)<<16 | (n)<<5 | (d))
