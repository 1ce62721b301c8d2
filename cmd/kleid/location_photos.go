package main

import (
	"errors"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models/training"
	"github.com/kleid-search/kleid/storage"
)

// locationFormat says what location reads of --dataset.
const locationFormat = `A dataset is a manifest as kleid train facets takes it (.csv, .jsonl or .parquet, a path or s3:// URL), with a row
for each photo: photo, x_min, y_min, x_max, y_max (pixels) of the dress, or is_dress (no) where there is none, and,
if there are such, product_id, split (train or test) and fold (0 to 4). Photos without a box, or with boxes of several
dresses, are left out.`

// locationDatasetFlag names a shop's own photos for what learns, or measures, where the dress is.
func locationDatasetFlag(variable, use string) cli.Flag {
	return &cli.StringSliceFlag{Name: "dataset", EnvVars: flags.Env(variable), Usage: "`PLACE` of a manifest of photos with boxes " + use + "; may be repeated"}
}

// locationPlaces are those of --dataset, which has no weights here.
func locationPlaces(c *cli.Context) ([]string, error) {
	places := flags.Repeated(c, "dataset")
	for _, place := range places {
		if place == studioDataset {
			return nil, exit.WrongUsage(c, "--dataset is %s: dresses are painted in any case, and kleid evaluate painted measures with some", place)
		}
		if part, err := parseDataset(place); err != nil || part.location != place {
			return nil, exit.WrongUsage(c, "--dataset is %q, but takes no weight here: all photos count alike", storage.WithoutSecrets(place))
		}
	}
	return places, nil
}

// readLocationPhotos opens datasets and looks into their photos; those of URLs are brought to a folder.
func readLocationPhotos(c *cli.Context, progress *terminal.Progress, options training.Options, places []string, fetched string) (*training.LocationPhotos, error) {
	defer progress.End()
	var sets []*datasets.Dataset
	for _, place := range places {
		d, err := datasets.Open(c.Context, place, datasets.OpenOptions{
			NoLabels: true, Fetched: fetched,
			Progress: func(done, total int) { progress.Show("opening "+storage.WithoutSecrets(place), done, total, "") },
		})
		if err != nil {
			return nil, err
		}
		sets = append(sets, d)
	}
	return training.ReadLocationPhotos(c.Context, options, sets)
}

// withFetched runs what reads datasets, with a folder for the photos of URLs that goes afterwards.
func withFetched(run func(folder string) error) error {
	folder, err := os.MkdirTemp("", "kleid-photos-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	return run(folder)
}

// tellLocation tells what becomes of the photos, and fails where there is none to learn from.
func tellLocation(progress *terminal.Progress, photos *training.LocationPhotos) error {
	dresses, others := countDresses(photos.Learned)
	progress.Say("%d photos with a dress and %d without one to learn from, %d to measure with", dresses, others, len(photos.Measured))
	tellLeftOut(progress, photos)
	if n := len(photos.Shared); n > 0 {
		progress.Say("%d photos more are not learned from: another dataset has photos of their products to measure with", n)
	}
	if len(photos.Learned) == 0 {
		return errors.New("--dataset has no photo to learn from: that takes the dress's box (x_min, y_min, x_max, y_max), or is_dress no, in photos that are not marked as test")
	}
	return nil
}

// tellLeftOut counts the photos that say nothing of where the dress is.
func tellLeftOut(progress *terminal.Progress, photos *training.LocationPhotos) {
	if photos.Unknown > 0 {
		progress.Say("%d photos are left out: nobody said where the dress is in them, by x_min, y_min, x_max and y_max, or that there is none, by is_dress no", photos.Unknown)
	}
	if photos.Several > 0 {
		progress.Say("%d photos are left out: they have boxes of several dresses, and a model is to find one", photos.Several)
	}
}

func countDresses(examples []datasets.Example) (dresses, others int) {
	for _, e := range examples {
		if e.NoDress {
			others++
		} else {
			dresses++
		}
	}
	return dresses, others
}
