package kernels

var neonTiler = tiler{rows: 6, columns: 16, narrow: 16, multiply: multiplyNEON}

func tilerOf(l Level) *tiler {
	if l == NEON {
		return &neonTiler
	}
	return &portableTiler
}

func multiplyNEON(work *tileWork, _ int, _ bool) { tile6x16(work) }

//go:noescape
func tile6x16(work *tileWork)
