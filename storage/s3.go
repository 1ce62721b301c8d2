package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// s3 is a Bucket in S3 or in a service that speaks its language, below a prefix.
type s3 struct {
	client *minio.Client
	bucket string
	prefix string // "" or ending in a slash
}

// s3PartSize is how much of an upload of unknown length is kept in memory. S3 takes 10,000 parts.
const s3PartSize = 16 << 20

// s3Attempts is how often S3 is asked that does not begin to answer, within a few seconds.
var s3Attempts = 5

func openS3(location string) (*s3, error) {
	_, rest := splitScheme(location)
	bucket, prefix, _ := strings.Cut(rest, "/")
	if bucket == "" {
		return nil, fmt.Errorf("storage: %s: write s3://bucket/prefix", location)
	}
	client, err := newS3Client()
	if err != nil {
		return nil, err
	}
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	return &s3{client: client, bucket: bucket, prefix: prefix}, nil
}

// newS3Client reads the environment as Amazon's own tools do.
func newS3Client() (*minio.Client, error) {
	first := func(names ...string) string {
		for _, name := range names {
			if v := os.Getenv(name); v != "" {
				return v
			}
		}
		return ""
	}
	options := &minio.Options{
		Secure:     true,
		Region:     first("AWS_REGION", "AWS_DEFAULT_REGION"),
		MaxRetries: s3Attempts,
	}
	providers := []credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}}
	host := "s3.amazonaws.com"
	if endpoint := first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"); endpoint != "" {
		u, err := url.Parse(endpoint)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("storage: AWS_ENDPOINT_URL is %q: write http://host:port or https://host", WithoutSecrets(endpoint))
		}
		host, options.Secure = u.Host, u.Scheme == "https"
		options.BucketLookup = minio.BucketLookupPath
		if options.Region == "" {
			options.Region = "us-east-1" // what such services call their only one
		}
	} else if first("AWS_EC2_METADATA_DISABLED") != "true" {
		providers = append(providers, &credentials.IAM{})
	}
	options.Creds = credentials.NewChainCredentials(providers)
	transport, err := minio.DefaultTransport(options.Secure)
	if err != nil {
		return nil, fmt.Errorf("storage: S3 at %s: %w", host, err)
	}
	options.Transport = impatient{transport, s3Silence}
	client, err := minio.New(host, options)
	if err != nil {
		return nil, fmt.Errorf("storage: S3 at %s: %w", host, err)
	}
	return client, nil
}

func (s *s3) String() string {
	return "s3://" + strings.TrimSuffix(s.bucket+"/"+s.prefix, "/")
}

func (s *s3) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	body, _, err := s.open(ctx, key, minio.GetObjectOptions{})
	return body, err
}

// open is Get with what is known of the blob.
func (s *s3) open(ctx context.Context, key string, options minio.GetObjectOptions) (io.ReadCloser, Info, error) {
	if err := checkKey("get", key); err != nil {
		return nil, Info{}, err
	}
	core := minio.Core{Client: s.client}
	body, object, _, err := core.GetObject(ctx, s.bucket, s.prefix+key, options)
	if err != nil {
		return nil, Info{}, s.explain("get", key, err)
	}
	object.Key = s.prefix + key
	return body, s.info(object), nil
}

// head opens the first bytes of a blob.
func (s *s3) head(ctx context.Context, key string, bytes int64) (io.ReadCloser, error) {
	var options minio.GetObjectOptions
	if err := options.SetRange(0, bytes-1); err != nil {
		return nil, err
	}
	body, _, err := s.open(ctx, key, options)
	var answer minio.ErrorResponse
	if errors.As(err, &answer) && answer.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return http.NoBody, nil // it has none
	}
	return body, err
}

func (s *s3) Stat(ctx context.Context, key string) (Info, error) {
	if err := checkKey("stat", key); err != nil {
		return Info{}, err
	}
	object, err := s.client.StatObject(ctx, s.bucket, s.prefix+key, minio.StatObjectOptions{})
	if err != nil {
		return Info{}, s.explain("stat", key, err)
	}
	return s.info(object), nil
}

