package main

import (
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/evaluation"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training"
)

// locationFigures are the metricsFile of a training on photos with boxes.
type locationFigures struct {
	Location evaluation.LocationReport `json:"location"`
	Before   *locationFigures          `json:"before,omitempty"` // the model that was trained from, see registry.OfParent
}

// measureLocation prints how well the model finds the dresses in the photos that are kept apart, beside the one it comes
// from, and writes that for kleid models push.
func measureLocation(c *cli.Context, progress *progress, options training.Options, model *models.Model) error {
	photos := options.Location.Measured
	if len(photos) == 0 {
		progress.say("There is nothing to measure with: no photo that says where the dress is, is kept apart. split = test marks some.")
		return nil
	}
	of := func(model *models.Model) (evaluation.LocationReport, error) {
		embedder, err := embedding.NewDescriber(options.Backend, model)
		if err != nil {
			return evaluation.LocationReport{}, err
		}
		return evaluation.Location(c.Context, evaluation.Part{Embedder: locating{embedder}, Examples: photos})
	}
	progress.say("measuring with the %d photos that are kept apart", len(photos))
	after, err := of(model)
	if err != nil {
		return err
	}
	metrics := locationFigures{Location: after}
	row := evaluationTable(c)
	row(locationHead)
	if options.From != nil && options.From.Locates() {
		before, err := of(options.From)
		if err != nil {
			return err
		}
		metrics.Before = &locationFigures{Location: before}
		writeLocation(row, "kept apart, before", before)
		if after.Dresses > 0 && after.MeanIoU < before.MeanIoU {
			defer progress.say("the mean IoU is %.3f, and was %.3f by the model before: for these photos that may be the better one", after.MeanIoU, before.MeanIoU)
		}
	}
	writeLocation(row, "kept apart", after)
	row("")
	return put(c.Context, options.Work, metricsFile, writeJSON(metrics))
}
