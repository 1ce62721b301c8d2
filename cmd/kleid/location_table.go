package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/evaluation"
)

const locationHead = "photos\tdresses\tmean IoU\tIoU ≥ 0.5\tIoU ≥ 0.75\tmissed\tothers\twith a dress all the same"

func writeLocation(row func(format string, args ...any), photos string, r evaluation.LocationReport) {
	row("%s", strings.Join(locationRow(photos, r), "\t"))
}

// locationRow is a row below locationHead.
func locationRow(photos string, r evaluation.LocationReport) []string {
	row := []string{photos, strconv.Itoa(r.Dresses), "–", "–", "–", "–", strconv.Itoa(r.Others), "–"}
	if r.Dresses > 0 {
		row[2] = figureText(r.MeanIoU)
		for i, share := range []float64{r.IoU50, r.IoU75, r.Missed} {
			row[3+i] = fmt.Sprintf("%.1f%%", 100*share)
		}
	}
	if r.Others > 0 {
		row[7] = fmt.Sprintf("%.1f%%", 100*r.False)
	}
	return row
}

// locating finds dresses and describes none: location is measured by that alone.
type locating struct{ *embedding.Embedder }

// Embed is evaluation.Embedder's.
func (l locating) Embed(ctx context.Context, inputs []embedding.Input) ([]embedding.Photo, error) {
	return l.Locate(ctx, inputs)
}
