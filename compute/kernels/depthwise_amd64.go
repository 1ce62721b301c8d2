package kernels

//go:generate go run depthwise_generate.go

// run computes the span at the level. It is used up then.
func (s *depthwiseSpan) run(level Level) {
	switch level {
	case AVX512:
		depthwiseSpanAVX512(s)
	case AVX2:
		whole := s.channels &^ 31 // bytes of eight floats
		if whole < s.channels {
			rest := s.from(whole)
			rest.portable()
		}
		if s.channels = whole; whole > 0 {
			depthwiseSpanAVX2(s)
		}
	default:
		s.portable()
	}
}

// run adds what the positions give at the level.
func (t *depthwiseTaps) run(level Level) {
	switch level {
	case AVX512:
		t.choose(depthwiseTaps3x3AVX512, depthwiseTaps3x1AVX512, depthwiseTaps1x3AVX512, depthwiseTaps1x1AVX512)
	case AVX2:
		whole := t.channels &^ 31
		if whole < t.channels {
			rest := t.from(whole)
			rest.portable()
		}
		if t.channels = whole; whole > 0 {
			t.choose(depthwiseTaps3x3AVX2, depthwiseTaps3x1AVX2, depthwiseTaps1x3AVX2, depthwiseTaps1x1AVX2)
		}
	default:
		t.portable()
	}
}

func (t *depthwiseTaps) choose(f3x3, f3x1, f1x3, f1x1 func(t *depthwiseTaps)) {
	switch {
	case t.rows == 3 && t.columns == 3:
		f3x3(t)
	case t.rows == 3:
		f3x1(t)
	case t.columns == 3:
		f1x3(t)
	default:
		f1x1(t)
	}
}

//go:noescape
func depthwiseSpanAVX512(s *depthwiseSpan)

//go:noescape
func depthwiseSpanAVX2(s *depthwiseSpan)

//go:noescape
func depthwiseTaps3x3AVX512(t *depthwiseTaps)

//go:noescape
func depthwiseTaps3x1AVX512(t *depthwiseTaps)

//go:noescape
func depthwiseTaps1x3AVX512(t *depthwiseTaps)

//go:noescape
func depthwiseTaps1x1AVX512(t *depthwiseTaps)

//go:noescape
func depthwiseTaps3x3AVX2(t *depthwiseTaps)

//go:noescape
func depthwiseTaps3x1AVX2(t *depthwiseTaps)

//go:noescape
func depthwiseTaps1x3AVX2(t *depthwiseTaps)

//go:noescape
func depthwiseTaps1x1AVX2(t *depthwiseTaps)
