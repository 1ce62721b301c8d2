package train

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/evaluation"
	"github.com/kleid-search/kleid/models/training"
	"github.com/kleid-search/kleid/models/training/report"
	"github.com/kleid-search/kleid/storage"
)

// So many photos are pictured: the worst ones, and those about the middle.
const worstPictured, middlePictured = 16, 8

// pictureLocated are small copies of photos for the report, the worst first.
func pictureLocated(located []evaluation.Located, which string) (*report.LocatedGroup, error) {
	worst, middle := worstLocated(located, len(located), 0)
	group := &report.LocatedGroup{Legend: fmt.Sprintf("%d %s, the worst first", len(located), which)}
	if right := len(located) - len(worst); right > 0 {
		group.Legend += fmt.Sprintf("; %d without a dress, in which none was found, are left out", right)
	}
	if len(worst) > worstPictured+middlePictured {
		worst, middle = worstLocated(located, worstPictured, middlePictured)
		group.Legend = fmt.Sprintf("the worst %d of %d %s", len(worst), len(located), which)
		if len(middle) > 0 {
			group.Legend += fmt.Sprintf(", and %d about the middle", len(middle))
		}
	}
	for _, l := range append(worst, middle...) {
		image, err := evaluation.OpenPhoto(l.Path)
		if err != nil {
			return nil, err
		}
		truth := l.Box
		if l.NoDress {
			truth = nil
		}
		pictured, err := report.NewLocatedPhoto(storage.WithoutSecrets(cmp.Or(l.Name, filepath.Base(l.Path))), image, truth, l.Found, l.Confidence)
		if err != nil {
			return nil, err
		}
		group.Photos = append(group.Photos, pictured)
	}
	return group, nil
}

// worstLocated chooses, of missed dresses, of photos without a dress in which one was found, and of the boxes that overlap
// the true ones least, about as many each, in this order, and as many in the middle of all. Photos without a dress in which
// none was found show nothing.
func worstLocated(located []evaluation.Located, worst, middle int) (bad, rest []evaluation.Located) {
	kinds := make([][]evaluation.Located, 3) // missed, false and found
	for _, l := range located {
		switch {
		case l.NoDress && l.Found != nil:
			kinds[1] = append(kinds[1], l)
		case l.NoDress:
		case l.Found == nil:
			kinds[0] = append(kinds[0], l)
		default:
			kinds[2] = append(kinds[2], l)
		}
	}
	slices.SortStableFunc(kinds[1], func(a, b evaluation.Located) int { return cmp.Compare(b.Confidence, a.Confidence) })
	slices.SortStableFunc(kinds[2], func(a, b evaluation.Located) int { return cmp.Compare(a.IoU(), b.IoU()) })
	var taken [3]int
	for n, before := 0, -1; n < worst && n != before; {
		before = n
		for i, of := range kinds {
			if n < worst && taken[i] < len(of) {
				taken[i]++
				n++
			}
		}
	}
	for i, of := range kinds {
		bad = append(bad, of[:taken[i]]...)
	}
	found := kinds[2][taken[2]:]
	at := max(len(kinds[2])/2-taken[2]-middle/2, 0)
	return bad, found[min(at, max(len(found)-middle, 0)):min(at+middle, len(found))]
}

// So many painted dresses, and painted rooms and streets without one, are pictured where no photo is kept apart.
const paintedDresses, paintedOthers = 20, 4

// paintedDomain has dresses that no training paints.
const paintedDomain = "report"

// picturePainted pictures painted photos that nothing is learned from.
func picturePainted(c *cli.Context, options training.Options, locate func([]datasets.Example) ([]evaluation.Located, error)) (report.Figures, error) {
	dir, err := os.MkdirTemp("", "kleid-report-")
	if err != nil {
		return report.Figures{}, err
	}
	defer os.RemoveAll(dir)
	if err := studio.WriteQueries(c.Context, dir, studio.Products(paintedDomain, options.Paint.Seed, paintedDresses), paintedDresses, nil); err != nil {
		return report.Figures{}, err
	}
	examples, err := studio.ReadTruth(dir)
	if err != nil {
		return report.Figures{}, err
	}
	for i := range paintedOthers {
		name := fmt.Sprintf("background-%d.jpg", i+1)
		data, err := studio.Background(options.Paint.Seed, studio.Shot{Index: uint64(i), Query: i%2 == 0}).JPEG()
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
		}
		if err != nil {
			return report.Figures{}, err
		}
		examples = append(examples, datasets.Example{Path: filepath.Join(dir, name), Name: name, NoDress: true, Fold: -1})
	}
	located, err := locate(examples)
	if err != nil {
		return report.Figures{}, err
	}
	group, err := pictureLocated(located, "painted photos that were not learned from")
	return report.Figures{Located: group}, err
}
