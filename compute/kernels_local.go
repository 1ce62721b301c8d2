package compute

// convSpec describes a convolution over NHWC images and HWIO filters.
type convSpec struct {
	N, H, W, C, OH, OW, O, KH, KW, StrideH, StrideW, PadTop, PadLeft, DilationH, DilationW, Groups int
}

// epilogue is what is done to the output of a convolution.
type epilogue struct {
	Bias, Residual []float32
	ReLU           bool
}

func (s convSpec) rows(p parallel, f func(n, oh int)) {
	p.For(s.N*s.OH, func(i int) { f(i/s.OH, i%s.OH) })
}

func convForward(p parallel, s convSpec, dst, x, w []float32, e epilogue) {
	cg, og := s.C/s.Groups, s.O/s.Groups
	s.rows(p, func(n, oh int) {
		for ow := range s.OW {
			at := ((n*s.OH+oh)*s.OW + ow) * s.O
			out := dst[at : at+s.O]
			clear(out)
			for kh := range s.KH {
				h := oh*s.StrideH - s.PadTop + kh*s.DilationH
				if h < 0 || h >= s.H {
					continue
				}
				for kw := range s.KW {
					c := ow*s.StrideW - s.PadLeft + kw*s.DilationW
					if c < 0 || c >= s.W {
						continue
					}
					in := x[((n*s.H+h)*s.W+c)*s.C:][:s.C]
					for g := range s.Groups {
						part := out[g*og : (g+1)*og]
						for i := range cg {
							v := in[g*cg+i]
							row := w[((kh*s.KW+kw)*cg+i)*s.O+g*og:][:len(part)]
							for o := range part {
								part[o] += v * row[o]
							}
						}
					}
				}
			}
			for o := range out {
				if e.Bias != nil {
					out[o] += e.Bias[o]
				}
				if e.Residual != nil {
					out[o] += e.Residual[at+o]
				}
				if e.ReLU {
					out[o] = max(out[o], 0)
				}
			}
		}
	})
}

func convGradInput(p parallel, s convSpec, dx, dy, w []float32) {
	cg, og := s.C/s.Groups, s.O/s.Groups
	p.For(s.N, func(n int) {
		clear(dx[n*s.H*s.W*s.C : (n+1)*s.H*s.W*s.C])
		for oh := range s.OH {
			for ow := range s.OW {
				out := dy[((n*s.OH+oh)*s.OW+ow)*s.O:][:s.O]
				for kh := range s.KH {
					h := oh*s.StrideH - s.PadTop + kh*s.DilationH
					if h < 0 || h >= s.H {
						continue
					}
					for kw := range s.KW {
						c := ow*s.StrideW - s.PadLeft + kw*s.DilationW
						if c < 0 || c >= s.W {
							continue
						}
						in := dx[((n*s.H+h)*s.W+c)*s.C:][:s.C]
						for g := range s.Groups {
							part := out[g*og : (g+1)*og]
							for i := range cg {
								row := w[((kh*s.KW+kw)*cg+i)*s.O+g*og:][:len(part)]
								var sum float32
								for o := range part {
									sum += part[o] * row[o]
								}
								in[g*cg+i] += sum
							}
						}
					}
				}
			}
		}
	})
}

func convGradFilter(p parallel, s convSpec, dw, x, dy []float32) {
	cg, og := s.C/s.Groups, s.O/s.Groups
	p.For(s.KH*s.KW, func(k int) {
		kh, kw := k/s.KW, k%s.KW
		clear(dw[k*cg*s.O : (k+1)*cg*s.O])
		for n := range s.N {
			for oh := range s.OH {
				h := oh*s.StrideH - s.PadTop + kh*s.DilationH
				if h < 0 || h >= s.H {
					continue
				}
				for ow := range s.OW {
					c := ow*s.StrideW - s.PadLeft + kw*s.DilationW
					if c < 0 || c >= s.W {
						continue
					}
					in := x[((n*s.H+h)*s.W+c)*s.C:][:s.C]
					out := dy[((n*s.OH+oh)*s.OW+ow)*s.O:][:s.O]
					for g := range s.Groups {
						part := out[g*og : (g+1)*og]
						for i := range cg {
							v := in[g*cg+i]
							row := dw[(k*cg+i)*s.O+g*og:][:len(part)]
							for o := range part {
								row[o] += v * part[o]
							}
						}
					}
				}
			}
		}
	})
}
