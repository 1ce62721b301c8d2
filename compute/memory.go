package compute

import (
	"math/bits"
	"runtime/debug"
	"sync"
	"unsafe"

	"github.com/gomlx/gomlx/pkg/core/shapes"
)

// mostMemory is more than any machine has.
const mostMemory = 1 << 44

var ofMachine = sync.OnceValue(machineMemory)

// fits is whether a tensor of the shape alone takes no more than Go's memory limit, and than the machine has: what is asked
// for beyond ends the process, and a graph from a file may ask for anything.
func fits(shape shapes.Shape) bool {
	size, most := int64(shape.DType.Size()), min(debug.SetMemoryLimit(-1), ofMachine())
	for _, d := range shape.Dimensions {
		if d < 0 || d > 0 && size > most/int64(d) {
			return false
		}
		size *= int64(d)
	}
	return true
}

// alignment of every tensor in memory: a cache line, and the widest vector register.
const alignment = 64

// alignUp rounds a size up to the alignment.
func alignUp(size int) int { return (size + alignment - 1) &^ (alignment - 1) }

// newBlock allocates aligned memory of at least one byte, so that a tensor without elements
// is not taken for a finalized one. The memory is zero.
func newBlock(size int) []byte {
	raw := make([]byte, max(size, 1)+alignment)
	shift := int(-uintptr(unsafe.Pointer(unsafe.SliceData(raw))) & (alignment - 1))
	return raw[shift : shift+size : shift+max(size, 1)]
}

// memoryPool keeps the memory of finalized buffers for the next ones, in classes of sizes (four
// for each power of two). What lies unused over two garbage collections is freed.
type memoryPool struct {
	classes [256]sync.Pool
}

func newMemoryPool() *memoryPool { return &memoryPool{} }

// sizeClass is the smallest class that holds the size, and the bytes of its blocks.
func sizeClass(size int) (class, capacity int) {
	if size <= alignment {
		return 0, alignment
	}
	log := bits.Len(uint(size-1)) - 1 // 2^log < size <= 2^(log+1)
	quarter := 1 << (log - 2)
	steps := (size - 1<<log + quarter - 1) / quarter
	return log*4 + steps, 1<<log + steps*quarter
}

// get returns memory of the size with undefined content.
func (m *memoryPool) get(size int) []byte {
	class, capacity := sizeClass(size)
	if block, ok := m.classes[class].Get().(*byte); ok {
		return unsafe.Slice(block, capacity)[:size]
	}
	return newBlock(capacity)[:size]
}

// put takes memory back that get gave out.
func (m *memoryPool) put(data []byte) {
	class, capacity := sizeClass(len(data))
	if cap(data) < capacity {
		return
	}
	m.classes[class].Put(unsafe.SliceData(data))
}

// arenaPool keeps the arenas of finished executions for the next ones. There are never more arenas
// than there were executions at once, and each is as large as the largest plan that used it.
type arenaPool struct {
	mu   sync.Mutex
	free [][]byte
}

// get returns an arena of at least the size with undefined content.
func (a *arenaPool) get(size int) []byte {
	a.mu.Lock()
	best := -1
	for i, block := range a.free {
		switch {
		case best < 0:
			best = i
		case cap(block) >= size && (cap(a.free[best]) < size || cap(block) < cap(a.free[best])):
			best = i // the smallest that fits
		case cap(block) < size && cap(a.free[best]) < cap(block):
			best = i
		}
	}
	var block []byte
	if best >= 0 {
		block = a.free[best]
		a.free[best] = a.free[len(a.free)-1]
		a.free = a.free[:len(a.free)-1]
	}
	a.mu.Unlock()
	if cap(block) < size {
		block = newBlock(size)
	}
	return block[:cap(block)]
}

func (a *arenaPool) put(block []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.free = append(a.free, block)
}

func (a *arenaPool) clear() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.free = nil
}
