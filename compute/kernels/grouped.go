package kernels

// groupedForward convolves each group of channels with its own filters. Groups are small, so there is
// little to reuse: one output position after the other, along the channels.
func groupedForward(p Parallel, c Conv, dst, x, w []float32, e Epilogue) {
	cg, og := c.C/c.Groups, c.O/c.Groups
	level := Active()
	p.For(c.N*c.OH, func(i int) {
		n, oh := i/c.OH, i%c.OH
		for ow := range c.OW {
			r := i*c.OW + ow
			out := dst[r*c.O : (r+1)*c.O]
			clear(out)
			c.taps(n, oh, ow, func(tap, at int) {
				if cg == 1 && og == 1 {
					multiplyAdd(out, x[at:at+c.C], w[tap*c.O:(tap+1)*c.O])
					return
				}
				for g := range c.Groups {
					part := out[g*og : (g+1)*og]
					for i := range cg {
						axpy(part, x[at+g*cg+i], w[(tap*cg+i)*c.O+g*og:])
					}
				}
			})
			e.apply(dst, r, r+1, c.O, 0, c.O, level)
		}
	})
}

// taps calls f with the number of each tap of an output's window that lies in the image, and where its
// position's channels begin in the images.
func (c Conv) taps(n, oh, ow int, f func(tap, at int)) {
	for kh := range c.KH {
		y := oh*c.StrideH - c.PadTop + kh*c.DilationH
		if y < 0 || y >= c.H {
			continue
		}
		for kw := range c.KW {
			x := ow*c.StrideW - c.PadLeft + kw*c.DilationW
			if x >= 0 && x < c.W {
				f(kh*c.KW+kw, ((n*c.H+y)*c.W+x)*c.C)
			}
		}
	}
}

func multiplyAdd(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] += a[i] * b[i]
	}
}

func axpy(dst []float32, a float32, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] += a * x[i]
	}
}

func groupedGradInput(p Parallel, c Conv, dx, dy, w []float32) {
	cg, og := c.C/c.Groups, c.O/c.Groups
	p.For(c.N, func(n int) {
		clear(dx[n*c.H*c.W*c.C : (n+1)*c.H*c.W*c.C])
		for oh := range c.OH {
			for ow := range c.OW {
				from := dy[((n*c.OH+oh)*c.OW+ow)*c.O:][:c.O]
				c.taps(n, oh, ow, func(tap, at int) {
					if cg == 1 && og == 1 {
						multiplyAdd(dx[at:at+c.C], from, w[tap*c.O:(tap+1)*c.O])
						return
					}
					for g := range c.Groups {
						for i := range cg {
							dx[at+g*cg+i] += dot(from[g*og:(g+1)*og], w[(tap*cg+i)*c.O+g*og:])
						}
					}
				})
			}
		}
	})
}

func dot(a, b []float32) float32 {
	b = b[:len(a)]
	var sum float32
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func groupedGradFilter(p Parallel, c Conv, dw, x, dy []float32) {
	cg, og := c.C/c.Groups, c.O/c.Groups
	size := c.KH * c.KW * cg * c.O
	sumParts(p, dw[:size], c.N*c.OH, func(part []float32, from, to int) {
		for i := from; i < to; i++ {
			n, oh := i/c.OH, i%c.OH
			for ow := range c.OW {
				grad := dy[(i*c.OW+ow)*c.O:][:c.O]
				c.taps(n, oh, ow, func(tap, at int) {
					if cg == 1 && og == 1 {
						multiplyAdd(part[tap*c.O:(tap+1)*c.O], grad, x[at:at+c.C])
						return
					}
					for g := range c.Groups {
						for i := range cg {
							axpy(part[(tap*cg+i)*c.O+g*og:][:og], x[at+g*cg+i], grad[g*og:])
						}
					}
				})
			}
		}
	})
}
