package datasets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/storage"
	"github.com/kleid-search/kleid/storage/storagetest"
)

// TestDatasetsInS3 reads a folder and a manifest of a bucket; their photos come to this machine.
func TestDatasetsInS3(t *testing.T) {
	bucket := fakeS3(t)
	files := map[string]string{
		"neckline/round/a.jpg": "a", "neckline/v-neck/b.jpg": "b", "labels.json": `{"neckline": ["v-neck", "round"]}`,
		"table/shop.csv":     "photo,neckline\nc.jpg,round\nd.jpg,v-neck\ngone.jpg,round\ns3://shop/own/neckline/round/a.jpg,round\n",
		"table/images/c.jpg": "c", "table/d.jpg": "d",
	}
	for name, text := range files {
		require.NoError(t, bucket.Put(t.Context(), name, strings.NewReader(text)))
	}
	folder, err := Open(t.Context(), "s3://shop/own", OpenOptions{Facets: []string{"neckline"}, Fetched: t.TempDir()})
	require.NoError(t, err)
	require.Equal(t, []string{"v-neck", "round"}, folder.Facets[0].Labels)
	require.Len(t, byName(t, folder), 2)
	local, err := Open(t.Context(), place(t, map[string]string{
		"neckline/round/a.jpg": "a", "neckline/v-neck/b.jpg": "b", "labels.json": files["labels.json"],
	}), OpenOptions{Facets: []string{"neckline"}})
	require.NoError(t, err)
	require.Equal(t, local.Fingerprint, folder.Fingerprint, "wherever it lies")

	table, err := Open(t.Context(), "s3://shop/own/table/shop.csv", OpenOptions{Facets: []string{"neckline"}, Fetched: t.TempDir()})
	require.NoError(t, err)
	require.Equal(t, "shop", table.Name)
	require.Len(t, byName(t, table), 3)
	require.Len(t, table.Bad, 1)
	require.Equal(t, "gone.jpg", table.Bad[0].Photo)
	require.Equal(t, "s3://shop/own/table/images/c.jpg", byName(t, table)["c.jpg"].Source, "not the copy on this machine")

	refused, err := Open(t.Context(), "s3://shop/own/table/shop.csv", OpenOptions{Facets: []string{"neckline"}})
	require.NoError(t, err)
	require.Empty(t, refused.Examples)
	require.Equal(t, "the photo is not on this machine", refused.Bad[0].Reason)
}

// TestManifestInS3ReadsNothingOfTheOperator: what the manifest of a bucket may not name is a bad photo.
func TestManifestInS3ReadsNothingOfTheOperator(t *testing.T) {
	bucket := fakeS3(t)
	secret := filepath.Join(t.TempDir(), "passport.jpg")
	require.NoError(t, os.WriteFile(secret, []byte("of this machine"), 0o600))
	bad := []string{secret, "file://" + secret, "a_b://../../" + secret, "s3://other/1.jpg", "http://shop.example/2.jpg", "https://127.0.0.1:1/3.jpg"}
	for name, text := range map[string]string{
		"shop.csv": "photo,neckline\nc.jpg,round\nd.jpg,v-neck\n" + strings.Join(bad, ",round\n") + ",round\n", "c.jpg": "c", "d.jpg": "d",
	} {
		require.NoError(t, bucket.Put(t.Context(), name, strings.NewReader(text)))
	}
	d, err := Open(t.Context(), "s3://shop/own/shop.csv", OpenOptions{Facets: []string{"neckline"}, Fetched: t.TempDir()})
	require.NoError(t, err)
	require.Len(t, d.Examples, 2)
	require.Len(t, d.Bad, len(bad))
	for i, b := range d.Bad {
		require.Equal(t, bad[i], b.Photo)
		require.Contains(t, b.Reason, storage.ErrForbidden.Error(), b.Photo)
	}
}

// fakeS3 starts an S3-compatible server with a bucket called shop, and returns the folder own in it.
func fakeS3(t *testing.T) storage.Bucket {
	t.Helper()
	storagetest.S3(t, "shop")
	bucket, err := storage.Open(t.Context(), "s3://shop/own")
	require.NoError(t, err)
	return bucket
}
