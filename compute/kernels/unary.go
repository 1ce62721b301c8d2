package kernels

import "math"

// Transcendental functions, element by element: a is at least as long as dst, and may be dst. Erf and Tanh
// are rational approximations, within 3e-7; the exponential is within 1e-7 of itself.

// erfTable has the limits beyond which the function is ±1, and the polynomials of its quotient: Eigen's
// (https://gitlab.com/libeigen/eigen, generic_fast_erf_float).
var erfTable = [14]float32{
	-4, 4,
	-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05, -7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02,
	-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03, -1.42647390514189e-02,
}

// tanhTable is the same for Tanh (generic_fast_tanh_float).
var tanhTable = [14]float32{
	-7.90531110763549805, 7.90531110763549805,
	-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08, 1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03,
	1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03,
}

// Erf sets dst[i] to the error function of a[i].
func Erf(dst, a []float32) {
	if erfFast(dst, a) {
		return
	}
	for i, v := range a[:len(dst)] {
		dst[i] = quotient(v, &erfTable, 5)
	}
}

// Tanh sets dst[i] to the hyperbolic tangent of a[i].
func Tanh(dst, a []float32) {
	if tanhFast(dst, a) {
		return
	}
	for i, v := range a[:len(dst)] {
		dst[i] = quotient(v, &tanhTable, 4)
	}
}

// quotient is x·P(x²)/Q(x²), where Q has so many coefficients.
func quotient(x32 float32, table *[14]float32, terms int) float32 {
	x := float64(min(max(x32, table[0]), table[1]))
	square := x * x
	p, q := float64(table[2]), float64(table[9])
	for _, c := range table[3:9] {
		p = p*square + float64(c)
	}
	for _, c := range table[10 : 9+terms] {
		q = q*square + float64(c)
	}
	return float32(x * p / q)
}

// Exp sets dst[i] to e to the power of a[i].
func Exp(dst, a []float32) {
	if expFast(dst, a) {
		return
	}
	for i, v := range a[:len(dst)] {
		dst[i] = float32(math.Exp(float64(v)))
	}
}

// Logistic sets dst[i] to 1 / (1 + e to the power of -a[i]).
func Logistic(dst, a []float32) {
	if logisticFast(dst, a) {
		return
	}
	for i, v := range a[:len(dst)] {
		dst[i] = float32(1 / (1 + math.Exp(-float64(v))))
	}
}
