// Package tables shows figures of a model in tables.
package tables

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/evaluation"
)

// New starts a table on standard output, or nothing when JSON was asked for.
func New(c *cli.Context) func(format string, args ...any) {
	if c.Bool("json") {
		return func(string, ...any) {}
	}
	w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', tabwriter.AlignRight)
	return func(format string, args ...any) {
		if format == "" {
			w.Flush()
			return
		}
		fmt.Fprintf(w, format+"\t\n", args...)
	}
}

// Facets shows how facets are predicted, and what does not count.
func Facets(row func(format string, args ...any), reports []evaluation.FacetReport) {
	row("facet\tlabel\tphotos\tprecision\trecall\tF1\tmost often taken for")
	for _, r := range reports {
		for i, l := range r.Labels {
			row("%s\t%s\t%d\t%.3f\t%.3f\t%.3f\t%s", terminal.Printable(r.Facet), terminal.Printable(l.Label), l.Count, l.Precision, l.Recall, l.F1, MistakenFor(r.Confusion, i))
		}
	}
	row("")
	row("facet\tphotos\taccuracy\tmacro F1\t95%% interval\tweighted F1\tcalibration error")
	for _, r := range reports {
		row("%s\t%d\t%.3f\t%.3f\t%.3f–%.3f\t%.3f\t%.3f", terminal.Printable(r.Facet), r.Photos, r.Accuracy, r.MacroF1, r.MacroInterval[0], r.MacroInterval[1], r.WeightedF1, r.CalibrationError)
	}
	if len(reports) == 0 { // no label has photos enough
		row("mean\t\t\t–\t–\t\t")
	} else {
		mean := evaluation.Mean(reports)
		row("mean\t\t\t%.3f\t%.3f–%.3f\t\t", mean.MacroF1, mean.Interval[0], mean.Interval[1])
	}
	for _, r := range reports {
		if len(r.Unseen) > 0 {
			row("%s: no photo has %s, which does not count", terminal.Printable(r.Facet), terminal.Printable(strings.Join(r.Unseen, ", ")))
		}
		if len(r.Labels) == 1 {
			row("%s: all photos that count are %s: its precision says nothing, and F1 little", terminal.Printable(r.Facet), terminal.Printable(r.Labels[0].Label))
		}
	}
	row("")
}

// MistakenFor is the wrong answer that a label gets most often.
func MistakenFor(c evaluation.Confusion, label int) string {
	worst := -1
	for j, n := range c.Counts[label] {
		if j != label && n > 0 && (worst < 0 || n > c.Counts[label][worst]) {
			worst = j
		}
	}
	switch {
	case worst < 0:
		return ""
	case worst == len(c.Labels):
		return fmt.Sprintf("another (%d)", c.Counts[label][worst])
	}
	return fmt.Sprintf("%s (%d)", terminal.Printable(c.Labels[worst]), c.Counts[label][worst])
}

// Confusion shows the answers to each label that counts. title says of which facet, on which photos.
func Confusion(row func(format string, args ...any), title string, c evaluation.Confusion) {
	head := title + ": is \\ is taken for"
	for i := range c.Labels {
		head += fmt.Sprintf("\t%d", i+1)
	}
	row("%s\tanother", head)
	for i, label := range c.Labels {
		line := fmt.Sprintf("%s %d", terminal.Printable(label), i+1)
		for _, n := range c.Counts[i] {
			line += fmt.Sprintf("\t%d", n)
		}
		row("%s", line)
	}
	row("")
}

// Uncounted tells, facet by facet, of the labels that do not count.
func Uncounted(row func(format string, args ...any), uncounted []evaluation.UncountedLabel) {
	for len(uncounted) > 0 {
		first, photos := uncounted[0], 0
		var labels []string
		for len(uncounted) > 0 && uncounted[0].Facet == first.Facet {
			labels = append(labels, fmt.Sprintf("%s (%d)", terminal.Printable(uncounted[0].Label), uncounted[0].Photos))
			photos += uncounted[0].Photos
			uncounted = uncounted[1:]
		}
		row("%s: %d photos are left out, whose labels do not count (%s; see --min-count and --labels): %s", terminal.Printable(first.Facet), photos, first.Reason, strings.Join(labels, ", "))
		row("")
	}
}
