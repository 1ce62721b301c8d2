package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"
)

// fakeS3 starts an S3 server in this process, points the environment at it and makes a bucket.
func fakeS3(t *testing.T) {
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket("shop"))
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	s3Environment(t, server.URL)
}

func s3Environment(t *testing.T, endpoint string) {
	t.Setenv("AWS_ENDPOINT_URL", endpoint)
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "tester")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "of storage")
}

// places are all clients. Each test below runs on each of them.
var places = map[string]func(t *testing.T) string{
	"folder":      func(t *testing.T) string { return t.TempDir() + "/not there yet" },
	"file URL":    func(t *testing.T) string { return "file://" + t.TempDir() },
	"s3":          func(t *testing.T) string { fakeS3(t); return "s3://shop" },
	"s3 prefixed": func(t *testing.T) string { fakeS3(t); return "s3://shop/indexes/women/" },
}

func everywhere(t *testing.T, test func(t *testing.T, ctx context.Context, b Bucket)) {
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			b, err := Open(t.Context(), place(t))
			require.NoError(t, err)
			test(t, t.Context(), b)
		})
	}
}

func put(t *testing.T, b Bucket, key, text string) {
	require.NoError(t, b.Put(t.Context(), key, strings.NewReader(text)))
}

func keys(t *testing.T, b Bucket, prefix string) []string {
	found := []string{}
	for info, err := range b.List(t.Context(), prefix) {
		require.NoError(t, err)
		found = append(found, info.Key)
	}
	return found
}

func TestPutThenGet(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b Bucket) {
		for _, key := range []string{"latest", "run=7/part-000.parquet", "photos/größe 1.jpg", "a b+c&d=%20"} {
			for _, text := range []string{"first", "", strings.Repeat("second ", 100_000)} {
				put(t, b, key, text)
				data, err := ReadAll(ctx, b, key, 1<<20)
				require.NoError(t, err)
				require.Equal(t, text, string(data))
				info, err := b.Stat(ctx, key)
				require.NoError(t, err)
				require.Equal(t, key, info.Key)
				require.EqualValues(t, len(text), info.Size)
				require.False(t, info.ModTime.IsZero())
			}
		}
	})
}

func TestPutFromAnyReader(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b Bucket) {
		text := strings.Repeat("0123456789", 20_000)
		require.NoError(t, b.Put(ctx, "slow", iotest.OneByteReader(strings.NewReader(text[:2000]))))
		require.NoError(t, b.Put(ctx, "plain", struct{ io.Reader }{strings.NewReader(text)}))
		data, err := ReadAll(ctx, b, "plain", 1<<20)
		require.NoError(t, err)
		require.Equal(t, text, string(data))

		large := bytes.Repeat([]byte("large"), s3PartSize/4) // more than one part of S3
		require.NoError(t, b.Put(ctx, "large", struct{ io.Reader }{bytes.NewReader(large)}))
		data, err = ReadAll(ctx, b, "large", 1<<30)
		require.NoError(t, err)
		require.True(t, bytes.Equal(large, data))
	})
}

func TestWhatIsNotThere(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b Bucket) {
		require.Empty(t, keys(t, b, ""))
		put(t, b, "folder/blob", "x")
		for _, key := range []string{"nothing", "folder", "folder/nothing", "blob"} {
			_, err := b.Get(ctx, key)
			require.ErrorIs(t, err, ErrNotExist, key)
			_, err = b.Stat(ctx, key)
			require.ErrorIs(t, err, ErrNotExist, key)
			require.NoError(t, b.Delete(ctx, key))
		}
		require.Equal(t, []string{"folder/blob"}, keys(t, b, ""))
	})
}

func TestDelete(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b Bucket) {
		put(t, b, "a/b", "x")
		require.NoError(t, b.Delete(ctx, "a/b"))
		_, err := b.Stat(ctx, "a/b")
		require.ErrorIs(t, err, ErrNotExist)
		require.Empty(t, keys(t, b, ""))
	})
}

func TestList(t *testing.T) {
	everywhere(t, func(t *testing.T, _ context.Context, b Bucket) {
		for _, key := range []string{"b", "a/2", "a.txt", "a/1", "a/1b/x", "ab", "c/d/e"} {
			put(t, b, key, key)
		}
		require.Equal(t, []string{"a.txt", "a/1", "a/1b/x", "a/2", "ab", "b", "c/d/e"}, keys(t, b, ""))
		require.Equal(t, []string{"a/1", "a/1b/x", "a/2"}, keys(t, b, "a/"))
		require.Equal(t, []string{"a/1", "a/1b/x"}, keys(t, b, "a/1"))
		require.Equal(t, []string{"c/d/e"}, keys(t, b, "c/d/e"))
		require.Empty(t, keys(t, b, "d"))
		require.Empty(t, keys(t, b, "b/"))
		for info, err := range b.List(t.Context(), "a") { // stopping early is no error
			require.NoError(t, err)
			require.EqualValues(t, len("a.txt"), info.Size)
			break
		}
	})
}

func TestListMany(t *testing.T) {
	everywhere(t, func(t *testing.T, _ context.Context, b Bucket) {
		var want []string
		for i := range 1100 { // more than a page of S3
			key := fmt.Sprintf("photos/%04d.jpg", i)
			put(t, b, key, "")
			want = append(want, key)
		}
		require.Equal(t, want, keys(t, b, "photos/"))
	})
}

