package indexer

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/kleid-search/kleid/storage"
)

// maxManifest is how many bytes a manifest behind a URL may have.
const maxManifest = 8 << 30

// scanURL lists the photos of a catalogue at a URL: those of a manifest, or the objects below s3://bucket/prefix.
func scanURL(ctx context.Context, url string) (Listing, error) {
	name, _, _ := strings.Cut(url, "?")
	if manifestReader(name) != nil {
		return scanRemoteManifest(ctx, url, name)
	}
	if scheme, _, _ := strings.Cut(url, "://"); strings.ToLower(scheme) == "s3" {
		return scanS3(ctx, url)
	}
	return Listing{}, fmt.Errorf("only s3://bucket/prefix can be listed: name a %s file", manifestForms)
}

// scanRemoteManifest reads a manifest by way of a file that is gone when it is read.
func scanRemoteManifest(ctx context.Context, url, name string) (Listing, error) {
	f, err := os.CreateTemp("", "kleid-catalogue-*")
	if err != nil {
		return Listing{}, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := download(ctx, url, f); err != nil {
		return Listing{}, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return Listing{}, err
	}
	return readManifest(ctx, f, name)
}

func download(ctx context.Context, url string, w io.Writer) error {
	if strings.HasPrefix(strings.ToLower(url), "s3://") { // which need not fit into memory
		bucket, err := storage.Open(ctx, url[:strings.LastIndex(url, "/")])
		if err != nil {
			return err
		}
		body, err := bucket.Get(ctx, path.Base(url))
		if err != nil {
			return err
		}
		defer body.Close()
		_, err = io.Copy(w, io.LimitReader(body, maxManifest))
		return err
	}
	data, err := storage.Fetch(ctx, url, storage.FetchOptions{Limit: maxManifest, AllowPrivate: true})
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

// scanS3 lists the objects below a prefix, as a folder's files are listed.
func scanS3(ctx context.Context, url string) (Listing, error) {
	bucket, err := storage.Open(ctx, url)
	if err != nil {
		return Listing{}, err
	}
	var listing Listing
	for info, err := range bucket.List(ctx, "") {
		if err != nil && info.Key == "" {
			return Listing{}, err
		}
		switch {
		case err != nil:
			listing.Skipped = append(listing.Skipped, Skipped{validText(info.Key), err.Error()})
		case inIndex(info.Key):
			// An index may lie beside the photos: its thumbnails are none of the catalogue.
		case looksLikePhoto(info.Key):
			listing.Entries = append(listing.Entries, Entry{
				ProductID: productOf(info.Key), Source: validText(info.Key), Location: bucket.String() + "/" + info.Key, Info: info,
			})
		default:
			listing.Others++
		}
	}
	return listing, nil
}

// inIndex says whether a key is of the Parquet files or thumbnails of an index.
func inIndex(key string) bool {
	for _, part := range strings.Split(path.Dir(key), "/") {
		if run, ok := strings.CutPrefix(part, runPrefix); ok && ownRun.MatchString(run) || part == "thumbnails" {
			return true
		}
	}
	return false
}
