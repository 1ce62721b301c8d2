package indexer

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
	"github.com/kleid-search/kleid/storage/storagetest"
	"github.com/kleid-search/kleid/vectors/embedded"
)

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

// The same photos in a folder and in S3 make the same rows, and the second time S3 is only listed.
func TestFolderAndS3MakeTheSameRows(t *testing.T) {
	files := pictures(0, 4)
	files["summer/größe 1.png"], files["twin.png"], files["nothing.png"] = picture(ordinaryWidth, 9), picture(ordinaryWidth, 1), picture(noDressWidth, 7)
	files["broken.jpg"], files["empty.jpg"], files["notes.txt"] = []byte("no photo"), nil, []byte("text")
	b := newBench(t, files)
	folder := b.run(t)
	bucket := fakeS3(t, "photos", files)

	out := filepath.Join(t.TempDir(), "index")
	store, err := embedded.Open(out)
	require.NoError(t, err)
	options := b.options()
	options.Catalogue, options.Out, options.Store = "s3://shop/photos", out, store
	fromS3, err := Run(t.Context(), options)
	require.NoError(t, err)
	_, want := parquetRows(t, b.out, folder.Run)
	_, got := parquetRows(t, out, fromS3.Run)
	require.Equal(t, timeless(want), timeless(got))
	require.Equal(t, folder.OtherFiles, fromS3.OtherFiles)

	require.NoError(t, bucket.Put(t.Context(), pictureName(0), bytes.NewReader(picture(ordinaryWidth, 50))))
	require.NoError(t, bucket.Delete(t.Context(), pictureName(1)))
	again, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.Equal(t, 1, again.Embedded)
	require.Equal(t, fromS3.Photos-1, again.Photos)
}

func nothingKnown(string, storage.Info) (isPhoto, known bool) { return false, false }