func (s *s3) info(o minio.ObjectInfo) Info {
	return Info{
		Key:     strings.TrimPrefix(o.Key, s.prefix),
		Size:    o.Size,
		ModTime: o.LastModified.UTC(),
		ETag:    strings.Trim(o.ETag, `"`),
	}
}

// Put uploads in one piece, or in parts that S3 puts together at the end: either is atomic.
func (s *s3) Put(ctx context.Context, key string, r io.Reader) error {
	if err := checkKey("put", key); err != nil {
		return err
	}
	source := &failureKeeper{r: r}
	var first bytes.Buffer
	size, err := io.CopyN(&first, source, s3PartSize)
	body := io.Reader(&first)
	switch {
	case errors.Is(err, io.EOF): // all of it: its length is known, and it can be sent again
		body = bytes.NewReader(first.Bytes())
	case err == nil:
		body, size = io.MultiReader(body, source), -1
	}
	if source.err == nil {
		_, err = s.client.PutObject(ctx, s.bucket, s.prefix+key, body, size, minio.PutObjectOptions{
			PartSize:    s3PartSize,
			ContentType: contentType(key),
			// No signature of each chunk over plain http: not every service understands it. The parts have
			// checksums all the same.
			DisableContentSha256: true,
		})
	}
	if source.err != nil {
		err = source.err
	}
	return s.explain("put", key, err)
}

// failureKeeper remembers why reading failed, and hides it from the uploader, which would take
// io.ErrUnexpectedEOF for the end and upload the half.
type failureKeeper struct {
	r   io.Reader
	err error
}

var errSource = errors.New("the source of the upload failed")

func (f *failureKeeper) Read(b []byte) (int, error) {
	if f.err != nil {
		return 0, errSource
	}
	n, err := f.r.Read(b)
	if err != nil && err != io.EOF { // a wrapped io.EOF is a failure, as in io.Copy
		f.err, err = err, errSource
	}
	return n, err
}

func contentType(key string) string {
	switch path.Ext(key) {
	case ".json":
		return "application/json"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".html":
		return "text/html; charset=utf-8"
	}
	return "application/octet-stream"
}

func (s *s3) Delete(ctx context.Context, key string) error {
	if err := checkKey("delete", key); err != nil {
		return err
	}
	err := s.client.RemoveObject(ctx, s.bucket, s.prefix+key, minio.RemoveObjectOptions{})
	if err = s.explain("delete", key, err); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (s *s3) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		options := minio.ListObjectsOptions{Prefix: s.prefix + prefix, Recursive: true}
		for object := range s.client.ListObjectsIter(ctx, s.bucket, options) {
			if object.Err != nil {
				yield(Info{}, s.explain("list", prefix, object.Err))
				return
			}
			if strings.HasSuffix(object.Key, "/") {
				continue // what consoles make in place of a folder
			}
			info := s.info(object)
			if !yield(info, checkKey("list", info.Key)) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(Info{}, err)
		}
	}
}

// explain gives an error of S3 its place and, where it has one, its meaning.
func (s *s3) explain(op, key string, err error) error {
	if err == nil {
		return nil
	}
	where := fmt.Sprintf("%s s3://%s/%s%s", op, s.bucket, s.prefix, key)
	response := minio.ToErrorResponse(err)
	switch {
	case response.Code == "NoSuchBucket":
		return fmt.Errorf("%s: there is no such bucket: %w (%w)", where, fs.ErrNotExist, err)
	case response.Code == "NoSuchKey", response.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%s: %w (%w)", where, fs.ErrNotExist, err)
	case response.Code == "AccessDenied", response.StatusCode == http.StatusForbidden, response.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("%s: %w: check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the bucket's policy (%w)", where, fs.ErrPermission, err)
	}
	return fmt.Errorf("%s: %w", where, err)
}
