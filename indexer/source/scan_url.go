package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/storage"
)

// manifests are what a manifest behind a URL may be: gigabytes, for which a slow server has its time.
var manifests = storage.FetchOptions{Limit: 8 << 30, AllowPrivate: true, Timeout: 30 * time.Minute, Attempts: 3}

// scanURL lists the photos of a catalogue at a URL: those of a manifest, or the objects below s3://bucket/prefix.
func scanURL(ctx context.Context, url string, options Options) (Listing, error) {
	name, _, _ := strings.Cut(url, "?")
	if manifestReader(name) != nil {
		return scanRemoteManifest(ctx, url, name)
	}
	if scheme, _, _ := strings.Cut(url, "://"); strings.ToLower(scheme) == "s3" {
		return scanS3(ctx, url, options)
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
	if err := download(ctx, url, f, manifests); err != nil {
		return Listing{}, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return Listing{}, err
	}
	return readManifest(ctx, f, name)
}

func download(ctx context.Context, url string, w io.Writer, options storage.FetchOptions) error {
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
		n, err := io.Copy(w, io.LimitReader(body, options.Limit+1))
		if err == nil && n > options.Limit {
			err = fmt.Errorf("%w: more than the %d bytes allowed", storage.ErrTooLarge, options.Limit)
		}
		return err
	}
	data, err := storage.Fetch(ctx, url, options)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

// scanS3 lists the objects below a prefix, as a folder's files are listed. Names without an extension say nothing of what
// is in them, and systems that keep photos by their hash give no others: S3 is asked for the first bytes of each, unless
// Options.IsPhoto knows it.
func scanS3(ctx context.Context, url string, options Options) (Listing, error) {
	bucket, err := storage.Open(ctx, url)
	if err != nil {
		return Listing{}, err
	}
	var listing Listing
	var nameless []storage.Info
	inIndex := map[string]int{} // files by the folder of their index
	for info, err := range bucket.List(ctx, "") {
		if err != nil && info.Key == "" {
			return Listing{}, err
		}
		index, ok := options.IndexOf(info.Key)
		switch {
		case err != nil:
			listing.Skipped = append(listing.Skipped, Skipped{catalog.ValidText(info.Key), err.Error()})
		case ok: // an index may lie beside the photos
			inIndex[index]++
		case looksLikePhoto(info.Key):
			listing.Entries = append(listing.Entries, entryOfS3(bucket, info))
		case path.Ext(info.Key) == "" && info.Size > 0:
			nameless = append(nameless, info)
		default:
			listing.Others++
		}
	}
	for _, index := range slices.Sorted(maps.Keys(inIndex)) {
		reason := fmt.Sprintf("%d files of an index: its thumbnails are no photos of the catalogue", inIndex[index])
		listing.Skipped = append(listing.Skipped, Skipped{catalog.ValidText(cmp.Or(index, ".")), reason})
	}
	photos, err := photosOf(ctx, bucket, nameless, options)
	if err != nil {
		return Listing{}, err
	}
	listing.Others += len(nameless) - len(photos)
	listing.Entries = append(listing.Entries, photos...)
	slices.SortFunc(listing.Entries, func(a, b Entry) int { return strings.Compare(a.Source, b.Source) })
	return listing, nil
}

func entryOfS3(bucket storage.Bucket, info storage.Info) Entry {
	return Entry{ProductID: productOf(info.Key), Source: catalog.ValidText(info.Key), Location: bucket.String() + "/" + info.Key, Info: info}
}

// headsAtOnce is how many objects' first bytes are asked for at once.
const headsAtOnce = 32

// photosOf returns those objects that are photos by their first bytes. One that is gone or forbidden counts as a photo: what
// is wrong with it its row will say. What else fails ends the scan: in an outage every object would be a photo.
func photosOf(ctx context.Context, bucket storage.Bucket, objects []storage.Info, options Options) ([]Entry, error) {
	isPhoto, all := make([]bool, len(objects)), make([]Entry, len(objects))
	group, heads := errgroup.WithContext(ctx)
	group.SetLimit(headsAtOnce)
	for i, info := range objects {
		if heads.Err() != nil {
			break
		}
		all[i] = entryOfS3(bucket, info)
		if is, ok := options.IsPhoto(all[i].Location, info); ok {
			isPhoto[i] = is
			continue
		}
		group.Go(func() error {
			head, err := storage.ReadHead(heads, bucket, info.Key, headSize)
			if err != nil && !errors.Is(err, storage.ErrNotExist) && !errors.Is(err, storage.ErrPermission) {
				return err
			}
			isPhoto[i] = err != nil || formatOf(head) != ""
			return nil
		})
	}
	err := group.Wait()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for i, entry := range all {
		if isPhoto[i] {
			entries = append(entries, entry)
		}
	}
	return entries, nil
}
