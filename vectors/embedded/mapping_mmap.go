//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package embedded

import (
	"fmt"
	"os"
	"syscall"
)

// mapFile maps a file for reading. The bytes stay valid when the file is unlinked, until unmap.
func mapFile(path string) (data []byte, unmap func() error, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if info.Size() == 0 {
		return nil, func() error { return nil }, nil
	}
	if int64(int(info.Size())) != info.Size() {
		return nil, nil, fmt.Errorf("%s: too large for this machine's address space", path)
	}
	data, err = syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, nil, fmt.Errorf("mapping %s: %w", path, err)
	}
	return data, func() error { return syscall.Munmap(data) }, nil
}
