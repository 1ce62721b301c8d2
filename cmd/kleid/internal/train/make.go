package train

import (
	"context"
	"encoding/json"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training"
	"github.com/kleid-search/kleid/models/training/report"
)

// makeModel trains what the options say, and measures it with the photos that are kept apart.
func makeModel(c *cli.Context, progress *terminal.Progress, options training.Options) error {
	measuring := options
	options.Measure = func(_ context.Context, model *models.Model) (report.Figures, error) {
		progress.End()
		progress.Say("wrote model.safetensors to %s: %d parameters, embedding model %s", c.String("work"), model.Weights.Parameters(), model.EmbeddingModel())
		switch {
		case measuring.Shop != nil:
			return measureShop(c, measuring, model)
		case training.LearnsLocation(measuring.Heads) && model.Locates():
			return measureLocation(c, progress, measuring, model)
		}
		return report.Figures{}, nil
	}
	model, err := training.Make(c.Context, options)
	if err != nil {
		if c.Context.Err() != nil {
			progress.Say("What is trained is kept: the same command goes on from there.")
		}
		return err
	}
	if options.Shop != nil {
		return nil
	}
	return printTrained(c, model)
}

// printTrained prints the one line of --json, which kleid train facets has.
func printTrained(c *cli.Context, model *models.Model) error {
	if !c.Bool("json") {
		return nil
	}
	return json.NewEncoder(c.App.Writer).Encode(trainedModel{"model.safetensors", model.EmbeddingModel(), model.FacetModel()})
}

// trainedModel is what a training prints that measures nothing.
type trainedModel struct {
	Model          string `json:"model"`
	EmbeddingModel string `json:"embedding_model"`
	FacetModel     string `json:"facet_model"`
}
