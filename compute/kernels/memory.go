package kernels

import "sync"

// memory is a buffer that is used again.
type memory struct{ data []float32 }

type memoryPool struct{ pool sync.Pool }

func newMemory() *memoryPool {
	return &memoryPool{sync.Pool{New: func() any { return new(memory) }}}
}

func (m *memoryPool) take() *memory    { return m.pool.Get().(*memory) }
func (m *memoryPool) give(one *memory) { m.pool.Put(one) }

// zeros returns n zeros in the memory.
func (m *memory) zeros(n int) []float32 {
	s := grown(&m.data, n)
	clear(s)
	return s
}