// Photos that systems keep by their hash have no extension: they are told by their first bytes, in S3 as in a folder.
func TestPhotosWithoutExtension(t *testing.T) {
	files := map[string][]byte{
		"ab/ab12": picture(ordinaryWidth, 1), "cd34": picture(ordinaryWidth, 2), "e.png": picture(ordinaryWidth, 3),
		"_SUCCESS": nil, "README": []byte("not a photo"), "f.txt": picture(ordinaryWidth, 4),
	}
	b := newBench(t, files)
	folder, err := Scan(t.Context(), b.photos, "")
	require.NoError(t, err)
	fakeS3(t, "photos", files)
	inS3, err := Scan(t.Context(), "s3://shop/photos", "")
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
	entries, err := photosOf(t.Context(), bucket, []storage.Info{{Key: "cd34"}, {Key: "README"}, {Key: "gone"}, {Key: "_SUCCESS"}}, nothingKnown)
	require.NoError(t, err)
	require.Equal(t, []string{"cd34", "gone"}, sources(Listing{Entries: entries}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = photosOf(ctx, bucket, []storage.Info{{Key: "cd34"}}, nothingKnown)
	require.ErrorIs(t, err, context.Canceled)
}

// outOfOrder answers each question with an error.
type outOfOrder struct {
	storage.Bucket
	err error
}

func (o outOfOrder) Get(context.Context, string) (io.ReadCloser, error) { return nil, o.err }

// S3 is asked for the first bytes of what is new alone, and by the shard alone whose it is.
func TestKnownPhotosWithoutExtension(t *testing.T) {
	files := map[string][]byte{"README": []byte("not a photo")}
	for i := range 8 {
		files[fmt.Sprintf("ab%02d", i)] = picture(ordinaryWidth, i)
	}
	b := newBench(t, nil)
	fakeS3(t, "photos", files)
	var heads atomic.Int64
	refuseS3(t, func(r *http.Request) bool {
		if r.Header.Get("Range") != "" {
			heads.Add(1)
		}
		return false
	})
	b.photos = "s3://shop/photos"
	options := b.options()
	options.MaxBad = 0
	embedded := 0
	for i := range 2 {
		report, err := RunShard(t.Context(), options, Shard{i, 2, "monday"})
		require.NoError(t, err)
		embedded += report.Embedded
	}
	require.Equal(t, 8, embedded)
	require.EqualValues(t, 9, heads.Swap(0))
	report, err := CommitShards(t.Context(), options, "monday", 2)
	require.NoError(t, err)
	require.Equal(t, []int{8, 1, 1}, []int{report.OK, report.OtherFiles, int(heads.Swap(0))}, "the file that no shard took for a photo")
	for i := range 2 {
		_, err := RunShard(t.Context(), options, Shard{i, 2, "tuesday"})
		require.NoError(t, err)
	}
	require.EqualValues(t, 1, heads.Swap(0))
}

// A shard of a catalogue may have no photo.
func TestShardWithoutAPhotoWithoutExtension(t *testing.T) {
	b := newBench(t, nil)
	fakeS3(t, "photos", map[string][]byte{"ab12": picture(ordinaryWidth, 1)})
	b.photos = "s3://shop/photos"
	for i := range 2 {
		_, err := RunShard(t.Context(), b.options(), Shard{i, 2, "monday"})
		require.NoError(t, err)
	}
	report, err := CommitShards(t.Context(), b.options(), "monday", 2)
	require.NoError(t, err)
	require.Equal(t, 1, report.OK)
}

// In an outage of S3 not every object without an extension is a photo that cannot be read.
func TestOutageEndsTheScan(t *testing.T) {
	for _, test := range []struct {
		err    error
		photos int
	}{{errDisk, 0}, {storage.ErrNotExist, 100}, {storage.ErrPermission, 100}} {
		entries, err := photosOf(t.Context(), outOfOrder{fakeS3(t, "photos", nil), test.err}, make([]storage.Info, 100), nothingKnown)
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
	thumbnail := photo.ID([]byte("x")) + ".jpg"
	fakeS3(t, "nightly", map[string][]byte{
		"catalogue.parquet": table.Bytes(), "catalogue.csv": []byte("photo\nphotos/1.jpg\n"), "cut.parquet": table.Bytes()[:100], "shoes.parquet": shoes(t),
		"photos/1.jpg": []byte("x"), "index/run=20261127T020000000Z-1a2b3c/1.jpg": []byte("x"), "a.txt": nil,
		"index/thumbnails/" + thumbnail[:2] + "/" + thumbnail: []byte("x"),
		// The shop has folders of that name as well.
		"photos/thumbnails/2.jpg": []byte("x"), "thumbnails/ab/1.jpg": []byte("x"), "thumbnails/cd/" + thumbnail: []byte("x"),
	})
	listing, err := Scan(t.Context(), "s3://shop/nightly/catalogue.parquet", "")
	require.NoError(t, err)
	require.Len(t, listing.Entries, 3)
	require.Equal(t, Entry{ProductID: "p1", Named: true, Source: "photos/1.jpg", Location: "s3://shop/nightly/photos/1.jpg", Price: new(19.5), Attributes: map[string]string{"fabric": "silk"}}, listing.Entries[0])
	require.Equal(t, []string{"s3://shop/2.jpg", "https://shop.example/3.jpg"}, []string{listing.Entries[1].Location, listing.Entries[2].Location})
	listing, err = Scan(t.Context(), "s3://shop/nightly/catalogue.csv", "")
	require.NoError(t, err)
	require.Equal(t, "s3://shop/nightly/photos/1.jpg", listing.Entries[0].Location)
	listing, err = Scan(t.Context(), "s3://shop/nightly", "")
	require.NoError(t, err)
	var sources []string
	for _, e := range listing.Entries {
		sources = append(sources, e.Source)
	}
	require.Equal(t, []string{"photos/1.jpg", "photos/thumbnails/2.jpg", "thumbnails/ab/1.jpg", "thumbnails/cd/" + thumbnail}, sources, "what an index left there is no catalogue")
	require.Equal(t, []Skipped{{"index", "2 files of an index: its thumbnails are no photos of the catalogue"}}, listing.Skipped)
	require.NotEmpty(t, listing.Entries[0].Info.ETag)

	file := filepath.Join(t.TempDir(), "catalogue.parquet")
	require.NoError(t, os.WriteFile(file, table.Bytes(), 0o644))
	listing, err = Scan(t.Context(), file, "")
	require.NoError(t, err)
	require.Equal(t, filepath.Join(filepath.Dir(file), "photos", "1.jpg"), listing.Entries[0].Location)
	for catalogue, problem := range map[string]string{
		"s3://shop/nightly/gone.csv":      "file does not exist",
		"s3://shop/nightly/cut.parquet":   "not a whole Parquet file",
		"s3://shop/nightly/shoes.parquet": "has no column for the photos",
		"https://shop.example/photos":     "only s3://bucket/prefix can be listed",
		"s3://other":                      "no such bucket",
	} {
		_, err := Scan(t.Context(), catalogue, "")
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

// Lines of a catalogue that name no photo count as bad whatever the filter is.
func TestFilterOfBadLines(t *testing.T) {
	b := newBench(t, pictures(0, 2))
	writeFiles(t, b.photos, map[string][]byte{"catalogue.csv": []byte("photo,product_id,colour\n" +
		pictureName(0) + ",p1,\n,p2,\nshoe.png,p3,\nx,p4,red,blue\n" + strings.Repeat("x", maxName+1) + ",p5,\n" + pictureName(1) + ",p6,\n")})
	options := b.options()
	options.Catalogue, options.MaxBad = filepath.Join(b.photos, "catalogue.csv"), 0.5
	options.Filter = Filter{Include: []string{"dress-*.png"}}
	report, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.Equal(t, []int{5, 2, 3, 1}, []int{report.Photos, report.OK, report.Unreadable, report.Filtered})
	require.True(t, report.TooManyBad)
	require.Equal(t, "catalogue.csv:3", report.Bad[0].Source)
	options.Filter = Filter{Include: []string{"skirts/*"}}
	_, err = Run(t.Context(), options)
	require.ErrorContains(t, err, "none of the 3 photos of the catalogue")
}

func TestFilter(t *testing.T) {
	files := pictures(0, 2)
	files["shoes/1.png"], files["dresses/old/2.png"], files["dresses/3.png"] = picture(ordinaryWidth, 7), picture(ordinaryWidth, 8), picture(ordinaryWidth, 9)
	b := newBench(t, files)
	options := b.options()
	options.Filter = Filter{Include: []string{"dresses/**", "*.png"}, Exclude: []string{"**/old/*"}}
	report, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.Equal(t, []int{3, 2}, []int{report.Photos, report.Filtered})
	require.Contains(t, report.String(), "photos left out by the filter: 2")
	_, rows := parquetRows(t, b.out, report.Run)
	require.Equal(t, "dresses/3.png", rows[2].Source)
	options.Filter = Filter{Include: []string{"skirts/*"}}
	_, err = Run(t.Context(), options)
	require.ErrorContains(t, err, "none of the 5 photos")
	options.Filter = Filter{Exclude: []string{"[a"}}
	_, err = Run(t.Context(), options)
	require.ErrorContains(t, err, `the pattern "[a" is none`)
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
	require.NoError(t, os.WriteFile(secret, picture(ordinaryWidth, 1), 0o600))
	web, inBucket := "photos/1.jpg\nhttps://cdn.example/2.jpg\n", "/3.jpg\ns3://shop/nightly/4.jpg\n"
	stolen := "file://" + secret + "\nFILE://" + secret + "\na_b://../../" + secret + "\ns3://other/5.jpg\nhttp://169.254.169.254/6.jpg\n"
	table := []byte("photo\n" + web + inBucket + stolen + "../../other/7.jpg\n")
	fakeS3(t, "nightly", map[string][]byte{"catalogue.csv": table})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(table) }))
	defer server.Close()
	defer func(old storage.FetchOptions) { manifests = old }(manifests)
	manifests.AllowHTTP = true

	const refused = "line %d of the catalogue names what it may not"
	listing, err := Scan(t.Context(), "s3://shop/nightly/catalogue.csv", "")
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

	listing, err = Scan(t.Context(), server.URL+"/feeds/catalogue.csv", "")
	require.NoError(t, err)
	require.Equal(t, server.URL+"/feeds/photos/1.jpg", listing.Entries[0].Location)
	require.Equal(t, "https://cdn.example/2.jpg", listing.Entries[1].Location)
	for i := 3; i < 8; i++ {
		require.Contains(t, listing.Entries[i].Err, fmt.Sprintf(refused, i+2), listing.Entries[i].Source)
	}

	local := filepath.Join(t.TempDir(), "catalogue.csv")
	require.NoError(t, os.WriteFile(local, table, 0o600))
	for _, catalogue := range []string{local, "file://" + local} {
		listing, err = Scan(t.Context(), catalogue, "")
		require.NoError(t, err)
		for _, e := range listing.Entries {
			require.Empty(t, e.Err, "a catalogue on this machine names what it likes")
		}
	}
}

// A manifest on the shop's own network has its photos there: they are asked for, and none at another place there.
func TestPhotosBesideAPrivateManifest(t *testing.T) {
	beside, other := httptest.NewUnstartedServer(http.NotFoundHandler()), httptest.NewUnstartedServer(http.NotFoundHandler())
	for _, server := range []*httptest.Server{beside, other} {
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		defer server.Close()
	}
	fetcher := photoFetcher(beside.URL+"/catalogue.csv", photo.DefaultLimits())
	defer fetcher.Close()
	_, err := fetcher.Fetch(t.Context(), beside.URL+"/1.jpg")
	var certificate *tls.CertificateVerificationError
	require.ErrorAs(t, err, &certificate, "the server answers")
	_, err = fetcher.Fetch(t.Context(), other.URL+"/1.jpg")
	require.ErrorIs(t, err, storage.ErrForbidden)
}

// What a manifest may not name is an unreadable photo of the night, and no reason to end it.
func TestForbiddenPhotosAreUnreadable(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "passport.jpg")
	require.NoError(t, os.WriteFile(secret, picture(ordinaryWidth, 3), 0o600))
	b := newBench(t, nil)
	fakeS3(t, "nightly", map[string][]byte{
		"catalogue.csv": []byte("photo\n1.png\nfile://" + secret + "\n"), "1.png": picture(ordinaryWidth, 1),
	})
	options := b.options()
	options.Catalogue = "s3://shop/nightly/catalogue.csv"
	report, err := Run(t.Context(), options)
	require.NoError(t, err)
	_, rows := parquetRows(t, b.out, report.Run)
	require.Len(t, rows, 2)
	bad := rows[slices.IndexFunc(rows, func(r catalog.Row) bool { return r.Status == catalog.StatusUnreadable })]
	require.Equal(t, "file://"+secret, bad.Source)
	require.Contains(t, bad.Error, "may name https:// addresses and what is in its own bucket only")
	require.Empty(t, bad.PhotoID)
}
