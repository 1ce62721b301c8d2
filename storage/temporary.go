package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// CreateTemp makes a new file in a folder, as os.CreateTemp does by a pattern, with a mode less the umask: os.CreateTemp
// makes files for their owner alone, and to change that afterwards gives them to people whom the umask keeps out.
func CreateTemp(dir, pattern string, mode fs.FileMode) (*os.File, error) {
	before, behind, _ := strings.Cut(pattern, "*")
	for {
		name := filepath.Join(dir, fmt.Sprintf("%s%x%s", before, rand.Uint64(), behind))
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}
