package source

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/storage"
	"github.com/kleid-search/kleid/storage/storagetest"
)

var errAway = errors.New("the disk is away")

// picture is a small photo, another one for each number.
func picture(number int) []byte {
	m := image.NewGray(image.Rect(0, 0, 4, 4))
	m.Pix[0] = uint8(number)
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func writeFiles(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for name, data := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, data, 0o644))
	}
}

// fakeS3 starts an S3-compatible server with a bucket called shop, and puts files below a prefix of it.
func fakeS3(t *testing.T, prefix string, files map[string][]byte) storage.Bucket {
	t.Helper()
	storagetest.S3(t, "shop")
	bucket, err := storage.Open(t.Context(), "s3://shop/"+prefix)
	require.NoError(t, err)
	for name, data := range files {
		require.NoError(t, bucket.Put(t.Context(), name, bytes.NewReader(data)))
	}
	return bucket
}

func sources(skipped []Skipped) []string {
	var all []string
	for _, s := range skipped {
		all = append(all, s.Source)
	}
	return all
}
