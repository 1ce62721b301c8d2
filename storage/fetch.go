package storage

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// FetchOptions say what may be fetched. The zero value of a field is its default.
type FetchOptions struct {
	// Limit is how many bytes a blob may have; 64 MiB by default.
	Limit int64
	// BaseDir is what relative paths are relative to; the working directory by default.
	BaseDir string
	// HTTPSOnly refuses paths, file:// and s3://. Set it for sources that strangers give.
	HTTPSOnly bool
	// AllowedHosts are the hosts that https may ask, also after a redirect: "cdn.example.com", or
	// ".example.com" for all below it. Empty: all hosts of the public internet.
	AllowedHosts []string
	// AllowHTTP also allows http without encryption.
	AllowHTTP bool
	// AllowPrivate lets https reach loopback, private and link-local addresses. It is for catalogues
	// that the operator wrote, whose photos lie on the shop's own network; never for strangers' URLs.
	AllowPrivate bool
	// Timeout bounds each fetch over a network; 30 seconds by default.
	Timeout time.Duration
}

// Fetcher fetches blobs and keeps connections between them. It is safe for concurrent use.
type Fetcher struct {
	options FetchOptions
	client  *http.Client

	mu      sync.Mutex
	buckets map[string]*s3 // by name
}

// NewFetcher returns a Fetcher. Close it when done.
func NewFetcher(options FetchOptions) *Fetcher {
	if options.Limit <= 0 {
		options.Limit = 64 << 20
	}
	if options.Timeout <= 0 {
		options.Timeout = 30 * time.Second
	}
	f := &Fetcher{options: options, buckets: make(map[string]*s3)}
	f.client = newHTTPClient(&f.options, func(at netip.AddrPort) bool { return options.AllowPrivate || isPublic(at.Addr()) })
	return f
}

// Close drops the connections that are kept.
func (f *Fetcher) Close() error {
	f.client.CloseIdleConnections()
	return nil
}

// Fetch returns the blob that source names: a path, file:///path, s3://bucket/key or https://host/path.
// Errors are ErrNotExist, ErrPermission, ErrTooLarge or ErrForbidden where they apply.
func (f *Fetcher) Fetch(ctx context.Context, source string) ([]byte, error) {
	scheme, rest := splitScheme(source)
	if f.options.HTTPSOnly && scheme != "https" && (scheme != "http" || !f.options.AllowHTTP) {
		return nil, fmt.Errorf("fetch %s: %w: only https:// addresses are fetched", redact(source), ErrForbidden)
	}
	switch scheme {
	case "":
		path := filepath.FromSlash(source)
		if !filepath.IsAbs(path) {
			path = filepath.Join(f.options.BaseDir, path)
		}
		return f.file(ctx, path)
	case "file":
		path, err := filePath(source)
		if err != nil {
			return nil, err
		}
		return f.file(ctx, path)
	case "s3":
		return f.object(ctx, rest)
	case "http", "https":
		return f.web(ctx, source)
	}
	return nil, fmt.Errorf("fetch %s: %s:// is not fetched: use a path, file://, s3:// or https://", redact(source), scheme)
}

// Fetch fetches one blob. For many, use a Fetcher.
func Fetch(ctx context.Context, source string, options FetchOptions) ([]byte, error) {
	f := NewFetcher(options)
	defer f.Close()
	return f.Fetch(ctx, source)
}

func (f *Fetcher) file(ctx context.Context, path string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	file, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := readLimited(file, f.options.Limit)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return data, nil
}

// object fetches bucket/key.
func (f *Fetcher) object(ctx context.Context, location string) ([]byte, error) {
	name, key, _ := strings.Cut(location, "/")
	f.mu.Lock()
	bucket, err := f.buckets[name], error(nil)
	if bucket == nil {
		if bucket, err = openS3("s3://" + name); err == nil {
			f.buckets[name] = bucket
		}
	}
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, f.options.Timeout)
	defer cancel()
	return ReadAll(ctx, bucket, key, f.options.Limit)
}
