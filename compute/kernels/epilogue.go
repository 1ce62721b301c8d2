package kernels

// Epilogue is what is done to the output of a product while it is in the cache: bias, residual, ReLU,
// ceiling, in this order.
type Epilogue struct {
	Bias     []float32 // one for each output channel; nil for none
	Residual []float32 // of the output's shape; nil for none
	ReLU     bool
	Ceiling  float32 // where it is not 0, what the output is at most
}

func (e *Epilogue) empty() bool {
	return e.Bias == nil && e.Residual == nil && !e.ReLU && e.Ceiling == 0
}

// apply finishes rows [from, to) of the output, each of n channels, in the columns [begin, end).
func (e *Epilogue) apply(dst []float32, from, to, n, begin, end int, level Level) {
	if e.empty() {
		return
	}
	var bias []float32
	if e.Bias != nil {
		bias = e.Bias[begin:end]
	}
	for r := from; r < to; r++ {
		var residual []float32
		if e.Residual != nil {
			residual = e.Residual[r*n+begin : r*n+end]
		}
		row := dst[r*n+begin : r*n+end]
		finishRows(row, bias, residual, e.ReLU, level)
		e.lower(row)
	}
}

// lower keeps outputs that are finished otherwise below the ceiling.
func (e *Epilogue) lower(row []float32) {
	if e.Ceiling != 0 {
		atMost(row, row, e.Ceiling)
	}
}

func finishPortable(dst, bias, residual []float32, relu bool) {
	if bias != nil {
		for i := range dst {
			dst[i] += bias[i]
		}
	}
	if residual != nil {
		for i := range dst {
			dst[i] += residual[i]
		}
	}
	if relu {
		for i, v := range dst {
			dst[i] = max(v, 0)
		}
	}
}
