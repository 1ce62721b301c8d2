package models

import (
	"runtime/debug"
	"slices"
	"testing"
)

func FuzzImportONNX(f *testing.F) {
	for _, name := range []string{"opset9", "operators"} {
		file, _ := readONNXGolden(f, name)
		f.Add(file)
	}
	f.Add(smallONNX(f, []int{-1, 3, -1, -1}, alexNet))
	for _, file := range hostileONNX(f) {
		f.Add(file)
	}
	backend := testBackend(f)
	limit := debug.SetMemoryLimit(1 << 30) // for what a file asks for
	f.Cleanup(func() { debug.SetMemoryLimit(limit) })
	f.Fuzz(func(t *testing.T, data []byte) {
		c, weights, err := importONNX(backend, data, DefaultONNXOptions())
		if err != nil {
			return
		}
		for name, w := range weights {
			if !slices.Equal(c.Weights[name], w.Shape) || len(NewTensor(w.Shape...).Data) != len(w.Data) {
				t.Fatalf("%s: shape %v, %v in the configuration, %d numbers", name, w.Shape, c.Weights[name], len(w.Data))
			}
		}
		if c.Stride < 2 || c.Channels < 0 {
			t.Fatalf("a stride of %d, %d channels", c.Stride, c.Channels)
		}
	})
}
