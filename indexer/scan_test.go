package indexer

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/indexer/source"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/vectors/embedded"
)

// An index inside the catalogue, of this shop or of another, is no part of it.
func TestScanSkipsIndexes(t *testing.T) {
	b := newBench(t, pictures(0, 2))
	b.run(t)
	for _, made := range []string{"copies/index", "begun"} {
		require.NoError(t, os.CopyFS(filepath.Join(b.photos, made), os.DirFS(b.out)))
	}
	require.NoError(t, os.Remove(layout{filepath.Join(b.photos, "begun")}.latest()))
	writeFiles(t, b.photos, map[string][]byte{"season/work/a.png": nil, "season/thumbnails/b.png": nil, "season/latest/c.png": nil, "run=1/d.png": nil})
	listing, err := Scan(t.Context(), b.photos, "")
	require.NoError(t, err)
	require.Len(t, listing.Entries, 6)
	require.Equal(t, []string{"begun", "copies/index"}, sources(listing.Skipped))
	require.Contains(t, listing.Skipped[0].Reason, "the folder of an index")
	_, err = Scan(t.Context(), b.out, "")
	require.ErrorContains(t, err, "is the folder of an index")
}

// So it is in S3, where the shop may have folders of such names as well.
func TestScanSkipsIndexesInS3(t *testing.T) {
	thumbnail := photo.ID([]byte("x")) + ".jpg"
	fakeS3(t, "nightly", map[string][]byte{
		"photos/1.jpg": []byte("x"), "index/run=20261127T020000000Z-1a2b3c/1.jpg": []byte("x"), "index/thumbnails/" + thumbnail[:2] + "/" + thumbnail: []byte("x"),
		"photos/thumbnails/2.jpg": []byte("x"), "thumbnails/ab/1.jpg": []byte("x"), "thumbnails/cd/" + thumbnail: []byte("x"),
	})
	listing, err := Scan(t.Context(), "s3://shop/nightly", "")
	require.NoError(t, err)
	var sources []string
	for _, e := range listing.Entries {
		sources = append(sources, e.Source)
	}
	require.Equal(t, []string{"photos/1.jpg", "photos/thumbnails/2.jpg", "thumbnails/ab/1.jpg", "thumbnails/cd/" + thumbnail}, sources, "what an index left there is no catalogue")
	require.Equal(t, []source.Skipped{{Source: "index", Reason: "2 files of an index: its thumbnails are no photos of the catalogue"}}, listing.Skipped)
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

// Lines of a catalogue that name no photo count as bad whatever the filter is.
func TestFilterOfBadLines(t *testing.T) {
	b := newBench(t, pictures(0, 2))
	writeFiles(t, b.photos, map[string][]byte{"catalogue.csv": []byte("photo,product_id,colour\n" +
		pictureName(0) + ",p1,\n,p2,\nshoe.png,p3,\nx,p4,red,blue\n" + strings.Repeat("x", 5000) + ",p5,\n" + pictureName(1) + ",p6,\n")})
	options := b.options()
	options.Catalogue, options.MaxBad = filepath.Join(b.photos, "catalogue.csv"), 0.5
	options.Filter = source.Filter{Include: []string{"dress-*.png"}}
	report, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.Equal(t, []int{5, 2, 3, 1}, []int{report.Photos, report.OK, report.Unreadable, report.Filtered})
	require.True(t, report.TooManyBad)
	require.Equal(t, "catalogue.csv:3", report.Bad[0].Source)
	options.Filter = source.Filter{Include: []string{"skirts/*"}}
	_, err = Run(t.Context(), options)
	require.ErrorContains(t, err, "none of the 3 photos of the catalogue")
}

func TestFilter(t *testing.T) {
	files := pictures(0, 2)
	files["shoes/1.png"], files["dresses/old/2.png"], files["dresses/3.png"] = picture(ordinaryWidth, 7), picture(ordinaryWidth, 8), picture(ordinaryWidth, 9)
	b := newBench(t, files)
	options := b.options()
	options.Filter = source.Filter{Include: []string{"dresses/**", "*.png"}, Exclude: []string{"**/old/*"}}
	report, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.Equal(t, []int{3, 2}, []int{report.Photos, report.Filtered})
	require.Contains(t, report.String(), "photos left out by the filter: 2")
	_, rows := parquetRows(t, b.out, report.Run)
	require.Equal(t, "dresses/3.png", rows[2].Source)
	options.Filter = source.Filter{Include: []string{"skirts/*"}}
	_, err = Run(t.Context(), options)
	require.ErrorContains(t, err, "none of the 5 photos")
	options.Filter = source.Filter{Exclude: []string{"[a"}}
	_, err = Run(t.Context(), options)
	require.ErrorContains(t, err, `the pattern "[a" is none`)
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
