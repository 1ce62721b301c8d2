package embedded

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"os"
	"path/filepath"

	"github.com/kleid-search/kleid/storage"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// fileWriter writes a new file, counts its bytes and sums them up.
type fileWriter struct {
	file   *os.File
	buffer *bufio.Writer
	sum    hash.Hash32
	bytes  int64
}

func createFile(path string) (*fileWriter, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &fileWriter{file: f, buffer: bufio.NewWriterSize(f, 1<<20), sum: crc32.New(castagnoli)}, nil
}

func (w *fileWriter) Write(data []byte) (int, error) {
	n, err := w.buffer.Write(data)
	w.sum.Write(data[:n])
	w.bytes += int64(n)
	return n, err
}

// finish makes the file durable and closes it.
func (w *fileWriter) finish() error {
	return errors.Join(w.buffer.Flush(), w.file.Sync(), w.file.Close())
}

// describe is the file's entry in the manifest.
func (w *fileWriter) describe() fileEntry {
	return fileEntry{Bytes: w.bytes, CRC32C: checksumText(w.sum.Sum32())}
}

func checksumText(sum uint32) string { return fmt.Sprintf("%08x", sum) }

// placeFile puts a file in place, whole and durable, or leaves what was there.
func placeFile(path string, data []byte) error {
	return storage.PlaceFile(path, filepath.Base(path)+".*"+temporarySuffix, bytes.NewReader(data), true)
}
