// Package storage keeps blobs by URL: in a folder, in S3, and, for reading only, behind https with a
// guard against addresses that no stranger should reach.
package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// What can be wrong, for errors.Is. All other errors are failures of a disk, a network or a service.
var (
	ErrNotExist   = fs.ErrNotExist
	ErrPermission = fs.ErrPermission
	ErrTooLarge   = errors.New("too large")
	ErrForbidden  = errors.New("not allowed") // the guard of https refuses the address or the host
)

// Bucket is a place for blobs: a folder, or a bucket of S3 below a prefix. Keys are slash-separated
// paths such as "run=7/part-000.parquet", without "." and ".." (fs.ValidPath). A Bucket is safe for
// concurrent use.
type Bucket interface {
	// Get opens a blob for reading; ErrNotExist if there is none.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	// Put writes a blob, all or nothing: readers see the old one or the new one, also after a crash.
	// If r fails, nothing changes.
	Put(ctx context.Context, key string, r io.Reader) error
	// Stat tells what is known of a blob without reading it; ErrNotExist if there is none.
	Stat(ctx context.Context, key string) (Info, error)
	// List yields the blobs whose keys begin with prefix, in the order of their keys. An error with a
	// key concerns that blob alone (a broken link, say) and the listing goes on; one without a key
	// ends it. A place that does not exist is empty.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]
	// Delete removes a blob; that there is none is no error.
	Delete(ctx context.Context, key string) error
	// String is the URL of the place.
	String() string
}

// Info is what is known of a blob without reading it. A blob whose Info has not changed is taken to be
// unchanged.
type Info struct {
	Key     string
	Size    int64
	ModTime time.Time
	ETag    string // of S3 and web servers
}

// Same says whether a blob of which one and then the other is known has not changed in between. Of nothing known it
// does not.
func (i Info) Same(known Info) bool {
	if known.ETag != "" || i.ETag != "" {
		return i.ETag == known.ETag
	}
	return !known.ModTime.IsZero() && i.Size == known.Size && i.ModTime.Equal(known.ModTime)
}

// Open returns the bucket at a URL: a folder's path, file:///path, or s3://bucket/prefix. It does not
// look whether the place exists: a folder is made by the first Put. S3 is reached with the usual
// variables: AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE and
// AWS_ENDPOINT_URL for services that are not Amazon's.
func Open(_ context.Context, location string) (Bucket, error) {
	scheme, _ := splitScheme(location)
	switch scheme {
	case "":
		if location == "" {
			return nil, errors.New("storage: the location is empty: give a folder or s3://bucket/prefix")
		}
		return newFolder(location), nil
	case "file":
		path, err := filePath(location)
		if err != nil {
			return nil, err
		}
		return newFolder(path), nil
	case "s3":
		return openS3(location)
	}
	return nil, fmt.Errorf("storage: %s: only folders, file:// and s3:// can be opened", WithoutSecrets(location))
}

// ReadAll reads a blob of at most limit bytes; ErrTooLarge if it has more.
func ReadAll(ctx context.Context, b Bucket, key string, limit int64) ([]byte, error) {
	r, err := b.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := readLimited(r, limit)
	if err != nil {
		return nil, fmt.Errorf("read %s of %s: %w", key, b, err)
	}
	return data, nil
}

// ReadHead reads the first bytes of a blob, n of them at most. S3 is asked for no more.
func ReadHead(ctx context.Context, b Bucket, key string, n int64) ([]byte, error) {
	open := func() (io.ReadCloser, error) { return b.Get(ctx, key) }
	if remote, ok := b.(*s3); ok {
		open = func() (io.ReadCloser, error) { return remote.head(ctx, key, n) }
	}
	r, err := open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, n))
	if err != nil {
		return nil, fmt.Errorf("read %s of %s: %w", key, b, err)
	}
	return data, nil
}

// readLimited reads to the end, but no more than limit bytes.
func readLimited(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("cut off after %d bytes: %w", len(data), err)
	}
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%w: more than the %d bytes allowed", ErrTooLarge, limit)
	}
	if err != nil {
		return nil, err
	}
	return data, nil
}

// splitScheme splits a URL such as "s3://bucket/key"; the scheme of a path is empty.
func splitScheme(location string) (scheme, rest string) {
	scheme, rest, ok := strings.Cut(location, "://")
	if !ok || scheme == "" || strings.Trim(strings.ToLower(scheme), "abcdefghijklmnopqrstuvwxyz0123456789+-.") != "" {
		return "", location
	}
	return strings.ToLower(scheme), rest
}

// LocalPath returns the path of a location on this machine, a path or file:///path; ok is false for one elsewhere.
func LocalPath(location string) (path string, ok bool) {
	scheme, _ := splitScheme(location)
	switch scheme {
	case "":
		return location, location != ""
	case "file":
		path, err := filePath(location)
		return path, err == nil
	}
	return "", false
}

// filePath returns the path of a file:// URL (RFC 8089).
func filePath(location string) (string, error) {
	u, err := url.Parse(location)
	if err != nil {
		return "", fmt.Errorf("storage: %q is no file:// URL: %w", location, err)
	}
	if u.Host != "" && u.Host != "localhost" || u.Path == "" {
		return "", fmt.Errorf("storage: %s: write file:/// and an absolute path, with three slashes", location)
	}
	path := u.Path
	if runtime.GOOS == "windows" {
		path = strings.TrimPrefix(path, "/")
	}
	return filepath.FromSlash(path), nil
}

// checkKey refuses keys that would mean different blobs to different clients, or leave the place.
func checkKey(op, key string) error {
	if !fs.ValidPath(key) || key == "." {
		return fmt.Errorf("storage: %s: the key %q is not a clean relative path", op, key)
	}
	return nil
}
