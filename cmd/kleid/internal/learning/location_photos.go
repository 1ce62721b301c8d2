package learning

import (
	"os"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models/training"
	"github.com/kleid-search/kleid/storage"
)

// LocationFormat says what location reads of --dataset.
const LocationFormat = `A dataset is a manifest as kleid train facets takes it (.csv, .jsonl or .parquet, a path or s3:// URL), with a row
for each photo: photo, x_min, y_min, x_max, y_max (pixels) of the dress, or is_dress (no) where there is none, and,
if there are such, product_id, split (train or test) and fold (0 to 4). Photos without a box, or with boxes of several
dresses, are left out.`

// LocationDatasetFlag names a shop's own photos for what learns, or measures, where the dress is.
func LocationDatasetFlag(variable, use string) cli.Flag {
	return &cli.StringSliceFlag{Name: "dataset", EnvVars: flags.Env(variable), Usage: "`PLACE` of a manifest of photos with boxes " + use + "; may be repeated"}
}

// LocationPlaces are those of --dataset, which has no weights here.
func LocationPlaces(c *cli.Context) ([]string, error) {
	places := flags.Repeated(c, "dataset")
	for _, place := range places {
		if place == StudioDataset {
			return nil, exit.WrongUsage(c, "--dataset is %s: dresses are painted in any case, and kleid evaluate painted measures with some", place)
		}
		if part, err := ParseDataset(place); err != nil || part.Place != place {
			return nil, exit.WrongUsage(c, "--dataset is %q, but takes no weight here: all photos count alike", storage.WithoutSecrets(place))
		}
	}
	return places, nil
}

// ReadLocationPhotos opens datasets and looks into their photos; those of URLs are brought to a folder.
func ReadLocationPhotos(c *cli.Context, progress *terminal.Progress, options training.Options, places []string, fetched string) (*training.LocationPhotos, error) {
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

// WithFetched runs what reads datasets, with a folder for the photos of URLs that goes afterwards.
func WithFetched(run func(folder string) error) error {
	folder, err := os.MkdirTemp("", "kleid-photos-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	return run(folder)
}

// TellLeftOut counts the photos that say nothing of where the dress is.
func TellLeftOut(progress *terminal.Progress, photos *training.LocationPhotos) {
	if photos.Unknown > 0 {
		progress.Say("%d photos are left out: nobody said where the dress is in them, by x_min, y_min, x_max and y_max, or that there is none, by is_dress no", photos.Unknown)
	}
	if photos.Several > 0 {
		progress.Say("%d photos are left out: they have boxes of several dresses, and a model is to find one", photos.Several)
	}
}
