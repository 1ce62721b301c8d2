package compute

import (
	"math"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	"github.com/gomlx/gomlx/pkg/core/dtypes/bfloat16"
	"github.com/x448/float16"

	"github.com/kleid-search/kleid/compute/kernels"
)

func convertKernel(n *node) kernel {
	from, to := n.inputs[0].dtype(), n.out().dtype()
	return func(c *call) { convertShared(c, c.out[0], to, c.in[0], from) }
}

// convertShared is convert on all workers.
func convertShared(c *call, dst []byte, to dtypes.DType, src []byte, from dtypes.DType) {
	inChunks(c, len(dst)/to.Size(), parallelSize, func(i, j int) {
		convert(dst[i*to.Size():j*to.Size()], to, src[i*from.Size():j*from.Size()], from)
	})
}

// convert writes the values of src as another type. Floats are cut towards zero when they become
// integers; anything but zero (and NaN) becomes true.
func convert(dst []byte, to dtypes.DType, src []byte, from dtypes.DType) {
	switch {
	case from == dtypes.Float32 && to == dtypes.BFloat16:
		kernels.RoundBF16(view[uint16](dst), view[float32](src))
		return
	case from == dtypes.BFloat16 && to == dtypes.Float32:
		kernels.WidenBF16(view[float32](dst), view[uint16](src))
		return
	}
	switch from {
	case dtypes.Bool:
		convertFrom(dst, to, view[uint8](src)) // a bool is a byte of 0 or 1
	case dtypes.Float32:
		convertFrom(dst, to, view[float32](src))
	case dtypes.Float64:
		convertFrom(dst, to, view[float64](src))
	case dtypes.Int8:
		convertFrom(dst, to, view[int8](src))
	case dtypes.Int16:
		convertFrom(dst, to, view[int16](src))
	case dtypes.Int32:
		convertFrom(dst, to, view[int32](src))
	case dtypes.Int64:
		convertFrom(dst, to, view[int64](src))
	case dtypes.Uint8:
		convertFrom(dst, to, view[uint8](src))
	case dtypes.Uint16:
		convertFrom(dst, to, view[uint16](src))
	case dtypes.Uint32:
		convertFrom(dst, to, view[uint32](src))
	case dtypes.Uint64:
		convertFrom(dst, to, view[uint64](src))
	case dtypes.Float16, dtypes.BFloat16:
		wide := make([]float32, min(len(src)/2, 1024))
		for at := 0; at < len(src)/2; at += len(wide) {
			block := wide[:min(len(wide), len(src)/2-at)]
			half := src[at*2:]
			if from == dtypes.Float16 {
				for i, v := range view[float16.Float16](half)[:len(block)] {
					block[i] = v.Float32()
				}
			} else {
				for i, v := range view[bfloat16.BFloat16](half)[:len(block)] {
					block[i] = v.Float32()
				}
			}
			convertFrom(dst[at*to.Size():(at+len(block))*to.Size()], to, block)
		}
	}
}

func convertFrom[F number](dst []byte, to dtypes.DType, src []F) {
	switch to {
	case dtypes.Bool:
		d := view[bool](dst)
		for i, v := range src {
			d[i] = v != 0
		}
	case dtypes.Float32:
		d := view[float32](dst)
		for i, v := range src {
			d[i] = float32(v)
		}
	case dtypes.Float64:
		d := view[float64](dst)
		for i, v := range src {
			d[i] = float64(v)
		}
	case dtypes.Int8:
		convertInteger[F, int8](dst, src)
	case dtypes.Int16:
		convertInteger[F, int16](dst, src)
	case dtypes.Int32:
		convertInteger[F, int32](dst, src)
	case dtypes.Int64:
		convertInteger[F, int64](dst, src)
	case dtypes.Uint8:
		convertInteger[F, uint8](dst, src)
	case dtypes.Uint16:
		convertInteger[F, uint16](dst, src)
	case dtypes.Uint32:
		convertInteger[F, uint32](dst, src)
	case dtypes.Uint64:
		d := view[uint64](dst)
		for i, v := range src {
			d[i] = uint64(v)
		}
	case dtypes.Float16, dtypes.BFloat16:
		// Of float32 all at once, of others block by block: each number takes one loop to float32, one from there.
		block, ok := any(src).([]float32)
		if !ok {
			block = make([]float32, min(len(src), 1024))
		}
		for at := 0; at < len(src); at += len(block) {
			block = block[:min(len(block), len(src)-at)]
			if !ok {
				widenToOdd(block, src[at:])
			}
			roundToHalf(dst[at*2:], to, block)
		}
	}
}

func roundToHalf(dst []byte, to dtypes.DType, src []float32) {
	if to == dtypes.BFloat16 {
		kernels.RoundBF16(view[uint16](dst)[:len(src)], src)
		return
	}
	d := view[float16.Float16](dst)[:len(src)]
	for i, v := range src {
		d[i] = float16.Fromfloat32(v)
	}
}

// convertInteger goes through int64: whole numbers that are out of range lose their upper bits. What becomes
// of a float that no int64 holds, or of NaN, is the CPU's choice, as in Go.
func convertInteger[F number, T integer](dst []byte, src []F) {
	d := view[T](dst)
	for i, v := range src {
		d[i] = T(int64(v))
	}
}

// widenToOdd sets dst to the first numbers of src as float32, rounded to odd: one that no float32 is becomes the one of
// its two neighbours whose last bit is set. Rounded to half precision from there it is what it would be at once;
// rounded to the nearest twice, it may be off by a step (https://doi.org/10.1109/TC.2007.70819).
func widenToOdd[F number](dst []float32, src []F) {
	const (
		inFloat64 = 1 << 53   // float64 holds all whole numbers up to here,
		tail      = 1<<11 - 1 // and beyond all without these bits
	)
	numbers := src[:len(dst)]
	switch src := any(numbers).(type) { // here, since it is slow for each number
	case []float64:
		for i, v := range src {
			dst[i] = roundToOdd(v)
		}
	case []int32:
		for i, v := range src {
			dst[i] = roundToOdd(float64(v))
		}
	case []uint32:
		for i, v := range src {
			dst[i] = roundToOdd(float64(v))
		}
	case []int64:
		for i, v := range src {
			if (v > inFloat64 || v < -inFloat64) && v&tail != 0 {
				v = v&^tail | (tail + 1)
			}
			dst[i] = roundToOdd(float64(v))
		}
	case []uint64:
		for i, v := range src {
			if v > inFloat64 && v&tail != 0 {
				v = v&^tail | (tail + 1)
			}
			dst[i] = roundToOdd(float64(v))
		}
	default:
		for i, v := range numbers {
			dst[i] = float32(v) // exact
		}
	}
}

func roundToOdd(v float64) float32 {
	f := float32(v)
	if float64(f) == v || v != v {
		return f
	}
	bits := math.Float32bits(f)
	if math.Abs(float64(f)) > math.Abs(v) {
		bits-- // towards zero
	}
	return math.Float32frombits(bits | 1)
}
