package tables

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/kleid-search/kleid/evaluation"
)

// LocationHead names the columns of Location.
const LocationHead = "photos\tdresses\tmean IoU\tIoU ≥ 0.5\tIoU ≥ 0.75\tmissed\tothers\twith a dress all the same"

// Location shows how well dresses are found in photos.
func Location(row func(format string, args ...any), photos string, r evaluation.LocationReport) {
	row("%s", strings.Join(LocationRow(photos, r), "\t"))
}

// LocationRow is a row below LocationHead.
func LocationRow(photos string, r evaluation.LocationReport) []string {
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
