package datasets

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/storage"
)

// TestDatasetsInS3 reads a folder and a manifest of a bucket; their photos come to this machine.
func TestDatasetsInS3(t *testing.T) {
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket("shop"))
	server := httptest.NewServer(gofakes3.New(backend).Server())
	defer server.Close()
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "tester")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "of datasets")
	bucket, err := storage.Open(t.Context(), "s3://shop/own")
	require.NoError(t, err)
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