// A Put that fails leaves the old blob, and nothing else.
func TestPutIsAllOrNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b Bucket) {
		put(t, b, "blob", "old")
		broken := errors.New("the disk that this comes from broke")
		for _, failure := range []error{broken, io.ErrUnexpectedEOF} {
			for _, key := range []string{"blob", "new"} {
				r := io.MultiReader(strings.NewReader(strings.Repeat("new", 100_000)), iotest.ErrReader(failure))
				require.ErrorIs(t, b.Put(ctx, key, r), failure)
			}
		}
		large := io.MultiReader(bytes.NewReader(make([]byte, s3PartSize+1)), iotest.ErrReader(io.ErrUnexpectedEOF))
		require.ErrorIs(t, b.Put(ctx, "large", large), io.ErrUnexpectedEOF)
		require.Equal(t, []string{"blob"}, keys(t, b, ""))
		data, err := ReadAll(ctx, b, "blob", 100)
		require.NoError(t, err)
		require.Equal(t, "old", string(data))
	})
}

func TestReadersSeeOldOrNew(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b Bucket) {
		texts := []string{strings.Repeat("a", 50_000), strings.Repeat("b", 70_000)}
		put(t, b, "blob", texts[0])
		var wait sync.WaitGroup
		defer wait.Wait()
		wait.Go(func() {
			for i := range 40 {
				if err := b.Put(ctx, "blob", strings.NewReader(texts[i%2])); err != nil {
					t.Error(err)
				}
			}
		})
		for range 40 {
			data, err := ReadAll(ctx, b, "blob", 1<<20)
			require.NoError(t, err)
			require.True(t, string(data) == texts[0] || string(data) == texts[1], "a mixture of %d bytes", len(data))
		}
	})
}

func TestBadKeys(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b Bucket) {
		for _, key := range []string{"", ".", "/etc/passwd", "../x", "a/../b", "a//b", "a/", "./a"} {
			_, err := b.Get(ctx, key)
			require.ErrorContains(t, err, "not a clean relative path", key)
			_, err = b.Stat(ctx, key)
			require.ErrorContains(t, err, "not a clean relative path", key)
			require.ErrorContains(t, b.Put(ctx, key, strings.NewReader("")), "not a clean relative path", key)
			require.ErrorContains(t, b.Delete(ctx, key), "not a clean relative path", key)
		}
	})
}

func TestReadAllKeepsTheLimit(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b Bucket) {
		put(t, b, "blob", "12345")
		data, err := ReadAll(ctx, b, "blob", 5)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, []byte("12345")))
		_, err = ReadAll(ctx, b, "blob", 4)
		require.ErrorIs(t, err, ErrTooLarge)
	})
}

func TestCancelled(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b Bucket) {
		put(t, b, "blob", "old")
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		_, err := b.Get(ctx, "blob")
		require.ErrorIs(t, err, context.Canceled)
		_, err = b.Stat(ctx, "blob")
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, b.Put(ctx, "blob", strings.NewReader("new")), context.Canceled)
		require.ErrorIs(t, b.Delete(ctx, "blob"), context.Canceled)
		var last error
		for _, err := range b.List(ctx, "") {
			last = err
		}
		require.ErrorIs(t, last, context.Canceled)
		data, err := ReadAll(context.Background(), b, "blob", 9)
		require.NoError(t, err)
		require.Equal(t, "old", string(data))
	})
}

func TestOpenRefusesWhatIsNoPlace(t *testing.T) {
	for location, want := range map[string]string{
		"":                         "the location is empty",
		"https://shop.example/x":   "only folders, file:// and s3://",
		"s3://":                    "write s3://bucket/prefix",
		"file://relative/path":     "with three slashes",
		"ftp://u:secret@example/x": "storage: ftp://example/x: only",
	} {
		_, err := Open(t.Context(), location)
		require.ErrorContains(t, err, want, location)
	}
	t.Setenv("AWS_ENDPOINT_URL", "localhost:9000")
	_, err := Open(t.Context(), "s3://shop")
	require.ErrorContains(t, err, "AWS_ENDPOINT_URL")
}

func TestLocalPath(t *testing.T) {
	for location, want := range map[string]string{
		"photos/a b.jpg":           "photos/a b.jpg",
		"file:///photos/a%20b.jpg": "/photos/a b.jpg",
		"file://relative/a.jpg":    "",
		"https://shop.example/a":   "",
		"s3://shop/a":              "",
		"":                         "",
	} {
		path, ok := LocalPath(location)
		require.Equal(t, want != "", ok, location)
		require.Equal(t, filepath.FromSlash(want), filepath.FromSlash(path), location)
	}
}

func TestReadHead(t *testing.T) {
	everywhere(t, func(t *testing.T, ctx context.Context, b Bucket) {
		put(t, b, "blob", "0123456789")
		put(t, b, "empty", "")
		for n, want := range map[int64]string{1: "0", 4: "0123", 10: "0123456789", 99: "0123456789"} {
			head, err := ReadHead(ctx, b, "blob", n)
			require.NoError(t, err)
			require.Equal(t, want, string(head))
		}
		head, err := ReadHead(ctx, b, "empty", 4)
		require.NoError(t, err)
		require.Empty(t, head)
		_, err = ReadHead(ctx, b, "gone", 4)
		require.ErrorIs(t, err, ErrNotExist)
	})
}
