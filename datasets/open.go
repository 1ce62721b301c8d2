package datasets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kleid-search/kleid/storage"
)

// OpenOptions say what of a dataset to read. The zero value of a field is its default.
type OpenOptions struct {
	// Facets are the names of the facets that are wanted; all that can be told as such by default.
	Facets []string
	// Known are names that are facets wherever they are those of columns.
	Known []string
	// Fetched is the folder that photos of https:// and s3:// are brought to. By default there may be none.
	Fetched string
	// Unlabelled takes a manifest without a column for a facet, whose photos people are to judge, or have judged.
	Unlabelled bool
	// NoLabels reads no facets, whatever columns there are, for who asks where the dress is and no more.
	NoLabels bool
	// Imported leaves out what people judged since (JudgementsFile).
	Imported bool
	// Progress is told how many photos are read. Calls come from several goroutines.
	Progress func(done, total int)
}

// Open reads a dataset: a folder of photos, or a manifest, each on this machine or at s3://.
//
// A folder has a folder for each label, with photos in it: <label>/*.jpg for one facet, which
// OpenOptions.Facets then names, or <facet>/<label>/*.jpg. Photos in folders below a label's are those of one
// product, others of one product each, named like the file. Above all that there may be folders for the
// splits: train and test (or val).
//
// A manifest is a .csv (separated by commas, semicolons or tabs), .jsonl or .parquet file with a row for each
// photo. Its columns:
//
//	photo (or image, path, source, file)  path or URL; paths are relative to the manifest, or to the folders
//	                                      images and photos beside it; of a manifest at s3:// they are below
//	                                      it, in its bucket, or https:// addresses
//	product_id (or product)               photos of one dress; by default the file's name
//	x_min, y_min, x_max, y_max            the dress's box, in pixels of the upright photo, half-open, rounded
//	                                      to the nearest pixel; box_x_min … are the same
//	split                                 train or test (or val); by default a function of the product
//	fold                                  0 to 4
//	is_dress                              yes or no, true or false, 1 or 0; no: the photo shows no dress
//
// and one for each facet: those that OpenOptions.Facets names, as they stand or with facet_ before them; if it
// names none, all that begin with facet_, and OpenOptions.Known. Where a facet has both, the column without facet_
// counts. An empty cell is a label that is not known.
// Where there is a column facet_<name>_source, as in an index, only labels whose source is human count.
//
// The same photo, byte for byte, in several folders or rows is one example, unless the rows have different boxes: then it
// shows several dresses. Where they contradict each other, neither is believed. Products that share a photo are split as
// one.
//
// A file JudgementsFile beside either has what people said of the photos since, in kleid quality: it counts more than
// what was imported. A file labels.json beside either puts labels in order: {"neckline": ["round", "v-neck"]}.
func Open(ctx context.Context, location string, options OpenOptions) (*Dataset, error) {
	d, err := open(ctx, location, options)
	if err != nil {
		return nil, fmt.Errorf("dataset %s: %w", storage.WithoutSecrets(location), err)
	}
	return d, nil
}

func open(ctx context.Context, location string, options OpenOptions) (*Dataset, error) {
	folder, file, err := splitLocation(location)
	if err != nil {
		return nil, err
	}
	bucket, err := storage.Open(ctx, folder)
	if err != nil {
		return nil, err
	}
	d := &Dataset{Name: nameOf(location)}
	if d.Order, err = readOrder(ctx, bucket); err != nil {
		return nil, err
	}
	judgements, err := readJudgements(ctx, bucket)
	if err != nil {
		return nil, err
	}
	options.Unlabelled = options.Unlabelled || options.NoLabels || !options.Imported && slices.ContainsFunc(judgements.facets(), func(facet string) bool {
		return len(options.Facets) == 0 || slices.Contains(options.Facets, facet)
	})
	photos := &photoReader{options: options, base: folder}
	var raw []rawExample
	if file == "" {
		raw, d.Bad, err = listFolder(ctx, bucket, options)
	} else {
		raw, d.Bad, err = readManifest(ctx, bucket, file, options)
	}
	if err != nil {
		return nil, err
	}
	examples, bad, err := photos.read(ctx, raw)
	if err != nil {
		return nil, err
	}
	d.Bad = append(d.Bad, bad...)
	splitExamples(examples) // by all of a photo's products, of which merging keeps the given ones
	d.Examples, bad = merge(examples)
	d.Bad = append(d.Bad, bad...)
	if !options.Imported {
		judgements.Apply(d.Examples, options.Facets)
	}
	if d.Size() == 0 {
		return nil, errors.New("there are no photos in it")
	}
	return d, d.finish()
}

// splitLocation returns the folder of a dataset, and the name of its manifest, "" where the folder itself is
// the dataset.
func splitLocation(location string) (folder, file string, err error) {
	scheme, rest, remote := strings.Cut(location, "://")
	if remote && scheme != "file" {
		if scheme != "s3" {
			return "", "", errors.New("a dataset is a folder or a manifest, on this machine or at s3://")
		}
		if isManifest(rest) {
			at := strings.LastIndexByte(location, '/')
			return location[:at], location[at+1:], nil
		}
		return location, "", nil
	}
	local := location
	if remote {
		local = strings.TrimPrefix(rest, "localhost")
	}
	info, err := os.Stat(local)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", "", fmt.Errorf("there is no such folder or file: %w", fs.ErrNotExist)
	case err != nil:
		return "", "", err
	case info.IsDir():
		return local, "", nil
	case !isManifest(local):
		return "", "", errors.New("a manifest is a .csv, .tsv, .jsonl or .parquet file")
	}
	return filepath.Dir(local), filepath.Base(local), nil
}

// nameOf is the last part of a location, without extension.
func nameOf(location string) string {
	name := path.Base(strings.TrimRight(filepath.ToSlash(location), "/"))
	if isManifest(name) {
		name = strings.TrimSuffix(name, path.Ext(name))
	}
	return name
}

func readOrder(ctx context.Context, bucket storage.Bucket) (map[string][]string, error) {
	text, err := storage.ReadAll(ctx, bucket, labelsFile, 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	order, err := parseOrder(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", labelsFile, err)
	}
	return order, nil
}
