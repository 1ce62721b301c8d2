package kernels

//go:generate go run tile_generate.go

var (
	avx512Tiler = tiler{rows: 14, columns: 32, narrow: 16, shorter: []int{4, 8}, multiply: multiplyAVX512}
	avx2Tiler   = tiler{rows: 6, columns: 16, narrow: 16, multiply: multiplyAVX2}
)

func tilerOf(l Level) *tiler {
	switch l {
	case AVX512:
		return &avx512Tiler
	case AVX2:
		return &avx2Tiler
	}
	return &portableTiler
}

func multiplyAVX512(work *tileWork, height int, thin bool) {
	switch {
	case thin:
		tile14x16(work)
	case height == 4:
		tile4x32(work)
	case height == 8:
		tile8x32(work)
	default:
		tile14x32(work)
	}
}

func multiplyAVX2(work *tileWork, _ int, _ bool) { tile6x16(work) }

//go:noescape
func tile14x32(work *tileWork)

//go:noescape
func tile8x32(work *tileWork)

//go:noescape
func tile4x32(work *tileWork)

//go:noescape
func tile14x16(work *tileWork)

//go:noescape
func tile6x16(work *tileWork)
