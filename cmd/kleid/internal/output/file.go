// Package output writes the files that commands are asked for: whole, or not at all.
package output

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/storage"
)

// File is a file that a command writes: whole or, unless it is kept, as it was. It is made before the work, so that
// a place that cannot be written to is known before there is something to lose.
type File struct {
	*os.File
	path string // where it goes when it is kept; "" of what is written in place, such as a device or a pipe
}

// Create makes the file that a flag names, and the folder that it is in. inputs are locations that are read, which it
// must not be. Close it in any case.
func Create(c *cli.Context, flag string, inputs ...string) (*File, error) {
	if err := flags.OnDisk(c, flag); err != nil {
		return nil, err
	}
	path := c.String(flag)
	for _, input := range inputs {
		if SameFile(input, path) {
			return nil, exit.WrongUsage(c, "--%s is %s, which is read: name another file", flag, path)
		}
	}
	f, err := New(path)
	if err != nil {
		return nil, fmt.Errorf("--%s cannot be written: %w", flag, err)
	}
	return f, nil
}

// SameFile says whether two locations are one file of this machine, by whatever names.
func SameFile(a, b string) bool {
	stat := func(location string) fs.FileInfo {
		path, ok := storage.LocalPath(location)
		if !ok {
			return nil
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil
		}
		return info
	}
	first, second := stat(a), stat(b)
	return first != nil && second != nil && first.Mode().IsRegular() && os.SameFile(first, second)
}

// New makes the file at a path, and the folder that it is in. Close it in any case.
func New(path string) (*File, error) {
	if path == "" || os.IsPathSeparator(path[len(path)-1]) {
		return nil, &fs.PathError{Op: "write", Path: path, Err: errors.New("it has no file name")}
	}
	mode, exists := fs.FileMode(0o666), false // less the umask
	target, isName, err := followLinks(path)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil {
		switch {
		case info.IsDir():
			return nil, &fs.PathError{Op: "write", Path: path, Err: errors.New("it is a folder")}
		case !isName || !info.Mode().IsRegular():
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				return nil, err
			}
			return &File{f, ""}, nil
		}
		mode, exists = info.Mode().Perm(), true
	}
	dir, name := filepath.Split(target)
	// To clean or join paths takes ".." for the way back, which behind a link it is not.
	if real, err := filepath.EvalSymlinks(dir); err == nil && dir != "" {
		dir = real
	}
	dir = filepath.Clean(dir)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	f, err := storage.CreateTemp(dir, ".put-*.tmp", mode) // which a bucket does not list
	if err != nil {
		return nil, err
	}
	o := &File{f, filepath.Join(dir, name)}
	if exists {
		if err := f.Chmod(mode); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			o.Close()
			return nil, err
		}
	}
	return o, nil
}

// followLinks returns what a link stands for, whether or not that is there. isName is false of links to open files, such as
// /dev/stdout: what they stand for is no name that another file could take.
func followLinks(path string) (target string, isName bool, err error) {
	const most = 40 // as on Linux
	for range most {
		target, err := os.Readlink(path)
		switch {
		case err != nil: // it is no link
			return path, true, nil
		case strings.HasPrefix(path, "/proc/"), strings.HasPrefix(path, "/dev/fd/"):
			return path, false, nil
		case !filepath.IsAbs(target):
			dir, _ := filepath.Split(path)
			target = dir + target
		}
		path = target
	}
	return "", false, &fs.PathError{Op: "write", Path: path, Err: errors.New("too many links")}
}

// Keep makes the file durable and gives it its name.
func (o *File) Keep() error {
	if o.path == "" {
		return o.File.Close()
	}
	if err := o.Sync(); err != nil {
		return err
	}
	if err := o.File.Close(); err != nil {
		return err
	}
	if err := os.Rename(o.Name(), o.path); err != nil {
		written := o.Name()
		o.path = "" // what was worked for stays
		return fmt.Errorf("it was written as %s, which cannot take the other's place: %w", written, err)
	}
	return storage.SyncFolder(filepath.Dir(o.path))
}

// Close gives the file up, unless it was kept.
func (o *File) Close() {
	o.File.Close() // a second time is harmless
	if o.path != "" {
		os.Remove(o.Name()) // after keep there is nothing to remove
	}
}
