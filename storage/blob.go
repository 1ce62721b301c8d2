package storage

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/minio/minio-go/v7"
)

// Blob is a blob that is read where it is asked, such as a Parquet file of which a few columns are wanted. It is safe for
// concurrent use.
type Blob interface {
	io.ReaderAt
	io.Closer
	// Size is that of the whole blob in bytes.
	Size() int64
}

// OpenAt opens a blob to read parts of it, until the context is done; ErrNotExist if there is none. S3 is asked for the
// parts that are read alone.
func OpenAt(ctx context.Context, b Bucket, key string) (Blob, error) {
	switch b := b.(type) {
	case *folder:
		return b.openAt(ctx, key)
	case *s3:
		info, err := b.Stat(ctx, key)
		if err != nil {
			return nil, err
		}
		return &s3Blob{ctx: ctx, s3: b, key: key, info: info}, nil
	}
	return nil, fmt.Errorf("read parts of %s: only folders and S3 can be", b)
}

// fileBlob is a Blob of a folder.
type fileBlob struct {
	*os.File
	size int64
}

func (f fileBlob) Size() int64 { return f.size }

func (f *folder) openAt(ctx context.Context, key string) (Blob, error) {
	body, err := f.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	file := body.(*os.File)
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, err
	}
	return fileBlob{file, info.Size()}, nil
}

const (
	// blockSize is what S3 is asked for at once: columns that are read together lie together.
	blockSize = 1 << 20
	// blocksKept are as many as hold what is read of a row group at once.
	blocksKept = 8
	// blockAttempts is how often S3 is asked for one: what has begun is not to fail for a moment.
	blockAttempts = 3
)

// s3Blob is a Blob of S3.
type s3Blob struct {
	ctx  context.Context
	s3   *s3
	key  string
	info Info

	mu     sync.Mutex
	blocks []block // that were read last, the last one first
}

type block struct {
	at   int64 // its number
	data []byte
}

func (b *s3Blob) Size() int64 { return b.info.Size }

func (b *s3Blob) Close() error { return nil }

func (b *s3Blob) ReadAt(p []byte, offset int64) (n int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for n < len(p) && offset+int64(n) < b.info.Size {
		at := offset + int64(n)
		data, err := b.block(at / blockSize)
		if err != nil {
			return n, err
		}
		n += copy(p[n:], data[at%blockSize:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// block is the one of a number. It needs the lock.
func (b *s3Blob) block(number int64) ([]byte, error) {
	if i := slices.IndexFunc(b.blocks, func(have block) bool { return have.at == number }); i >= 0 {
		have := b.blocks[i]
		b.blocks = slices.Insert(slices.Delete(b.blocks, i, i+1), 0, have)
		return have.data, nil
	}
	var data []byte
	err := Retry{Attempts: blockAttempts}.insist(b.ctx, func() (err error) {
		data, err = b.read(number*blockSize, min((number+1)*blockSize, b.info.Size))
		return passingOfS3(err)
	})
	if err != nil {
		return nil, err
	}
	b.blocks = slices.Insert(b.blocks[:min(len(b.blocks), blocksKept-1)], 0, block{number, data})
	return data, nil
}

// read asks for the bytes from begin to before end, of the very blob that was opened.
func (b *s3Blob) read(begin, end int64) ([]byte, error) {
	var options minio.GetObjectOptions
	if err := options.SetRange(begin, end-1); err != nil {
		return nil, err
	}
	if err := options.SetMatchETag(b.info.ETag); err != nil {
		return nil, err
	}
	body, _, err := b.s3.open(b.ctx, b.key, options)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	data := make([]byte, end-begin)
	if _, err := io.ReadFull(body, data); err != nil {
		return nil, fmt.Errorf("read %s of %s: %w", b.key, b.s3, err)
	}
	return data, nil
}
