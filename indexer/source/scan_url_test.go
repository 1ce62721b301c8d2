package source

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/storage"
)

// Photos that systems keep by their hash have no extension: they are told by their first bytes, in S3 as in a folder.
func TestPhotosWithoutExtension(t *testing.T) {
	files := map[string][]byte{
		"ab/ab12": picture(1), "cd34": picture(2), "e.png": picture(3),
		"_SUCCESS": nil, "README": []byte("not a photo"), "f.txt": picture(4),
	}
	root := t.TempDir()
	writeFiles(t, root, files)
	folder, err := Scan(t.Context(), root, Options{})
	require.NoError(t, err)
	fakeS3(t, "photos", files)
	inS3, err := Scan(t.Context(), "s3://shop/photos", Options{})
	require.NoError(t, err)
	sources := func(l Listing) (sources []string) {
		for _, e := range l.Entries {
			sources = append(sources, e.Source)
		}
		return sources
	}
	require.Equal(t, []string{"ab/ab12", "cd34", "e.png"}, sources(folder))
	require.Equal(t, sources(folder), sources(inS3))
	require.Equal(t, 2, folder.Others)
	require.Equal(t, 3, inS3.Others, "of a name that says something the first bytes are not asked for")
	require.NotEmpty(t, inS3.Entries[0].Info.ETag)
	require.Equal(t, "s3://shop/photos/ab/ab12", inS3.Entries[0].Location)

	// Nothing is lost where S3 does not give the first bytes.
	bucket, err := storage.Open(t.Context(), "s3://shop/photos")
	require.NoError(t, err)
	entries, err := photosOf(t.Context(), bucket, []storage.Info{{Key: "cd34"}, {Key: "README"}, {Key: "gone"}, {Key: "_SUCCESS"}}, Options{}.withDefaults())
	require.NoError(t, err)
	require.Equal(t, []string{"cd34", "gone"}, sources(Listing{Entries: entries}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = photosOf(ctx, bucket, []storage.Info{{Key: "cd34"}}, Options{}.withDefaults())
	require.ErrorIs(t, err, context.Canceled)
}

// TestKeysThatAreNoPaths: one that other programs may put into S3 and no folder can have is told, and costs no other.
func TestKeysThatAreNoPaths(t *testing.T) {
	fakeS3(t, "photos", map[string][]byte{"1.jpg": picture(1), "z.jpg": picture(2)})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, os.Getenv("AWS_ENDPOINT_URL")+"/shop/photos/summer//2.jpg", strings.NewReader("x"))
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	listing, err := Scan(t.Context(), "s3://shop/photos", Options{})
	require.NoError(t, err)
	require.Len(t, listing.Entries, 2)
	require.Equal(t, []string{"summer//2.jpg"}, sources(listing.Skipped))
}

// outOfOrder answers each question with an error.
type outOfOrder struct {
	storage.Bucket
	err error
}

func (o outOfOrder) Get(context.Context, string) (io.ReadCloser, error) { return nil, o.err }

// In an outage of S3 not every object without an extension is a photo that cannot be read.
func TestOutageEndsTheScan(t *testing.T) {
	for _, test := range []struct {
		err    error
		photos int
	}{{errAway, 0}, {storage.ErrNotExist, 100}, {storage.ErrPermission, 100}} {
		entries, err := photosOf(t.Context(), outOfOrder{fakeS3(t, "photos", nil), test.err}, make([]storage.Info, 100), Options{}.withDefaults())
		require.Len(t, entries, test.photos)
		if test.photos == 0 {
			require.ErrorIs(t, err, test.err)
		} else {
			require.NoError(t, err)
		}
	}
}

func TestScanURL(t *testing.T) {
	type row struct {
		Product string  `parquet:"product_id"`
		Image   string  `parquet:"image"`
		Price   float64 `parquet:"price"`
		Fabric  string  `parquet:"fabric,optional"`
		Sizes   []int32 `parquet:"sizes,list"`
	}
	var table bytes.Buffer
	require.NoError(t, parquet.Write(&table, []row{{"p1", "photos/1.jpg", 19.5, "silk", []int32{36, 38}}, {"p2", "/2.jpg", 20, "", nil}, {"p3", "https://shop.example/3.jpg", 0, "", nil}}))
	fakeS3(t, "nightly", map[string][]byte{
		"catalogue.parquet": table.Bytes(), "catalogue.csv": []byte("photo\nphotos/1.jpg\n"), "cut.parquet": table.Bytes()[:100], "shoes.parquet": shoes(t),
		"photos/1.jpg": []byte("x"), "photos/2.jpg": []byte("x"), "a.txt": nil,
	})
	listing, err := Scan(t.Context(), "s3://shop/nightly/catalogue.parquet", Options{})
	require.NoError(t, err)
	require.Len(t, listing.Entries, 3)
	require.Equal(t, Entry{ProductID: "p1", Named: true, Source: "photos/1.jpg", Location: "s3://shop/nightly/photos/1.jpg", Price: new(19.5), Attributes: map[string]string{"fabric": "silk"}}, listing.Entries[0])
	require.Equal(t, []string{"s3://shop/2.jpg", "https://shop.example/3.jpg"}, []string{listing.Entries[1].Location, listing.Entries[2].Location})
	listing, err = Scan(t.Context(), "s3://shop/nightly/catalogue.csv", Options{})
	require.NoError(t, err)
	require.Equal(t, "s3://shop/nightly/photos/1.jpg", listing.Entries[0].Location)
	listing, err = Scan(t.Context(), "s3://shop/nightly", Options{})
	require.NoError(t, err)
	var sources []string
	for _, e := range listing.Entries {
		sources = append(sources, e.Source)
	}
	require.Equal(t, []string{"photos/1.jpg", "photos/2.jpg"}, sources)
	require.NotEmpty(t, listing.Entries[0].Info.ETag)

	file := filepath.Join(t.TempDir(), "catalogue.parquet")
	require.NoError(t, os.WriteFile(file, table.Bytes(), 0o644))
	listing, err = Scan(t.Context(), file, Options{})
	require.NoError(t, err)
	require.Equal(t, filepath.Join(filepath.Dir(file), "photos", "1.jpg"), listing.Entries[0].Location)
	for catalogue, problem := range map[string]string{
		"s3://shop/nightly/gone.csv":      "file does not exist",
		"s3://shop/nightly/cut.parquet":   "not a whole Parquet file",
		"s3://shop/nightly/shoes.parquet": "has no column for the photos",
		"https://shop.example/photos":     "only s3://bucket/prefix can be listed",
		"s3://other":                      "no such bucket",
	} {
		_, err := Scan(t.Context(), catalogue, Options{})
		require.ErrorContains(t, err, problem, catalogue)
	}
}

// A manifest that is too large is an error, and not read in part; one that takes its time is waited for.
func TestManifestLimits(t *testing.T) {
	table := []byte("photo\n1.jpg\n")
	fakeS3(t, "nightly", map[string][]byte{"catalogue.csv": table})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(table) }))
	defer server.Close()
	options := manifests
	require.GreaterOrEqual(t, options.Timeout, 30*time.Minute)
	options.AllowHTTP = true
	for _, url := range []string{"s3://shop/nightly/catalogue.csv", server.URL + "/catalogue.csv"} {
		var got bytes.Buffer
		options.Limit = int64(len(table))
		require.NoError(t, download(t.Context(), url, &got, options))
		require.Equal(t, table, got.Bytes())
		options.Limit--
		require.ErrorIs(t, download(t.Context(), url, &got, options), storage.ErrTooLarge)
	}
}

