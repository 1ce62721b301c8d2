package train

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/learning"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models/training"
	"github.com/kleid-search/kleid/models/training/vocabulary"
)

// plan brings the labels together, reads what is said of them, shows what changes and asks for it.
func (f *facetTraining) plan(options vocabulary.Options) error {
	var sets []*datasets.Dataset
	for _, part := range f.Mixture.Parts {
		sets = append(sets, part.Dataset)
	}
	options.Tests, options.OwnTrunk = f.Mixture.Tests, f.Options.OwnTrunk > 0
	var err error
	if f.Mixture.Plan, err = vocabulary.NewPlan(f.Options.From.Config.Facets, sets, options); err != nil {
		return exit.WrongUsage(f.CLI, "%v", err)
	}
	f.tellWaiting(sets)
	if f.Options.FacetLoss, err = learning.FacetLoss(f.CLI, f.Mixture.Plan.Facets, training.DatasetFacetLoss()); err != nil {
		return err
	}
	if !f.Mixture.Plan.Changed() {
		return nil
	}
	return confirmLabels(f.CLI, f.Progress, f.Mixture.Plan)
}

// tellWaiting tells of labels in an order that no photo has: a shop may list those that it will have.
func (f *facetTraining) tellWaiting(sets []*datasets.Dataset) {
	for _, d := range sets {
		waiting := f.Mixture.Plan.Waiting(d)
		for _, facet := range slices.Sorted(maps.Keys(waiting)) {
			f.Progress.Say("labels.json of %s: no photo has %s %s, which is left out until one does", d.Name, facet, terminal.Printable(strings.Join(waiting[facet], ", ")))
		}
	}
}

// confirmLabels shows what changes in the labels of the model, and asks for it.
func confirmLabels(c *cli.Context, progress *terminal.Progress, plan vocabulary.Plan) error {
	if err := showLabels(progress, plan.Changes); err != nil {
		return err
	}
	return terminal.Confirm(c, "The labels of the model change, as shown.")
}

// showLabels tells what changes: a table, or a record for each label.
func showLabels(progress *terminal.Progress, changes []vocabulary.Change) error {
	if progress.Structured {
		for _, change := range changes {
			progress.Logger().Info("label", "facet", change.Facet, "label", change.Label, "photos", change.Photos, "fate", change.Fate, "from", change.From)
		}
		return nil
	}
	w := tabwriter.NewWriter(progress, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FACET\tLABEL\tPHOTOS\t")
	for _, change := range changes {
		what, photos := string(change.Fate), strconv.Itoa(change.Photos)
		switch change.Fate {
		case vocabulary.Renamed:
			what = "is " + terminal.Printable(change.From) + " renamed"
		case vocabulary.Gone:
			photos = ""
		case vocabulary.Anew:
			what += ": its head read another trunk, or its features in another way"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", terminal.Printable(change.Facet), terminal.Printable(change.Label), photos, what)
	}
	return w.Flush()
}
