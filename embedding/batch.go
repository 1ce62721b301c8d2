package embedding

import (
	"fmt"
	"math/bits"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
	"github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/shapes"
	"github.com/gomlx/gomlx/pkg/core/tensors"
)

// maxBatch is how many photos a network computes at once. The sizes of batches are the powers of two up to that, since each
// is a graph to compile; what is missing is padded with zeros. Of one photo, two patches are looked at at a time.
const maxBatch = 8

// batch is the input of a network: pixels [size, height, width, 3].
type batch struct {
	shape  batchShape
	tensor *tensors.Tensor
}

type batchShape struct{ size, height, width int }

// batches keeps the inputs of networks, to fill them again: they are megabytes, and lie where the backend
// reads them, if it shares memory with the program.
type batches struct {
	mu   sync.Mutex
	idle map[batchShape][]*tensors.Tensor
}

// take returns a batch for a number of photos. What is in it is any.
func (b *batches) take(photos, height, width int) batch {
	shape := batchShape{sizeFor(photos), height, width}
	b.mu.Lock()
	defer b.mu.Unlock()
	idle := b.idle[shape]
	if len(idle) == 0 {
		return batch{shape, tensors.FromShape(shapes.Make(dtypes.Float32, shape.size, height, width, 3))}
	}
	b.idle[shape] = idle[:len(idle)-1]
	return batch{shape, idle[len(idle)-1]}
}

// sizeFor is the size of the batch for a number of photos, at most maxBatch: the next power of two.
func sizeFor(photos int) int { return 1 << bits.Len(uint(photos-1)) }

// put takes a batch back that no network is at work on.
func (b *batches) put(used batch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.idle == nil {
		b.idle = make(map[batchShape][]*tensors.Tensor)
	}
	b.idle[used.shape] = append(b.idle[used.shape], used.tensor)
}

// fill calls f for each photo with its part of the pixels, on all cores. What is missing becomes zeros.
func (b batch) fill(photos int, f func(i int, dst []float32)) error {
	each := b.shape.height * b.shape.width * 3
	return tensors.MutableFlatData(b.tensor, func(pixels []float32) {
		inParallel(photos, func(i int) { f(i, pixels[i*each:(i+1)*each]) })
		clear(pixels[photos*each:])
	})
}

// run computes a network's outputs for a batch of each of its inputs.
func run(exec *graph.Exec, inputs ...batch) ([][]float32, error) {
	given := make([]any, len(inputs))
	for i, b := range inputs {
		given[i] = b.tensor
	}
	outputs, err := exec.Exec(given...)
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

// inParallel calls f for each of n, on all cores. When f panics, inParallel does, once all other calls have
// returned: on another goroutine a panic would end the program, and f decodes strangers' photos.
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
	var panicked atomic.Pointer[string] // the first panic, with its stack
	work := func() {
		defer func() {
			if cause := recover(); cause != nil {
				text := fmt.Sprintf("%v\n%s", cause, debug.Stack())
				panicked.CompareAndSwap(nil, &text)
			}
		}()
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			f(i)
		}
	}
	for range workers {
		wait.Go(work)
	}
	wait.Wait()
	if cause := panicked.Load(); cause != nil {
		panic(*cause)
	}
}
