package kernels

import (
	"math"
	"unsafe"
)

// The transforms of winogradTransforms in plain Go. The six points of interpolation are 0, ±1/√2, ±√2 and
// infinity: beside the usual ±1 and ±2 they halve the mean error, and divide the largest by four.
const (
	winogradNear = 1 / math.Sqrt2
	winogradFar  = math.Sqrt2
)

var portableWinograd = winogradTransforms{filter: winogradFilterPortable, input: winogradInputPortable, output: winogradOutputPortable, spread: winogradSpreadPortable, gather: winogradGatherPortable}

func floatAt(p unsafe.Pointer, offset int) *float32 { return (*float32)(unsafe.Add(p, offset)) }

func winogradFilterPortable(dst, src unsafe.Pointer, n, tap, point int) {
	for i := range n {
		var half [winogradIn][3]float32
		for j := range 3 {
			column := filterPoints(*floatAt(src, j*tap+4*i), *floatAt(src, (3+j)*tap+4*i), *floatAt(src, (6+j)*tap+4*i))
			for k, v := range column {
				half[k][j] = v
			}
		}
		for k, row := range half {
			for l, v := range filterPoints(row[0], row[1], row[2]) {
				*floatAt(dst, (k*winogradIn+l)*point+4*i) = v
			}
		}
	}
}

func filterPoints(a, b, c float32) [winogradIn]float32 {
	near, far := a+c/2, a+2*c
	return [winogradIn]float32{
		a,
		(near + b*winogradNear) * (-2. / 3), (near - b*winogradNear) * (-2. / 3),
		(far + b*winogradFar) * (1. / 6), (far - b*winogradFar) * (1. / 6),
		c,
	}
}

func winogradInputPortable(dst, src, _ unsafe.Pointer, n, row, column, point int) {
	for i := range n {
		var half [winogradIn][winogradIn]float32
		for j := range winogradIn {
			var d [winogradIn]float32
			for k := range d {
				d[k] = *floatAt(src, k*row+j*column+4*i)
			}
			for k, v := range inputPoints(&d) {
				half[k][j] = v
			}
		}
		for k := range half {
			for l, v := range inputPoints(&half[k]) {
				*floatAt(dst, (k*winogradIn+l)*point+4*i) = v
			}
		}
	}
}

func inputPoints(d *[winogradIn]float32) [winogradIn]float32 {
	a, b := d[4]-2*d[2], (d[3]-2*d[1])*winogradNear
	e, f := d[4]-d[2]/2, (d[3]-d[1]/2)*winogradFar
	return [winogradIn]float32{d[0] - 2.5*d[2] + d[4], a + b, a - b, e + f, e - f, d[1] - 2.5*d[3] + d[5]}
}

func winogradOutputPortable(dst, src, bias, residual, _ unsafe.Pointer, n, row, column, point int, relu bool) {
	for i := range n {
		var half [winogradOut][winogradIn]float32
		for j := range winogradIn {
			var m [winogradIn]float32
			for k := range m {
				m[k] = *floatAt(src, (k*winogradIn+j)*point+4*i)
			}
			for k, v := range outputValues(&m) {
				half[k][j] = v
			}
		}
		for k := range half {
			for l, v := range outputValues(&half[k]) {
				at := k*row + l*column + 4*i
				if bias != nil {
					v += *floatAt(bias, 4*i)
				}
				if residual != nil {
					v += *floatAt(residual, at)
				}
				if relu {
					v = max(v, 0)
				}
				*floatAt(dst, at) = v
			}
		}
	}
}

func outputValues(m *[winogradIn]float32) [winogradOut]float32 {
	s, d := m[1]+m[2], (m[1]-m[2])*winogradNear
	p, q := m[3]+m[4], (m[3]-m[4])*winogradFar
	return [winogradOut]float32{m[0] + s + p, d + q, s/2 + 2*p, d/2 + 2*q + m[5]}
}

func winogradSpreadPortable(dst, src, _ unsafe.Pointer, n, row, column, point int) {
	for i := range n {
		var half [winogradIn][winogradOut]float32
		for j := range winogradOut {
			var e [winogradOut]float32
			for k := range e {
				e[k] = *floatAt(src, k*row+j*column+4*i)
			}
			for k, v := range spreadPoints(&e) {
				half[k][j] = v
			}
		}
		for k := range half {
			for l, v := range spreadPoints(&half[k]) {
				*floatAt(dst, (k*winogradIn+l)*point+4*i) = v
			}
		}
	}
}

// spreadPoints is the transpose of outputValues.
func spreadPoints(e *[winogradOut]float32) [winogradIn]float32 {
	a, b := e[0]+e[2]/2, (e[1]+e[3]/2)*winogradNear
	c, d := e[0]+2*e[2], (e[1]+2*e[3])*winogradFar
	return [winogradIn]float32{e[0], a + b, a - b, c + d, c - d, e[3]}
}

func winogradGatherPortable(dst, src, _ unsafe.Pointer, n, tap, point int) {
	for i := range n {
		var half [3][winogradIn]float32
		for j := range winogradIn {
			var u [winogradIn]float32
			for k := range u {
				u[k] = *floatAt(src, (k*winogradIn+j)*point+4*i)
			}
			for k, v := range tapsOf(&u) {
				half[k][j] = v
			}
		}
		for k := range half {
			for l, v := range tapsOf(&half[k]) {
				*floatAt(dst, (3*k+l)*tap+4*i) = v
			}
		}
	}
}

// tapsOf is the transpose of filterPoints.
func tapsOf(u *[winogradIn]float32) [3]float32 {
	s, d := (u[1]+u[2])*(-2./3), (u[1]-u[2])*(-2./3)
	p, q := (u[3]+u[4])*(1./6), (u[3]-u[4])*(1./6)
	return [3]float32{u[0] + s + p, d*winogradNear + q*winogradFar, u[5] + s/2 + 2*p}
}
