package embedded

import (
	"errors"
	"fmt"
	"path/filepath"
)

// matrixFiles are the names of an embedding's files.
type matrixFiles struct{ numbers, codes, scales string }

var (
	unsupervisedFiles = matrixFiles{unsupervisedFile, unsupervisedCodesFile, unsupervisedScalesFile}
	deepRankFiles     = matrixFiles{deepRankFile, deepRankCodesFile, deepRankScalesFile}
)

// parseMatrix reads an embedding, whose files may be without codes.
func parseMatrix(files map[string][]byte, names matrixFiles, size int) (m matrix, err error) {
	m.size = size
	if m.numbers, err = numbers[float32](files[names.numbers]); err != nil {
		return m, fmt.Errorf("%s: %w", names.numbers, err)
	}
	m.codes = codes{size: size, bytes: files[names.codes]}
	if m.codes.scales, err = numbers[float32](files[names.scales]); err != nil {
		return m, fmt.Errorf("%s: %w", names.scales, err)
	}
	return m, nil
}

// writeMatrix writes the vectors that were spooled, in order of their rows, and their codes.
func (w *writer) writeMatrix(m *manifest, names matrixFiles, from *spool, size int, order []int) (err error) {
	var files []*fileWriter
	create := func(name string) (*fileWriter, error) {
		file, err := createFile(filepath.Join(w.partial, name))
		if err == nil {
			files = append(files, file)
		}
		return file, err
	}
	defer func() {
		if err != nil {
			for _, file := range files {
				file.file.Close()
			}
		}
	}()
	vectors, err := create(names.numbers)
	if err != nil {
		return err
	}
	codes, err := create(names.codes)
	if err != nil {
		return err
	}
	scales, err := create(names.scales)
	if err != nil {
		return err
	}
	buffer, code, scale := make([]byte, 4*size), make([]uint8, size), make([]byte, 0, 8)
	for _, i := range order {
		if _, err := from.file.ReadAt(buffer, int64(i)*int64(len(buffer))); err != nil {
			return err
		}
		vector, err := numbers[float32](buffer)
		if err != nil {
			return err
		}
		step, distance := encode(code, vector)
		scale = appendNumbers(scale[:0], []float32{step, distance})
		for _, part := range []struct {
			file *fileWriter
			data []byte
		}{{vectors, buffer}, {codes, code}, {scales, scale}} {
			if _, err := part.file.Write(part.data); err != nil {
				return err
			}
		}
	}
	err = errors.Join(vectors.finish(), codes.finish(), scales.finish())
	m.Files[names.numbers], m.Files[names.codes], m.Files[names.scales] = vectors.describe(), codes.describe(), scales.describe()
	return err
}
