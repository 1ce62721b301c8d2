// Package learning is what kleid train and kleid evaluate have in common: the labelled photos that they read, and the flags that
// say which, and how heads learn from them.
package learning

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models/training"
)

// ReferenceLayout explains --reference; datasets.Reference says it in full.
const ReferenceLayout = `The folder of --reference has photos and tables (CSV; the first line names the columns):
  clothing/images/, clothing/more/      photos of one garment each
  clothing/labels.csv, more.csv         image, label (Dress, or another garment)
  clothing/dress_boxes.csv              photo, x_min, y_min, x_max, y_max, fold
  ccp/photos/                           photos of people in the street
  ccp/dress_boxes.csv                   photo, x_min, y_min, x_max, y_max, fold; no box: no dress
  facets/labels.csv                     photo, x_min, y_min, x_max, y_max, is_dress (yes or no), fold,
                                        silhouette, neckline, sleeve, occasion, length; a dress at
                                        home without a box has that of clothing/dress_boxes.csv
  triplets/triplets.csv                 query, a, b, closer (a or b), confidence, fold
  held_back.txt                         photos to leave out, a line each; may be missing
Boxes are in pixels; fold is 0 to 4, or empty. Photos of facets, triplets and held_back.txt are paths
below the folder. A table that is needed and missing is an error that names it.`

// OpenReference opens the folder of --reference, with more triplets and dresses.
func OpenReference(c *cli.Context) (*datasets.Reference, error) {
	reference, err := datasets.OpenReference(c.String("reference"))
	if err != nil {
		return nil, err
	}
	reference.MoreTriplets, reference.MoreDresses = flags.Repeated(c, "triplets"), flags.Repeated(c, "dresses")
	return reference, nil
}

// DressesFlag names more labelled dresses, which are learned from.
func DressesFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "dresses", EnvVars: flags.Env("dresses"), Usage: "CSV `FILE` of more labelled dresses in the photos of --reference, with the columns of its facets/labels.csv, to learn from; may be repeated"}
}

// TripletFlags are those of what learns from triplets, if one of the heads does; photos says where their photos are.
func TripletFlags(heads []string, photos string) []cli.Flag {
	if !slices.Contains(heads, "deeprank") {
		return nil
	}
	return []cli.Flag{&cli.StringSliceFlag{Name: "triplets", EnvVars: flags.Env("triplets"), Usage: "CSV `FILE` of triplets, such as customers' clicks: query, a, b, closer (a or b), confidence (1 to 3), fold (may be empty); its photos are named as in " + photos + ", and there also by their products' ids; those with a photo that cannot be read are left out; may be repeated"}, miningFlag()}
}

// MemoryNote says what painted dresses take, beside some thousand real photos, of which location alone keeps no crops.
func MemoryNote(heads []string) string {
	gigabytes := 14
	if training.LearnsLocationAlone(heads) {
		gigabytes = 10
	}
	return fmt.Sprintf("; the default number takes up to %d GB of memory, fewer take less", gigabytes)
}
