package onnx

import (
	"runtime/debug"
	"slices"
	"testing"
)

func FuzzRead(f *testing.F) {
	for _, name := range []string{"opset9", "operators"} {
		file, _ := readGolden(f, name)
		f.Add(file)
	}
	f.Add(small(f, []int{-1, 3, -1, -1}, alexNet))
	for _, file := range hostileFiles(f) {
		f.Add(file)
	}
	backend := testBackend(f)
	limit := debug.SetMemoryLimit(1 << 30) // for what a file asks for
	f.Cleanup(func() { debug.SetMemoryLimit(limit) })
	f.Fuzz(func(t *testing.T, data []byte) {
		n, weights, err := Read(backend, data, nil, plain)
		if err != nil {
			return
		}
		for name, w := range weights {
			if !slices.Equal(n.Weights[name], w.Shape) || len(newTensor(w.Shape).Data) != len(w.Data) {
				t.Fatalf("%s: shape %v, %v in the configuration, %d numbers", name, w.Shape, n.Weights[name], len(w.Data))
			}
		}
		if n.Stride < 2 || n.Channels < 0 {
			t.Fatalf("a stride of %d, %d channels", n.Stride, n.Channels)
		}
	})
}