// shoes is a table that names no photos.
func shoes(t *testing.T) []byte {
	var b bytes.Buffer
	require.NoError(t, parquet.Write(&b, []struct {
		Size int32 `parquet:"size"`
	}{{38}}))
	return b.Bytes()
}

func FuzzReadParquet(f *testing.F) {
	var table bytes.Buffer
	if err := parquet.Write(&table, []struct {
		Photo string `parquet:"photo"`
	}{{"1.jpg"}, {"2.jpg"}}); err != nil {
		f.Fatal(err)
	}
	f.Add(table.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := os.CreateTemp(t.TempDir(), "*.parquet")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if _, err := file.Write(data); err != nil {
			t.Fatal(err)
		}
		if listing, err := readParquet(t.Context(), file, "c.parquet"); err == nil {
			for _, e := range listing.Entries {
				require.NotEmpty(t, e.ProductID)
			}
		}
	})
}

// A manifest behind a URL is not the operator's: it names neither files of this machine nor another bucket.
func TestRemoteManifestReadsNothingOfTheOperator(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "passport.jpg")
	require.NoError(t, os.WriteFile(secret, picture(1), 0o600))
	web, inBucket := "photos/1.jpg\nhttps://cdn.example/2.jpg\n", "/3.jpg\ns3://shop/nightly/4.jpg\n"
	stolen := "file://" + secret + "\nFILE://" + secret + "\na_b://../../" + secret + "\ns3://other/5.jpg\nhttp://169.254.169.254/6.jpg\n"
	table := []byte("photo\n" + web + inBucket + stolen + "../../other/7.jpg\n")
	fakeS3(t, "nightly", map[string][]byte{"catalogue.csv": table})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(table) }))
	defer server.Close()
	defer func(old storage.FetchOptions) { manifests = old }(manifests)
	manifests.AllowHTTP = true

	const refused = "line %d of the catalogue names what it may not"
	listing, err := Scan(t.Context(), "s3://shop/nightly/catalogue.csv", Options{})
	require.NoError(t, err)
	require.Len(t, listing.Entries, 10)
	for i, e := range listing.Entries {
		if i < 4 {
			require.Empty(t, e.Err, e.Source)
			continue
		}
		require.Contains(t, e.Err, fmt.Sprintf(refused, i+2), e.Source)
		require.Empty(t, e.Location, "so that nobody reads it by mistake")
	}
	require.Equal(t, "s3://shop/3.jpg", listing.Entries[2].Location)

	listing, err = Scan(t.Context(), server.URL+"/feeds/catalogue.csv", Options{})
	require.NoError(t, err)
	require.Equal(t, server.URL+"/feeds/photos/1.jpg", listing.Entries[0].Location)
	require.Equal(t, "https://cdn.example/2.jpg", listing.Entries[1].Location)
	for i := 3; i < 8; i++ {
		require.Contains(t, listing.Entries[i].Err, fmt.Sprintf(refused, i+2), listing.Entries[i].Source)
	}

	local := filepath.Join(t.TempDir(), "catalogue.csv")
	require.NoError(t, os.WriteFile(local, table, 0o600))
	for _, catalogue := range []string{local, "file://" + local} {
		listing, err = Scan(t.Context(), catalogue, Options{})
		require.NoError(t, err)
		for _, e := range listing.Entries {
			require.Empty(t, e.Err, "a catalogue on this machine names what it likes")
		}
	}
}
