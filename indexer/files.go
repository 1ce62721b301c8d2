package indexer

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/storage"
)

// writeFile writes a file so that it is whole or as it was, and durable on return.
func writeFile(path string, data []byte) error { return placeFile(path, bytes.NewReader(data), true) }

// placeFile is storage.PlaceFile under a name that tidy knows.
func placeFile(path string, data io.Reader, durable bool) error {
	return storage.PlaceFile(path, "."+filepath.Base(path)+".*", data, durable)
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
