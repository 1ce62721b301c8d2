package kernels

import "unsafe"

// Depthwise convolutions: each channel has one filter of its own, so channels lie side by side in vectors,
// and a few positions of a row are computed at once. There is nothing to pack.

// depthwise says that each group is one channel, in and out.
func (c Conv) depthwise() bool { return c.Groups == c.C && c.C == c.O }

// axis is one of the two axes of a depthwise convolution or of a part of its gradient. Output i lies at
// first + i·step of the destination. Tap j of it is number tap + j·tapStep of the filter, and reads position
// i·stride + offset + j·reach.
type axis struct {
	outputs, first, step  int
	taps, tap, tapStep    int
	inputs                int // length of what is read
	stride, offset, reach int
	length                int // of the destination
}

// within is the range of output i's taps that read within the input.
func (a *axis) within(i int) (from, to int) {
	at := i*a.stride + a.offset
	for to = a.taps; from < to && uint(at+from*a.reach) >= uint(a.inputs); from++ {
	}
	for from < to && uint(at+(to-1)*a.reach) >= uint(a.inputs) {
		to--
	}
	return from, to
}

// stretch are outputs [from, to) with the same taps [begin, end) within the input.
type stretch struct{ from, to, begin, end int }

func (a *axis) stretches() []stretch {
	var all []stretch
	for i := range a.outputs {
		begin, end := a.within(i)
		if n := len(all); n > 0 && all[n-1].begin == begin && all[n-1].end == end {
			all[n-1].to++
			continue
		}
		all = append(all, stretch{i, i + 1, begin, end})
	}
	return all
}

// forwardAxes are those of the convolution itself.
func (c Conv) forwardAxes() (rows, columns axis) {
	return axis{outputs: c.OH, step: 1, taps: c.KH, tapStep: 1, inputs: c.H, stride: c.StrideH, offset: -c.PadTop, reach: c.DilationH, length: c.OH},
		axis{outputs: c.OW, step: 1, taps: c.KW, tapStep: 1, inputs: c.W, stride: c.StrideW, offset: -c.PadLeft, reach: c.DilationW, length: c.OW}
}

// backwardAxes are those of the gradient of the input along one axis, one for each phase: inputs at
// the same place modulo the stride are reached by the same taps, each of one output.
func backwardAxes(length, outputs, taps, stride, dilation, pad int) []axis {
	var phases []axis
	for phase := range min(stride, length) {
		a := axis{outputs: (length - phase + stride - 1) / stride, first: phase, step: stride, inputs: outputs, stride: 1, length: length}
		for tap := range taps {
			at := phase + pad - tap*dilation
			if at%stride != 0 {
				continue
			}
			switch a.taps++; a.taps {
			case 1:
				a.tap, a.offset = tap, at/stride
			case 2:
				a.tapStep, a.reach = tap-a.tap, at/stride-a.offset
			}
		}
		phases = append(phases, a)
	}
	return phases
}

// depthwiseConvolve computes the outputs that the axes say, of n images with so many channels.
func depthwiseConvolve(p Parallel, n, channels, filterWidth int, rows, columns axis, dst, x, w []float32, e Epilogue) {
	across := columns.stretches()
	level := Active()
	p.For(n*rows.outputs, func(i int) {
		image, row := i/rows.outputs, i%rows.outputs
		begin, end := rows.within(row)
		y := row*rows.stride + rows.offset + begin*rows.reach
		target := (image*rows.length + rows.first + row*rows.step) * columns.length
		for _, s := range across {
			at := (target + columns.first + s.from*columns.step) * channels
			if begin >= end || s.begin >= s.end {
				for j := s.from; j < s.to; j++ {
					clear(dst[at : at+channels])
					e.apply(dst, at/channels, at/channels+1, channels, 0, channels, level)
					at += columns.step * channels
				}
				continue
			}
			from := ((image*rows.inputs+y)*columns.inputs + s.from*columns.stride + columns.offset + s.begin*columns.reach) * channels
			filter := ((rows.tap+begin*rows.tapStep)*filterWidth + columns.tap + s.begin*columns.tapStep) * channels
			span := depthwiseSpan{
				dst: unsafe.Pointer(&dst[at]), x: unsafe.Pointer(&x[from]), w: unsafe.Pointer(&w[filter]),
				rows: end - begin, columns: s.end - s.begin, positions: s.to - s.from,
				xRow: 4 * rows.reach * columns.inputs * channels, xColumn: 4 * columns.reach * channels,
				wRow: 4 * rows.tapStep * filterWidth * channels, wColumn: 4 * columns.tapStep * channels,
				xStep: 4 * columns.stride * channels, dstStep: 4 * columns.step * channels, channels: 4 * channels, ceiling: e.Ceiling, xDone: 0, dstDone: 0,
			}
			if e.Bias != nil {
				span.bias = unsafe.Pointer(&e.Bias[0])
			}
			if e.Residual != nil {
				span.residual = unsafe.Pointer(&e.Residual[at])
			}
			if e.ReLU {
				span.relu = 1
			}
			span.run(level)
		}
	})
}

// depthwiseSpan is a stretch of outputs in a row with the same taps. All strides are in bytes. The assembly
// knows the offsets of the fields.
type depthwiseSpan struct {
	dst, x, w      unsafe.Pointer
	bias, residual unsafe.Pointer // nil for none
	rows, columns  int            // taps, one at least
	xRow, xColumn  int            // between the inputs of taps
	wRow, wColumn  int            // between taps
	positions      int
	xStep, dstStep int // between outputs
	channels       int // bytes
	relu           int // 1: max(y, 0)
	xDone, dstDone int // bytes that the assembly is on, since pointers must stay within what they point to
	ceiling        float32
}

