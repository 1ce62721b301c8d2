package kernels

import "unsafe"

// PoolGrad adds the gradients of one output of a max pool, or of a min pool if least, to where its window
// has its largest, or least, element, the first of several, or the first NaN: for each channel, dx at that
// position grows by dy. x and dx begin at the window's first position within the image; of the window,
// rows x columns positions lie within; rows of the image are pitch floats apart, columns len(dy).
func PoolGrad(dx, x, dy []float32, rows, columns, pitch int, least bool) {
	n := len(dy)
	if n == 0 || rows == 0 || columns == 0 {
		return
	}
	last := (rows-1)*pitch + columns*n
	x, dx = x[:last], dx[:last]
	if poolGradFast(dx, x, dy, rows, columns, pitch, least) {
		return
	}
	for c, g := range dy {
		best, where := x[c], c
		for r := range rows {
			for i := range columns {
				at := r*pitch + i*n + c
				if v := x[at]; v > best && !least || v < best && least || v != v && best == best {
					best, where = v, at
				}
			}
		}
		dx[where] += g
	}
}

// poolGradWork is what poolGrad512 has to do; strides are in bytes.
type poolGradWork struct {
	dx, x, dy                      unsafe.Pointer
	n, rows, columns, pitch, pixel int
}
