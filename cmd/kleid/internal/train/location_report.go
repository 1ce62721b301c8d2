package train

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/tables"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/evaluation"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/registry"
	"github.com/kleid-search/kleid/models/training"
	"github.com/kleid-search/kleid/models/training/report"
)

// locationFigures are the registry.MetricsFile of a training on photos with boxes.
type locationFigures struct {
	Location evaluation.LocationReport `json:"location"`
	Before   *locationFigures          `json:"before,omitempty"` // the model that was trained from, see registry.OfParent
}

// measureLocation prints how well the model finds the dresses in the photos that are kept apart, beside the one it comes
// from, and writes that for kleid models push and, with pictures, for the report. Where none is kept apart, the report has
// pictures of painted ones.
func measureLocation(c *cli.Context, progress *terminal.Progress, options training.Options, model *models.Model) (report.Figures, error) {
	locate := func(model *models.Model, photos []datasets.Example) ([]evaluation.Located, error) {
		embedder, err := embedding.NewDescriber(options.Backend, model)
		if err != nil {
			return nil, err
		}
		return evaluation.Locate(c.Context, evaluation.Part{Embedder: evaluation.Locating{Embedder: embedder}, Examples: photos})
	}
	if options.Location == nil || len(options.Location.Measured) == 0 {
		if options.Location != nil {
			progress.Say("There is nothing to measure with: no photo that says where the dress is, is kept apart. split = test marks some.")
		}
		return picturePainted(c, options, func(photos []datasets.Example) ([]evaluation.Located, error) { return locate(model, photos) })
	}
	photos := options.Location.Measured
	progress.Say("measuring with the %d photos that are kept apart", len(photos))
	located, err := locate(model, photos)
	if err != nil {
		return report.Figures{}, err
	}
	var measured report.Figures
	if measured.Located, err = pictureLocated(located, "photos that are kept apart"); err != nil {
		return measured, err
	}
	after := evaluation.MeasureLocation(located, 0)
	metrics := locationFigures{Location: after}
	table := report.Table{Title: "Photos kept apart", Caption: "how well the dress is found in them", Head: strings.Split(tables.LocationHead, "\t")}
	if options.From != nil && options.From.Locates() {
		of, err := locate(options.From, photos)
		if err != nil {
			return measured, err
		}
		before := evaluation.MeasureLocation(of, 0)
		metrics.Before = &locationFigures{Location: before}
		table.Rows = append(table.Rows, tables.LocationRow("kept apart, before", before))
		if after.Dresses > 0 && after.MeanIoU < before.MeanIoU {
			defer progress.Say("the mean IoU is %.3f, and was %.3f by the model before: for these photos that may be the better one", after.MeanIoU, before.MeanIoU)
		}
	}
	table.Rows = append(table.Rows, tables.LocationRow("kept apart", after))
	measured.Tables = []report.Table{table}
	row := tables.New(c)
	for _, cells := range append([][]string{table.Head}, table.Rows...) {
		row("%s", strings.Join(cells, "\t"))
	}
	row("")
	if err := put(c.Context, options.Work, registry.MetricsFile, writeJSON(metrics)); err != nil {
		return measured, fmt.Errorf("%s: %w", registry.MetricsFile, err)
	}
	return measured, nil
}
