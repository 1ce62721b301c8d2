package evaluate

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/learning"
	"github.com/kleid-search/kleid/cmd/kleid/internal/maxbad"
	"github.com/kleid-search/kleid/cmd/kleid/internal/tables"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/evaluation"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/registry"
	"github.com/kleid-search/kleid/models/training"
)

// minConfidence is a flag of evaluate location.
const minConfidence = "min-confidence"

// minConfidences reads it; the other evaluations do not have it.
func minConfidences(c *cli.Context) ([]float64, error) {
	var confidences []float64
	for _, text := range flags.Repeated(c, minConfidence) {
		confidence, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(confidence) {
			return nil, exit.WrongUsage(c, "--%s is %q, but takes a number", minConfidence, text)
		}
		confidences = append(confidences, confidence)
	}
	return confidences, nil
}

// locationFlags are those of evaluate location alone.
func locationFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: minConfidence, EnvVars: flags.Env(minConfidence), Usage: "measure also as if a dress were taken for one from a confidence of `P`; may be repeated (in the variable parted by ;)"},
		learning.LocationDatasetFlag("evaluate-location-dataset", "to measure with, instead of --reference or beside it"),
		&cli.StringFlag{Name: "split", Value: allSplits, EnvVars: flags.Env("split"), Usage: "which photos of --dataset to measure with: all, or test, those that trainings keep apart"},
		maxbad.Flag(),
	}
}

// locationMeasured is what evaluate location measures with.
type locationMeasured struct {
	reference *datasets.Reference // nil for none
	photos    *training.LocationPhotos
	own       []datasets.Example // those of photos that are asked for
}

// locationChoice reads the flags that say what location is measured with: a --dataset of the command line takes the place of
// a --reference of the variable, and the other way round.
func locationChoice(c *cli.Context) (places []string, reference bool, err error) {
	if places, err = learning.LocationPlaces(c); err != nil {
		return nil, false, err
	}
	reference = c.String("reference") != ""
	switch {
	case flags.OnlyOther(c, "dataset", "reference"):
		places = nil
	case flags.OnlyOther(c, "reference", "dataset") && len(places) > 0:
		reference = false
	}
	split := c.String("split")
	switch {
	case len(places) == 0 && !reference:
		err = exit.WrongUsage(c, "%s needs --dataset, photos of your own, or --reference", c.Command.HelpName)
	case len(places) == 0 && flags.OnCommandLine(c, "split"):
		err = exit.WrongUsage(c, "--split goes with --dataset")
	case split != allSplits && split != string(datasets.Test):
		err = exit.WrongUsage(c, "--split is %q, but must be %s or %s", split, allSplits, datasets.Test)
	case flags.OnCommandLine(c, "split") && split != allSplits && c.Bool("folds"):
		err = exit.WrongUsage(c, "--split and --folds exclude each other: folds measure with all photos")
	}
	return places, reference, err
}

// readLocationMeasured reads the photos that location is measured with, before anything is trained, and leaves out bad ones;
// those of URLs are brought to a folder.
func readLocationMeasured(c *cli.Context, heads, places []string, withReference bool, fetched string) (m locationMeasured, err error) {
	limit, err := maxbad.Of(c)
	if err != nil {
		return m, err
	}
	progress := terminal.NewProgress(c)
	defer progress.End()
	options := training.Options{Logger: progress.Logger(), Watch: progress.WatchTraining()}
	var bad []maxbad.Kind
	if withReference {
		var of maxbad.Kind
		if m.reference, of, err = openMeasuredReference(c, progress, heads); err != nil {
			return m, err
		}
		options.Reference, bad = m.reference, append(bad, of)
	}
	if len(places) > 0 {
		if m.photos, err = learning.ReadLocationPhotos(c, progress, options, places, fetched); err != nil {
			return m, err
		}
		bad = append(bad, maxbad.Kind{Name: "photos", Bad: m.photos.Bad, Total: m.photos.Total})
	}
	list := maxbad.NewList(c, progress, limit)
	if err := list.TakeKinds(bad...); err != nil || m.photos == nil {
		return m, err
	}
	learning.TellLeftOut(progress, m.photos)
	m.own = m.photos.All()
	if c.String("split") != allSplits && !c.Bool("folds") {
		m.own = m.photos.Measured
	}
	if len(m.own) == 0 {
		return m, errors.New("--dataset has no photo to measure with: that takes the dress's box (x_min, y_min, x_max, y_max), or is_dress no, and, for --split test, one that is kept apart")
	}
	return m, nil
}

// learnedShare is the share of the dataset's photos that location of a model has learned from, where its file tells; it is
// told, too.
func (m locationMeasured) learnedShare(c *cli.Context, model *models.Model) (share float64, ok bool) {
	share, ok = model.Config.Learned[models.LearnedLocation].Share(training.ExampleIDs(m.own))
	if share > 0 {
		terminal.Say(c, "the model has learned from about %.0f%% of these photos, so that its figures are better than they would be on others: --split test measures with those that its training kept apart", 100*share)
	}
	return share, ok
}

func evaluateLocation(c *cli.Context, m measured) (any, error) {
	reports := map[string]any{}
	row := tables.New(c)
	row(tables.LocationHead)
	measure := func(name, key string, examples []datasets.Example) error {
		parts := m.parts(examples)
		for i, e := range m.embedders {
			parts[i].Embedder = evaluation.Locating{Embedder: e}
		}
		confidences := append([]float64{m.confidence}, m.confidences...)
		rs, err := evaluation.LocationAt(c.Context, confidences, parts...)
		if err != nil {
			return err
		}
		for i, r := range rs {
			from := ""
			if i > 0 {
				from = fmt.Sprintf(", from %g", confidences[i])
			}
			reports[key+from] = r
			tables.Location(row, name+from, r)
		}
		return nil
	}
	if m.reference != nil {
		for _, set := range []struct {
			name string
			read func() ([]datasets.Example, error)
		}{{"street", m.reference.Street}, {"home", m.reference.Garments}} {
			examples, err := set.read()
			if err != nil {
				return nil, err
			}
			if err := measure(set.name, set.name, examples); err != nil {
				return nil, err
			}
		}
	}
	if len(m.location.own) > 0 {
		if err := measure("photos", "location", m.location.own); err != nil {
			return nil, err
		}
	}
	row("")
	if m.learned != nil {
		reports[registry.LearnedFromKey] = m.learned
	}
	return reports, nil
}
