package storage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
)

// FetchOptions say what may be fetched. The zero value of a field is its default.
type FetchOptions struct {
	// Limit is how many bytes a blob may have; 64 MiB by default.
	Limit int64
	// AllowHTTP also allows http without encryption.
	AllowHTTP bool
	// AllowPrivate lets https reach loopback, private and link-local addresses. It is for catalogues
	// that the operator wrote, whose photos lie on the shop's own network; never for strangers' URLs.
	AllowPrivate bool
	// PrivateBeside is the URL of a document, such as a catalogue's manifest, whose host and port https may also reach at
	// such an address: whoever named the document chose them, and what it names beside itself lies there. No other name or
	// port of that address is reached.
	PrivateBeside string
	// Timeout bounds each fetch over a network, and each attempt of one; 30 seconds by default.
	Timeout time.Duration
	// Attempts is how often a server or S3 is asked that does not answer, ends an answer before it is whole, or is busy
	// or broken (429, 5xx), with short pauses in between, and longer ones where S3 is asked too much; once by default.
	Attempts int
}

// Fetcher fetches blobs and keeps connections between them. It is safe for concurrent use.
type Fetcher struct {
	options FetchOptions
	client  *http.Client
	wait    func(ctx context.Context, pause time.Duration) error // see Retry

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
	data, _, err := f.FetchChanged(ctx, source, Info{})
	return data, err
}

// ErrUnchanged says that a blob is still what was known of it.
var ErrUnchanged = errors.New("unchanged")

// FetchChanged is Fetch, unless the blob is still what is known of it: then the error is ErrUnchanged, and nothing is
// read but what a file system, S3 or a server (RFC 9110, If-None-Match) says of it. It returns what to know for the
// next time, the zero Info where that would not be reliable: of a file that is being written to, or of a server that
// has no strong ETag.
func (f *Fetcher) FetchChanged(ctx context.Context, source string, known Info) ([]byte, Info, error) {
	scheme, rest := splitScheme(source)
	switch scheme {
	case "":
		return f.file(ctx, filepath.FromSlash(source), known)
	case "file":
		path, err := filePath(source)
		if err != nil {
			return nil, Info{}, err
		}
		return f.file(ctx, path, known)
	case "s3":
		return f.object(ctx, rest, known)
	case "http", "https":
		return f.web(ctx, source, known)
	}
	return nil, Info{}, fmt.Errorf("fetch %s: %s:// is not fetched: use a path, file://, s3:// or https://", WithoutSecrets(source), scheme)
}

func (f *Fetcher) retry() Retry { return Retry{f.options.Attempts, f.wait} }

// Fetch fetches one blob. For many, use a Fetcher.
func Fetch(ctx context.Context, source string, options FetchOptions) ([]byte, error) {
	f := NewFetcher(options)
	defer f.Close()
	return f.Fetch(ctx, source)
}

// settled is how long ago a file has to have been written to for its time to tell it from a later version: some file
// systems keep times in steps of two seconds.
const settled = 3 * time.Second

func (f *Fetcher) file(ctx context.Context, path string, known Info) ([]byte, Info, error) {
	if err := ctx.Err(); err != nil {
		return nil, Info{}, err
	}
	file, err := openRegular(path)
	if err != nil {
		return nil, Info{}, err
	}
	defer file.Close()
	// The file's state before it is read: who writes to it later gives it another.
	state, err := file.Stat()
	if err != nil {
		return nil, Info{}, err
	}
	now := Info{Size: state.Size(), ModTime: state.ModTime().UTC()}
	if now.Same(known) {
		return nil, now, ErrUnchanged
	}
	if time.Since(now.ModTime) < settled {
		now = Info{}
	}
	data, err := readLimited(file, f.options.Limit)
	if err != nil {
		return nil, Info{}, fmt.Errorf("read %s: %w", path, err)
	}
	return data, now, nil
}

// object fetches bucket/key.
func (f *Fetcher) object(ctx context.Context, location string, known Info) (data []byte, now Info, err error) {
	name, key, _ := strings.Cut(location, "/")
	if err := checkKey("get", key); err != nil {
		return nil, Info{}, err
	}
	f.mu.Lock()
	bucket := f.buckets[name]
	if bucket == nil {
		if bucket, err = openS3("s3://" + name); err == nil {
			f.buckets[name] = bucket
		}
	}
	f.mu.Unlock()
	if err != nil {
		return nil, Info{}, err
	}
	err = f.retry().insist(ctx, func() error {
		data, now, err = f.askS3(ctx, bucket, key, known)
		return passingOfS3(err)
	})
	return data, now, err
}

// askS3 asks for an object once, which is several times where S3 does not begin to answer.
func (f *Fetcher) askS3(ctx context.Context, bucket *s3, key string, known Info) ([]byte, Info, error) {
	ctx, cancel := context.WithTimeout(ctx, f.options.Timeout)
	defer cancel()
	if known.ETag != "" {
		if now, err := bucket.Stat(ctx, key); err == nil && now.Same(known) {
			return nil, now, ErrUnchanged
		} // what is wrong with it Get says better
	}
	body, now, err := bucket.open(ctx, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, Info{}, err
	}
	defer body.Close()
	data, err := readLimited(body, f.options.Limit)
	if err != nil {
		return nil, Info{}, fmt.Errorf("read %s of %s: %w", key, bucket, err)
	}
	return data, now, nil
}
