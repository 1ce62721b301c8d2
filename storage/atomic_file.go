package storage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// CreateTemp makes a new file in a folder, as os.CreateTemp does by a pattern, with a mode less the umask: os.CreateTemp
// makes files for their owner alone, and to change that afterwards gives them to people whom the umask keeps out. The
// number in the name is a decimal one as well, by which those who sweep know what a kill has left.
func CreateTemp(dir, pattern string, mode fs.FileMode) (*os.File, error) {
	before, behind, _ := strings.Cut(pattern, "*")
	for {
		name := filepath.Join(dir, fmt.Sprintf("%s%d%s", before, rand.Uint64(), behind))
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// PlaceFile writes a file so that it is whole, or as it was. Until it is whole it lies beside its place, under a name of the
// pattern, as CreateTemp takes it. A durable one outlasts a machine that stops, from the return on.
func PlaceFile(path, pattern string, data io.Reader, durable bool) error {
	f, err := CreateTemp(filepath.Dir(path), pattern, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, data)
	if err == nil && durable {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	if !durable {
		return nil
	}
	return SyncFolder(filepath.Dir(path))
}

// SyncFolder makes a rename in a folder durable. Windows has no such call and needs none.
func SyncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrPermission) {
		return nil // it may be written to and not be read
	}
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
