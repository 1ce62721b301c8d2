package tables

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/models/training"
	"github.com/kleid-search/kleid/models/training/report"
)

// Shop prints the figures of a model, beside those of the one before, where there is one.
func Shop(c *cli.Context, before *training.ShopFigures, after training.ShopFigures) error {
	if after.Queries > 0 {
		if err := writeRecall(c, before, after); err != nil {
			return err
		}
	}
	if after.Triplets != nil {
		was := ""
		if before != nil {
			was = fmt.Sprintf("; before: %.3f and %.3f", before.Triplets.Unsupervised, before.Triplets.DeepRank)
		}
		fmt.Fprintf(c.App.Writer, "of %d triplets with a photo of those, people agree with the unsupervised embedding in %.3f and with DeepRank in %.3f%s\n",
			after.Triplets.Triplets, after.Triplets.Unsupervised, after.Triplets.DeepRank, was)
	}
	return nil
}

// writeRecall prints recallTable, and warns where another photo of a product comes first less often than before.
func writeRecall(c *cli.Context, before *training.ShopFigures, after training.ShopFigures) error {
	t := recallTable(before, after)
	w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range append([][]string{append([]string{t.Caption}, t.Head[1:]...)}, t.Rows...) {
		fmt.Fprintln(w, strings.Join(row, "\t")+"\t")
	}
	if before != nil {
		for _, of := range []struct {
			name          string
			before, after *training.RecallPair
		}{{"unsupervised", before.Unsupervised, after.Unsupervised}, {"DeepRank", before.DeepRank, after.DeepRank}} {
			if of.before != nil && of.after.At1 < of.before.At1 {
				terminal.Say(c, "%s finds another photo of a product first in %.3f, and the model before did in %.3f: for this catalogue that may be the better one", of.name, of.after.At1, of.before.At1)
			}
		}
	}
	return w.Flush()
}

// recallTable is how often another photo of a product comes first, or among the first five.
func recallTable(before *training.ShopFigures, after training.ShopFigures) report.Table {
	t := report.Table{
		Title: "Products kept apart", Caption: fmt.Sprintf("%d photos of products kept apart, each among %d others", after.Queries, after.Gallery),
		Head: []string{"embedding", "R@1", "R@5"}, Rows: [][]string{append([]string{"unsupervised"}, recallTexts(after.Unsupervised)...), append([]string{"DeepRank"}, recallTexts(after.DeepRank)...)},
	}
	if before != nil {
		t.Head = append(t.Head, "before: R@1", "before: R@5")
		t.Rows[0], t.Rows[1] = append(t.Rows[0], recallTexts(before.Unsupervised)...), append(t.Rows[1], recallTexts(before.DeepRank)...)
	}
	return t
}

// recallTexts are R@1 and R@5, as far as they are known.
func recallTexts(r *training.RecallPair) []string {
	switch {
	case r == nil:
		return []string{"–", "–"}
	case r.At5 == nil:
		return []string{figureText(r.At1), "–"}
	}
	return []string{figureText(r.At1), figureText(*r.At5)}
}

func figureText(v float64) string { return fmt.Sprintf("%.3f", v) }

// ShopReport are the tables of Shop, for the report of a training.
func ShopReport(before *training.ShopFigures, after training.ShopFigures) []report.Table {
	var tables []report.Table
	if after.Queries > 0 {
		tables = append(tables, recallTable(before, after))
	}
	if of := after.Triplets; of != nil {
		t := report.Table{
			Title: "Triplets kept apart", Caption: fmt.Sprintf("how often people agree with the embedding in %d triplets with a photo of products kept apart", of.Triplets),
			Head: []string{"embedding", "agreed"}, Rows: [][]string{{"unsupervised", figureText(of.Unsupervised)}, {"DeepRank", figureText(of.DeepRank)}},
		}
		if before != nil {
			t.Head = append(t.Head, "before")
			t.Rows[0], t.Rows[1] = append(t.Rows[0], figureText(before.Triplets.Unsupervised)), append(t.Rows[1], figureText(before.Triplets.DeepRank))
		}
		tables = append(tables, t)
	}
	return tables
}
