package embedded

import (
	"errors"
	"fmt"
	"sort"
)

// A table file holds n byte strings: their bytes one after another, zeros up to a multiple of 8, then
// n+1 offsets of 64 bits into the bytes. n is in the manifest.

// table is a table file in memory.
type table struct {
	data    []byte
	offsets []uint64
}

func (t table) len() int        { return len(t.offsets) - 1 }
func (t table) at(i int) []byte { return t.data[t.offsets[i]:t.offsets[i+1]] }

// find returns where the text is in a table whose texts are in order; false if it is not there.
func (t table) find(text string) (int, bool) {
	return sort.Find(t.len(), func(i int) int {
		at := string(t.at(i))
		switch {
		case text < at:
			return -1
		case text > at:
			return 1
		}
		return 0
	})
}

// parseTable checks everything that at relies on.
func parseTable(file []byte, n int) (table, error) {
	if n < 0 || len(file)%8 != 0 || len(file)/8 < n+1 {
		return table{}, fmt.Errorf("%d bytes cannot be a table of %d", len(file), n)
	}
	start := len(file) - 8*(n+1)
	offsets, err := numbers[uint64](file[start:])
	if err != nil {
		return table{}, err
	}
	end := offsets[n]
	if offsets[0] != 0 || end > uint64(start) || uint64(start)-end >= 8 {
		return table{}, errors.New("the table's offsets do not fit its bytes")
	}
	for i := range n {
		if offsets[i] > offsets[i+1] {
			return table{}, fmt.Errorf("the table's offset %d is above the next", i)
		}
	}
	return table{file[:end], offsets}, nil
}

// tableWriter writes a table file.
type tableWriter struct {
	file    *fileWriter
	offsets []uint64
}

func newTableWriter(file *fileWriter) *tableWriter {
	return &tableWriter{file, []uint64{0}}
}

func (w *tableWriter) add(value []byte) error {
	w.offsets = append(w.offsets, w.offsets[len(w.offsets)-1]+uint64(len(value)))
	_, err := w.file.Write(value)
	return err
}

// finish writes the offsets and makes the file durable.
func (w *tableWriter) finish() error {
	var zeros [8]byte
	padding := -w.offsets[len(w.offsets)-1] & 7
	if _, err := w.file.Write(zeros[:padding]); err != nil {
		return err
	}
	if _, err := w.file.Write(appendNumbers(nil, w.offsets)); err != nil {
		return err
	}
	return w.file.finish()
}
