package embedding

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
)

// maxBatch is how many photos a network computes at once. Batches have one of two sizes, one and
// maxBatch, since each size is a graph to compile; what is missing is padded with zeros.
const maxBatch = 8

// batch is the input of a network: pixels [size, height, width, 3].
type batch struct {
	size, height, width int
	pixels              []float32
}

func newBatch(photos, height, width int) batch {
	size := 1
	if photos > 1 {
		size = maxBatch
	}
	return batch{size, height, width, make([]float32, size*height*width*3)}
}

// fill calls f for each photo with its part of the pixels, on all cores.
func (b batch) fill(photos int, f func(i int, dst []float32)) {
	each := b.height * b.width * 3
	inParallel(photos, func(i int) { f(i, b.pixels[i*each:(i+1)*each]) })
}

func (b batch) tensor() *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(b.pixels, b.size, b.height, b.width, 3)
}

// run computes a network's outputs for a batch.
func run(exec *graph.Exec, b batch) ([][]float32, error) {
	outputs, err := exec.Exec(b.tensor())
	if err != nil {
		return nil, err
	}
	values := make([][]float32, len(outputs))
	for i, o := range outputs {
		if values[i], err = take(o); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// take copies a float32 tensor out of the backend and lets go of it.
func take(t *tensors.Tensor) ([]float32, error) {
	data, err := tensors.CopyFlatData[float32](t)
	if err != nil {
		return nil, err
	}
	return data, t.FinalizeAll()
}

func inParallel(n int, f func(i int)) {
	workers := min(n, runtime.GOMAXPROCS(0))
	if workers <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var next atomic.Int64
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wait.Wait()
}
