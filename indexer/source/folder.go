package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/kleid-search/kleid/catalog"
)

// folderScan walks a folder and what symbolic links lead to. Every real folder is read once: those inside
// the catalogue under their own path, since links are followed only after them; so a loop ends.
type folderScan struct {
	ctx     context.Context
	root    string
	exclude string
	isIndex func(files []os.DirEntry) bool
	listing Listing
	seen    map[string]string // real path of a folder to the source under which it was read
	links   []string          // to folders, for later; the root is the first
}

func scanFolder(ctx context.Context, root string, options Options) (Listing, error) {
	s := &folderScan{ctx: ctx, root: root, isIndex: options.IsIndex, seen: make(map[string]string)}
	if options.Exclude != "" {
		if real, err := realPath(options.Exclude); err == nil {
			s.exclude = real
		}
	}
	s.links = []string{"."}
	for len(s.links) > 0 {
		name := s.links[0]
		s.links = s.links[1:]
		if err := s.folder(name); err != nil {
			return Listing{}, fmt.Errorf("the catalogue %s cannot be read: %w", root, reason(err))
		}
	}
	slices.SortFunc(s.listing.Entries, func(a, b Entry) int { return strings.Compare(a.Source, b.Source) })
	slices.SortFunc(s.listing.Skipped, func(a, b Skipped) int { return strings.Compare(a.Source, b.Source) })
	return s.listing, nil
}

func realPath(path string) (string, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

func (s *folderScan) skip(name, format string, args ...any) {
	s.listing.Skipped = append(s.listing.Skipped, Skipped{catalog.ValidText(filepath.ToSlash(name)), fmt.Sprintf(format, args...)})
}

// folder reads one folder, named relative to the root, and those in it.
func (s *folderScan) folder(name string) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	path := filepath.Join(s.root, name)
	real, err := realPath(path)
	if err == nil {
		if real == s.exclude {
			return nil
		}
		if first, again := s.seen[real]; again {
			s.skip(name, "a symbolic link to the folder %q, which is read already", first)
			return nil
		}
		s.seen[real] = filepath.ToSlash(name)
	}
	var files []os.DirEntry
	if err == nil {
		files, err = os.ReadDir(path)
	}
	if err != nil {
		return s.unread(name, err)
	}
	if s.isIndex(files) {
		if name == "." {
			return errors.New("it is the folder of an index: name the folder of the photos")
		}
		s.skip(name, "the folder of an index: its thumbnails are no photos of the catalogue")
		return nil
	}
	for _, file := range files {
		if err := s.file(filepath.Join(name, file.Name()), file); err != nil {
			return err
		}
	}
	return nil
}

// outages are what file systems say whose server or disk is away. Their photos are there, and would be gone from the shop.
var outages = []error{syscall.EIO, syscall.ESTALE, syscall.ENOTCONN, syscall.ETIMEDOUT, syscall.EHOSTDOWN}

// unread skips a folder that cannot be read: one that a server keeps to itself must not cost the index. The root's failure
// is an error, and so is an outage.
func (s *folderScan) unread(name string, err error) error {
	switch {
	case name == ".":
		return err
	case slices.ContainsFunc(outages, func(outage error) bool { return errors.Is(err, outage) }):
		return fmt.Errorf("its folder %s: %w", filepath.ToSlash(name), reason(err))
	}
	s.skip(name, "the folder cannot be read: %v", reason(err))
	return nil
}

func (s *folderScan) file(name string, file os.DirEntry) error {
	kind := file.Type()
	linked := kind&fs.ModeSymlink != 0
	if linked {
		info, err := os.Stat(filepath.Join(s.root, name))
		switch {
		case err == nil:
			kind = info.Mode().Type()
		case looksLikePhoto(name):
			s.add(name, fmt.Sprintf("the symbolic link leads nowhere: %v", reason(err)))
			return nil
		default:
			s.skip(name, "the symbolic link leads nowhere: %v", reason(err))
			return nil
		}
	}
	switch {
	case kind.IsDir() && linked:
		s.links = append(s.links, name)
	case kind.IsDir():
		return s.folder(name)
	case looksLikePhoto(name):
		s.add(name, "")
	default:
		s.other(name, kind)
	}
	return nil
}

// other looks into a file whose name says nothing of a photo.
func (s *folderScan) other(name string, kind fs.FileMode) {
	format := ""
	if kind.IsRegular() {
		format = photoFormat(filepath.Join(s.root, name))
	}
	switch {
	case format == "":
		s.listing.Others++
	case filepath.Ext(name) == "":
		s.add(name, "")
	default:
		s.skip(name, "a %s photo by its first bytes, but not by its name: call it .%s", format, format)
	}
}

func (s *folderScan) add(name, err string) {
	file := filepath.ToSlash(name)
	s.listing.Entries = append(s.listing.Entries, Entry{
		ProductID: productOf(file), Source: catalog.ValidText(file), Location: filepath.Join(s.root, name), Err: err,
	})
}
