package indexer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/kleid-search/kleid/storage"
)

// photoExtensions are those of files that somebody means as photos. The ones that Kleid cannot read are
// among them, so that a shop learns of them.
var photoExtensions = map[string]bool{
	".jpg": true, ".jpeg": true, ".jpe": true, ".jfif": true, ".png": true, ".webp": true, ".gif": true, ".bmp": true,
	".tif": true, ".tiff": true, ".heic": true, ".heif": true, ".avif": true, ".jxl": true,
}

func looksLikePhoto(name string) bool {
	return photoExtensions[strings.ToLower(filepath.Ext(name))]
}

// photoFormat returns the usual extension of a photo by its first bytes, "" for what is none of the formats
// that can be told by them.
func photoFormat(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	head := make([]byte, headSize)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return ""
	}
	return formatOf(head[:n])
}

// headSize is how many bytes formatOf wants.
const headSize = 64

// formatOf is photoFormat of what begins so.
func formatOf(head []byte) string {
	switch http.DetectContentType(head) {
	case "image/jpeg":
		return "jpg"
	case "image/png":
		return "png"
	case "image/webp":
		return "webp"
	case "image/gif":
		return "gif"
	}
	return "" // two letters tell a BMP, which a text may begin with
}

// Scan lists the photos of a catalogue: a folder, the objects below s3://bucket/prefix, or a manifest, which is a CSV,
// JSONL or Parquet file, by path or URL. exclude names a folder inside it that is left out, "" none. What a manifest
// behind a URL may not name (storage.CheckReference) is an entry with an error.
func Scan(ctx context.Context, catalogue, exclude string) (Listing, error) {
	return scan(ctx, catalogue, exclude, func(string, storage.Info) (bool, bool) { return false, false })
}

func scan(ctx context.Context, catalogue, exclude string, heads knownHeads) (Listing, error) {
	if strings.Contains(catalogue, "://") {
		listing, err := scanURL(ctx, catalogue, heads)
		if err != nil {
			return Listing{}, fmt.Errorf("the catalogue %s: %w", storage.WithoutSecrets(catalogue), err)
		}
		return listing, nil
	}
	info, err := os.Stat(catalogue)
	if err != nil {
		return Listing{}, fmt.Errorf("the catalogue %s cannot be opened: %w", catalogue, reason(err))
	}
	if info.IsDir() {
		return scanFolder(ctx, catalogue, exclude)
	}
	if manifestReader(catalogue) == nil {
		return Listing{}, fmt.Errorf("the catalogue %s is neither a folder nor a %s file", catalogue, manifestForms)
	}
	if !info.Mode().IsRegular() {
		return Listing{}, fmt.Errorf("the catalogue %s is a pipe, socket or device: save it as a file first", catalogue)
	}
	f, err := os.Open(catalogue)
	if err != nil {
		return Listing{}, fmt.Errorf("the catalogue %s cannot be opened: %w", catalogue, reason(err))
	}
	defer f.Close()
	listing, err := readManifest(ctx, f, catalogue)
	if err != nil {
		return Listing{}, fmt.Errorf("the catalogue %s: %w", catalogue, err)
	}
	return listing, nil
}

// manifestForms are what manifestReader knows.
const manifestForms = ".csv, .jsonl, .parquet or .xml"

// manifestReader returns what reads a manifest of that name, nil for what is none.
func manifestReader(name string) func(ctx context.Context, f *os.File, path string) (Listing, error) {
	switch strings.ToLower(path.Ext(filepath.ToSlash(name))) {
	case ".csv", ".tsv":
		return func(ctx context.Context, f *os.File, path string) (Listing, error) { return readCSV(ctx, f, path) }
	case ".jsonl", ".ndjson":
		return func(ctx context.Context, f *os.File, path string) (Listing, error) { return readJSONL(ctx, f, path) }
	case ".parquet":
		return readParquet
	case ".xml":
		return func(ctx context.Context, f *os.File, path string) (Listing, error) { return readFeed(ctx, f, path) }
	}
	return nil
}

// readManifest reads the manifest in f, which is at a path or URL.
func readManifest(ctx context.Context, f *os.File, path string) (Listing, error) {
	return manifestReader(path)(ctx, f, path)
}