// from is the span without the channels before so many bytes.
func (s *depthwiseSpan) from(bytes int) depthwiseSpan {
	rest := *s
	rest.channels -= bytes
	for _, p := range []*unsafe.Pointer{&rest.dst, &rest.x, &rest.w, &rest.bias, &rest.residual} {
		if *p != nil {
			*p = unsafe.Add(*p, bytes)
		}
	}
	return rest
}

// floats are n bytes of floats, at some bytes from p.
func floats(p unsafe.Pointer, at, n int) []float32 {
	return unsafe.Slice((*float32)(unsafe.Add(p, at)), n/4)
}

func (s *depthwiseSpan) portable() {
	var bias, residual []float32
	if s.bias != nil {
		bias = floats(s.bias, 0, s.channels)
	}
	for i := range s.positions {
		dst := floats(s.dst, i*s.dstStep, s.channels)
		clear(dst)
		for r := range s.rows {
			for c := range s.columns {
				multiplyAdd(dst, floats(s.x, i*s.xStep+r*s.xRow+c*s.xColumn, s.channels), floats(s.w, r*s.wRow+c*s.wColumn, s.channels))
			}
		}
		if s.residual != nil {
			residual = floats(s.residual, i*s.dstStep, s.channels)
		}
		finishPortable(dst, bias, residual, s.relu == 1)
		(&Epilogue{Ceiling: s.ceiling}).lower(dst)
	}
}

// depthwiseGradFilter computes dw: each worker sums over its rows of outputs.
func depthwiseGradFilter(p Parallel, c Conv, dw, x, dy []float32) {
	rows, columns := c.forwardAxes()
	level := Active()
	// The outputs for which a tap, and three taps side by side, read within the image.
	inside := make([]stretch, c.KW)
	for kw := range inside {
		inside[kw] = columns.inside(kw)
	}
	sumParts(p, dw[:c.KH*c.KW*c.C], c.N*c.OH, c.OW, func(part []float32, from, to int) {
		for i := from; i < to; i++ {
			image, row := i/c.OH, i%c.OH
			begin, end := rows.within(row)
			for kh := begin; kh < end; {
				high := 1
				if end-kh >= 3 {
					high = 3
				}
				y := image*c.H + row*c.StrideH - c.PadTop + kh*c.DilationH
				taps := func(kw, wide, first, last int) {
					if first >= last {
						return
					}
					t := depthwiseTaps{
						x:    unsafe.Pointer(&x[(y*c.W+first*c.StrideW-c.PadLeft+kw*c.DilationW)*c.C]),
						dy:   unsafe.Pointer(&dy[(i*c.OW+first)*c.C]),
						dw:   unsafe.Pointer(&part[(kh*c.KW+kw)*c.C]),
						xRow: 4 * c.DilationH * c.W * c.C, xColumn: 4 * c.DilationW * c.C, positions: last - first,
						xStep: 4 * c.StrideW * c.C, dyStep: 4 * c.C, wRow: 4 * c.KW * c.C, wColumn: 4 * c.C,
						channels: 4 * c.C, rows: high, columns: wide,
					}
					t.run(level)
				}
				for kw := 0; kw < c.KW; {
					if kw+3 > c.KW {
						taps(kw, 1, inside[kw].from, inside[kw].to)
						kw++
						continue
					}
					first, last := max(inside[kw].from, inside[kw+1].from, inside[kw+2].from), min(inside[kw].to, inside[kw+1].to, inside[kw+2].to)
					last = max(last, first)
					taps(kw, 3, first, last)
					for j := kw; j < kw+3; j++ {
						taps(j, 1, inside[j].from, min(inside[j].to, first))
						taps(j, 1, max(inside[j].from, last), inside[j].to)
					}
					kw += 3
				}
				kh += high
			}
		}
	})
}

// inside are the outputs whose tap reads within the input.
func (a *axis) inside(tap int) stretch {
	var s stretch
	for i := range a.outputs {
		if uint(i*a.stride+a.offset+tap*a.reach) < uint(a.inputs) {
			if s.to == 0 {
				s.from = i
			}
			s.to = i + 1
		}
	}
	return s
}

// depthwiseTaps are the gradients of rows x columns taps, each 1 or 3, to which a stretch of outputs in a row
// is added. All strides are in bytes. The assembly knows the offsets of the fields.
type depthwiseTaps struct {
	x, dy, dw     unsafe.Pointer
	xRow, xColumn int // between the inputs of taps
	positions     int // one at least
	xStep, dyStep int // between outputs
	wRow, wColumn int // between taps
	channels      int // bytes
	rows, columns int
}

// from is t without the channels before so many bytes.
func (t *depthwiseTaps) from(bytes int) depthwiseTaps {
	rest := *t
	rest.channels -= bytes
	rest.x, rest.dy, rest.dw = unsafe.Add(t.x, bytes), unsafe.Add(t.dy, bytes), unsafe.Add(t.dw, bytes)
	return rest
}

func (t *depthwiseTaps) portable() {
	for i := range t.positions {
		grad := floats(t.dy, i*t.dyStep, t.channels)
		for r := range t.rows {
			for c := range t.columns {
				multiplyAdd(floats(t.dw, r*t.wRow+c*t.wColumn, t.channels), grad, floats(t.x, i*t.xStep+r*t.xRow+c*t.xColumn, t.channels))
			}
		}
	}
}
