// Package kernels is the arithmetic of convolutional networks on CPUs, in float32: matrix products and
// convolutions with their gradients, pools and element-wise chains, with AVX-512 and AVX2 assembly
// chosen at run time, NEON on arm64 for products, Winograd's transforms and the commonest loops, and
// portable Go elsewhere. For inference there are convolutions in int8 and bfloat16, too.
//
// Images are [batch, height, width, channels], filters [height, width, in/groups, out], matrices
// row-major, all without padding.
//
// A forward result is the same bit for bit whatever the batch, an image's place in it and the number
// of workers: every output element sums its products in one order, that of the filter's elements (but see
// PackConvBF16, whose products the CPU may sum in parts).
// The gradient of a filter sums over the batch, in an order that depends on the number of workers.
package kernels
