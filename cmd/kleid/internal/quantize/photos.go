package quantize

import (
	"fmt"
	"math/rand/v2"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/photo"
)

// domain keeps the dresses that are calibrated on apart from all others.
const domain = "quantize"

// samplePhoto reads photo i of a sample.
type samplePhoto func(i int) (*photo.Image, error)

// paintedSample paints n photos of as many dresses: half as a shop takes them, half as customers do.
func paintedSample(n int) samplePhoto {
	products := studio.Products(domain, 1, n)
	return func(i int) (*photo.Image, error) {
		data, err := products[i].Paint(studio.Shot{Query: i%2 == 1}).JPEG()
		if err != nil {
			return nil, err
		}
		return photo.Open(data, photo.DefaultLimits())
	}
}

// catalogueSample reads n photos from all over a catalogue, fewer where it has no more.
func catalogueSample(c *cli.Context, catalogue string, n int) (samplePhoto, int, error) {
	listing, err := indexer.Scan(c.Context, catalogue, "")
	if err != nil {
		return nil, 0, err
	}
	all := len(listing.Entries)
	if all == 0 {
		return nil, 0, fmt.Errorf("the catalogue %s has no photos to calibrate on", catalogue)
	}
	order := rand.New(rand.NewPCG(1, 0)).Perm(all)
	return func(i int) (*photo.Image, error) {
		entry := listing.Entries[order[i]]
		if entry.Err != "" {
			return nil, fmt.Errorf("%s: %s", entry.Source, entry.Err)
		}
		data, err := open.Photo(c, entry.Location)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Source, err)
		}
		m, err := photo.Open(data, photo.DefaultLimits())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Source, err)
		}
		return m, nil
	}, min(n, all), nil
}
