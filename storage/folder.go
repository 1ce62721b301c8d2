package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// folder is a Bucket of files.
type folder struct{ root string }

func newFolder(root string) *folder { return &folder{filepath.Clean(root)} }

func (f *folder) String() string { return f.root }

// Files that Put has begun and not finished. A crash may leave them; List does not show them.
const (
	temporaryPrefix = ".put-"
	temporarySuffix = ".tmp"
)

func isTemporary(name string) bool {
	return strings.HasPrefix(name, temporaryPrefix) && strings.HasSuffix(name, temporarySuffix)
}

func (f *folder) path(op, key string) (string, error) {
	if err := checkKey(op, key); err != nil {
		return "", err
	}
	local, err := filepath.Localize(key)
	if err != nil {
		return "", fmt.Errorf("storage: %s: the key %q is no file name here: %w", op, key, err)
	}
	return filepath.Join(f.root, local), nil
}

func (f *folder) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	name, err := f.path("get", key)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return openRegular(name)
}

// openRegular opens a file, following links. It never opens what could block forever: a named pipe or
// a device. A folder is no blob.
func openRegular(name string) (*os.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if err := checkRegular(name, info); err != nil {
		return nil, err
	}
	return os.Open(name)
}

// errFolder says that a folder is no blob: where one is looked for there is none.
var errFolder error = folderError{}

type folderError struct{}

func (folderError) Error() string        { return "a folder, not a file" }
func (folderError) Is(target error) bool { return target == fs.ErrNotExist }

func checkRegular(name string, info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return &fs.PathError{Op: "open", Path: name, Err: errFolder}
	case !info.Mode().IsRegular():
		return &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file: a pipe, socket or device is not read")}
	}
	return nil
}

func (f *folder) Stat(ctx context.Context, key string) (Info, error) {
	name, err := f.path("stat", key)
	if err != nil {
		return Info{}, err
	}
	if err := ctx.Err(); err != nil {
		return Info{}, err
	}
	info, err := os.Stat(name)
	if err == nil {
		err = checkRegular(name, info)
	}
	if err != nil {
		return Info{}, err
	}
	return Info{Key: key, Size: info.Size(), ModTime: info.ModTime().UTC()}, nil
}

// Put writes a temporary file beside the target, makes it durable and renames it.
func (f *folder) Put(ctx context.Context, key string, r io.Reader) error {
	name, err := f.path("put", key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := PlaceFile(name, temporaryPrefix+"*"+temporarySuffix, &contextReader{ctx, r}, true); err != nil {
		return fmt.Errorf("put %s: %w", name, err)
	}
	return nil
}

func (f *folder) Delete(ctx context.Context, key string) error {
	name, err := f.path("delete", key)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if info, err := os.Lstat(name); err == nil && info.IsDir() {
		return nil // no blob of that name
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (f *folder) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		root, err := os.Stat(f.root)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return
		case err == nil && !root.IsDir():
			err = &fs.PathError{Op: "list", Path: f.root, Err: errors.New("not a folder")}
		}
		if err != nil {
			yield(Info{}, err)
			return
		}
		f.walk(ctx, "", []fs.FileInfo{root}, prefix, yield)
	}
}

// walk lists the folder dir ("" or ending in a slash), following links. above are the folders on the
// way to it: one that comes again is a loop. It returns false when the listing has ended.
func (f *folder) walk(ctx context.Context, dir string, above []fs.FileInfo, prefix string, yield func(Info, error) bool) bool {
	if err := ctx.Err(); err != nil {
		yield(Info{}, err)
		return false
	}
	entries, err := os.ReadDir(filepath.Join(f.root, filepath.FromSlash(dir)))
	if err != nil {
		// What is not readable below is one thing among others; the place itself is all of it.
		return yield(Info{Key: strings.TrimSuffix(dir, "/")}, err) && dir != ""
	}
	type entry struct {
		key  string // of a folder: ending in a slash, which is where S3 has it in the order
		info fs.FileInfo
		err  error
	}
	var found []entry
	for _, e := range entries {
		key := path.Join(dir, e.Name())
		if isTemporary(e.Name()) || !strings.HasPrefix(key, prefix) && !strings.HasPrefix(prefix, key+"/") {
			continue
		}
		info, err := os.Stat(filepath.Join(f.root, filepath.FromSlash(key)))
		if errors.Is(err, fs.ErrNotExist) && e.Type()&fs.ModeSymlink == 0 {
			continue // deleted meanwhile
		}
		if err == nil && info.IsDir() {
			key += "/"
		}
		found = append(found, entry{key, info, err})
	}
	slices.SortFunc(found, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	for _, e := range found {
		var more bool
		switch {
		case e.err != nil:
			more = yield(Info{Key: e.key}, e.err)
		case !e.info.IsDir():
			if !strings.HasPrefix(e.key, prefix) {
				continue
			}
			if err := checkRegular(e.key, e.info); err != nil {
				more = yield(Info{Key: e.key}, err)
				break
			}
			more = yield(Info{Key: e.key, Size: e.info.Size(), ModTime: e.info.ModTime().UTC()}, nil)
		case slices.ContainsFunc(above, func(a fs.FileInfo) bool { return os.SameFile(a, e.info) }):
			key := strings.TrimSuffix(e.key, "/")
			more = yield(Info{Key: key}, &fs.PathError{Op: "list", Path: filepath.Join(f.root, key), Err: errors.New("a link to a folder that it is in")})
		default:
			more = f.walk(ctx, e.key, append(slices.Clone(above), e.info), prefix, yield)
		}
		if !more {
			return false
		}
	}
	return true
}

// contextReader stops reading when the context is done.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}