// reason is what went wrong with a file, without its path.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// folderScan walks a folder and what symbolic links lead to. Every real folder is read once: those inside
// the catalogue under their own path, since links are followed only after them; so a loop ends.
type folderScan struct {
	ctx     context.Context
	root    string
	exclude string
	listing Listing
	seen    map[string]string // real path of a folder to the source under which it was read
	links   []string          // to folders, for later; the root is the first
}

func scanFolder(ctx context.Context, root, exclude string) (Listing, error) {
	s := &folderScan{ctx: ctx, root: root, seen: make(map[string]string)}
	if exclude != "" {
		if real, err := realPath(exclude); err == nil {
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
	s.listing.Skipped = append(s.listing.Skipped, Skipped{validText(filepath.ToSlash(name)), fmt.Sprintf(format, args...)})
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
	if isIndex(files) {
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

// isIndex says whether a folder with these files is what a job made: it has runs, or all that a job makes
// before there is one.
func isIndex(files []os.DirEntry) bool {
	has := make(map[string]bool)
	for _, file := range files {
		name := file.Name()
		if run, ok := strings.CutPrefix(name, runPrefix); ok && ownRun.MatchString(run) {
			name = runPrefix
		}
		has[name] = true
	}
	return has["latest"] && has[runPrefix] || has["lock"] && has["work"] && has["thumbnails"]
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
		ProductID: productOf(file), Source: validText(file), Location: filepath.Join(s.root, name), Err: err,
	})
}

// ErrNoCatalogue is what is wrong where the catalogue is not there.
var ErrNoCatalogue = errors.New("there is no such catalogue")

// noCatalogue makes an error an ErrNoCatalogue, and leaves it its text.
type noCatalogue struct{ error }

func (n noCatalogue) Unwrap() error { return n.error }

func (n noCatalogue) Is(target error) bool { return target == ErrNoCatalogue }

// scan lists the catalogue.
func (r *runner) scan(ctx context.Context) error {
	r.begin(StageScan)
	if err := r.remember(ctx); err != nil {
		return err
	}
	listing, err := scan(ctx, r.Catalogue, r.Out, r.isPhoto)
	if errors.Is(err, storage.ErrNotExist) {
		return noCatalogue{err}
	}
	if err != nil {
		return err
	}
	r.Filter.apply(&listing)
	if listing.Filtered > 0 && !slices.ContainsFunc(listing.Entries, func(e Entry) bool { return !e.IsLine }) {
		return fmt.Errorf("none of the %d photos of the catalogue %s passes the filter: sources are paths in the folder, such as shoes/1.jpg, and what a manifest names", listing.Filtered, storage.WithoutSecrets(r.Catalogue))
	}
	if len(listing.Entries) == 0 {
		return fmt.Errorf("the catalogue %s has no photos: name a folder that has some, or a CSV, JSONL or Parquet file with a row for each", storage.WithoutSecrets(r.Catalogue))
	}
	r.entries, r.report.Photos, r.report.OtherFiles = listing.Entries, len(listing.Entries), listing.Others
	r.report.Filtered = listing.Filtered
	r.report.Skipped = append(r.report.Skipped, listing.Skipped...)
	for _, s := range listing.Skipped {
		r.Logger.Warn("skipped", "source", s.Source, "reason", s.Reason)
	}
	r.end(StageScan)
	return nil
}

// remember reads what earlier jobs, or this one's shards, found at the photos' locations.
func (r *runner) remember(ctx context.Context) (err error) {
	if r.shards != nil {
		return r.shards.readFindings(ctx)
	}
	if r.known, err = readKnown(r.work(), r.Limits); err != nil {
		r.Logger.Warn("all photos are read again", "error", err)
	}
	return nil
}

// isPhoto says whether there is a photo at a location, if that is known. What is there of other shards they will see.
func (r *runner) isPhoto(location string, info storage.Info) (isPhoto, isKnown bool) {
	if r.shards != nil {
		_, ok := r.shards.findings[location]
		return ok, ok
	}
	if r.shard != nil && !r.shard.takes(location) {
		return true, true
	}
	same := info.Same(r.known[location].Info)
	return same, same
}
