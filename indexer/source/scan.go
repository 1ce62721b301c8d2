// Package source lists the photos that a shop has, each with what the shop says of it: from a folder, from S3, or from a CSV,
// JSONL, Parquet or XML file, a product feed among them. Photos are not read here, but for the first bytes of what may be one,
// and nothing is known of what becomes of them.
package source

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
	"strings"

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

// Options say what a scan leaves out, and what it need not look at. The zero value reads all.
type Options struct {
	Exclude string // a folder inside the catalogue that is left out, "" for none
	// IsIndex says whether a folder with these files is that of an index, and IndexOf the folder of the index that a key
	// in S3 is of: thumbnails are no photos of the catalogue. nil: nothing is.
	IsIndex func(files []os.DirEntry) bool
	IndexOf func(key string) (folder string, ok bool)
	// IsPhoto says whether there is a photo at a location in S3 where that is known, so that nobody has to ask for its
	// first bytes. nil: it never is.
	IsPhoto func(location string, info storage.Info) (isPhoto, known bool)
}

func (o Options) withDefaults() Options {
	if o.IsIndex == nil {
		o.IsIndex = func([]os.DirEntry) bool { return false }
	}
	if o.IndexOf == nil {
		o.IndexOf = func(string) (string, bool) { return "", false }
	}
	if o.IsPhoto == nil {
		o.IsPhoto = func(string, storage.Info) (bool, bool) { return false, false }
	}
	return o
}

// Scan lists the photos of a catalogue: a folder, the objects below s3://bucket/prefix, or a manifest, which is a
// CSV, JSONL, Parquet or XML file, by path or URL. What a manifest behind a URL may not name (storage.CheckReference) is an
// entry with an error.
func Scan(ctx context.Context, catalogue string, options Options) (Listing, error) {
	options = options.withDefaults()
	if strings.Contains(catalogue, "://") {
		listing, err := scanURL(ctx, catalogue, options)
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
		return scanFolder(ctx, catalogue, options)
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
