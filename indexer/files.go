package indexer

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/storage"
)

// writeFile writes a file so that it is whole or not there at all, and durable on return.
func writeFile(path string, data []byte) error {
	if err := placeFile(path, data, true); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// placeFile writes a file so that it is whole or not there at all. Whether it outlasts a machine that stops
// is left to the system, unless it is synced.
func placeFile(path string, data []byte, sync bool) error {
	return placeStream(path, bytes.NewReader(data), sync)
}

// placeStream is placeFile for what need not fit into memory.
func placeStream(path string, data io.Reader, sync bool) error {
	f, err := storage.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*", 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, data)
	if err == nil && sync {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// syncFolder makes the names in a folder durable. Windows has no such thing, and needs none.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// removeEmpty removes a folder unless something is in it.
func removeEmpty(folder string) error {
	inside, err := os.ReadDir(folder)
	if err != nil || len(inside) > 0 {
		return err
	}
	return os.Remove(folder)
}

// openParquet opens a run's Parquet file; the caller closes the file.
func openParquet(path string) (*os.File, *catalog.Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil {
		var reader *catalog.Reader
		if reader, err = catalog.Read(f, info.Size()); err == nil {
			return f, reader, nil
		}
	}
	f.Close()
	return nil, nil, err
}
