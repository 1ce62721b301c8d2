package compute

import (
	"crypto/sha256"
	"runtime"
	"sync"
	"weak"

	"github.com/gomlx/gomlx/pkg/core/dtypes"
)

// constant is the content of a constant tensor (its shape is the value's). It is shared by all
// the executables of a backend that have the same content, with whatever was prepared from it.
type constant struct {
	hash  [sha256.Size]byte
	dtype dtypes.DType
	data  []byte

	mu       sync.Mutex
	prepared map[any]any // packed forms, by the layer that they were packed for
}

// prepare returns what build makes of the constant, and makes it once for each key.
func (c *constant) prepare(key any, build func() any) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.prepared == nil {
		c.prepared = make(map[any]any)
	}
	made, ok := c.prepared[key]
	if !ok {
		made = build()
		c.prepared[key] = made
	}
	return made
}

// widened is a constant of half precision in float32.
func (c *constant) widened() *constant {
	return c.prepare(widenedConstant{}, func() any {
		wide := &constant{dtype: dtypes.Float32, data: newBlock(len(c.data) / c.dtype.Size() * dtypes.Float32.Size())}
		convert(wide.data, wide.dtype, c.data, c.dtype)
		return wide
	}).(*constant)
}

// widenedConstant is the key of a constant of half precision in float32.
type widenedConstant struct{}

// constantTable finds constants by their content. It holds them weakly: a constant lives as long
// as the executables that use it.
type constantTable struct {
	mu      sync.Mutex
	entries map[[sha256.Size]byte]weak.Pointer[constant]
}

func newConstantTable() *constantTable {
	return &constantTable{entries: make(map[[sha256.Size]byte]weak.Pointer[constant])}
}

// intern returns the constant with this content. The data is copied if it is new and not owned.
func (t *constantTable) intern(dtype dtypes.DType, data []byte, owned bool) *constant {
	h := sha256.New()
	h.Write([]byte{byte(dtype)})
	h.Write(data)
	var hash [sha256.Size]byte
	h.Sum(hash[:0])

	t.mu.Lock()
	defer t.mu.Unlock()
	if entry, ok := t.entries[hash]; ok {
		if c := entry.Value(); c != nil {
			return c
		}
	}
	if !owned {
		block := newBlock(len(data))
		copy(block, data)
		data = block
	}
	c := &constant{hash: hash, dtype: dtype, data: data}
	t.entries[hash] = weak.Make(c)
	runtime.AddCleanup(c, t.forget, hash)
	return c
}

// forget drops the entry of a constant that nobody uses any more.
func (t *constantTable) forget(hash [sha256.Size]byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if entry, ok := t.entries[hash]; ok && entry.Value() == nil {
		delete(t.entries, hash)
	}
}
