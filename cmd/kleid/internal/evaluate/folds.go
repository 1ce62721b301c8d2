package evaluate

import (
	"slices"

	"github.com/gomlx/gomlx/backends"
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/learning"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training"
	"github.com/kleid-search/kleid/storage"
)

// checkFoldFlags refuses flags of trainings where nothing is trained.
func checkFoldFlags(c *cli.Context) error {
	if c.Bool("folds") {
		return nil
	}
	for _, name := range []string{"triplets", "dresses", "products"} {
		if flags.OnCommandLine(c, name) {
			return exit.WrongUsage(c, "--%s are learned from, which --folds does", name)
		}
	}
	for _, name := range []string{"mining", "class-weights", "class-weight", "label-smoothing", "focal", "upper", "surroundings"} {
		if flags.OnCommandLine(c, name) {
			return exit.WrongUsage(c, "--%s is of what learns, which --folds does", name)
		}
	}
	return nil
}

// foldModels trains a model's heads without each fold of the photos in turn.
func foldModels(c *cli.Context, heads []string, m measured, model *models.Model, backend backends.Backend) (of []*models.Model, err error) {
	options := training.Options{
		Backend: backend, Reference: m.reference, From: model, Heads: heads,
		FacetLoss: training.DefaultFacetLoss(), Trunk: training.DefaultTrunkOptions(), Paint: training.DefaultPaintOptions(), Logger: terminal.Logger(c),
	}
	options.Paint = options.Paint.OfProducts(c.Int("products"))
	if m.location.photos != nil {
		options.Location = m.location.photos.ToLearn()
	}
	if slices.Contains(heads, "facets") {
		if options.FacetLoss, err = learning.FacetLoss(c, datasets.Facets(), options.FacetLoss); err != nil {
			return nil, err
		}
	}
	if err := learning.SetMining(c, &options); err != nil {
		return nil, err
	}
	if options.Work, err = storage.Open(c.Context, c.String("work")); err != nil {
		return nil, err
	}
	release, err := learning.ClaimWork(c.Context, options.Work)
	if err != nil {
		return nil, err
	}
	defer release()
	return training.Folds(c.Context, options)
}
