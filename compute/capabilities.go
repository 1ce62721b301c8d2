package compute

import (
	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/dtypes"
)

// unsupportedOps are the operations of GoMLX that the backend does not have: complex numbers, and
// more than one device.
var unsupportedOps = map[backends.OpType]bool{
	backends.OpTypeInvalid:             true,
	backends.OpTypeComplex:             true,
	backends.OpTypeConj:                true,
	backends.OpTypeReal:                true,
	backends.OpTypeImag:                true,
	backends.OpTypeFFT:                 true,
	backends.OpTypeBroadcast:           true, // listed by GoMLX, but no builder has it
	backends.OpTypeSelectAndScatterSum: true, // nor this one
	backends.OpTypeAllReduce:           true,
	backends.OpTypeCollectiveBroadcast: true,
	backends.OpTypeAllGather:           true,
}

// Capabilities are the operations and data types that the backend supports.
func Capabilities() backends.Capabilities {
	c := backends.Capabilities{Operations: make(map[backends.OpType]bool), DTypes: make(map[dtypes.DType]bool)}
	for op := backends.OpTypeInvalid + 1; op < backends.OpTypeLast; op++ {
		if !unsupportedOps[op] {
			c.Operations[op] = true
		}
	}
	for _, dtype := range dtypes.DTypeValues() {
		if supportedDType(dtype) {
			c.DTypes[dtype] = true
		}
	}
	return c
}
