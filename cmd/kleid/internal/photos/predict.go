package photos

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/output"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/evaluation"
)

// PredictReport is what `predict --json` prints.
type PredictReport struct {
	FacetModel string `json:"facet_model"`
	// Facets have the labels in the model's order, which the photos' objects do not keep.
	Facets []catalog.Facet  `json:"facets"`
	Photos []PredictedPhoto `json:"photos"`
}

// PredictedPhoto is what `predict --json` prints of a photo.
type PredictedPhoto struct {
	Source  string         `json:"source"`
	PhotoID string         `json:"photo_id,omitempty"`
	Status  catalog.Status `json:"status"`
	Error   string         `json:"error,omitempty"`
	// Box is where the dress is, in pixels of the upright photo, half-open.
	Box           *catalog.Box `json:"box,omitempty"`
	BoxConfidence float32      `json:"box_confidence,omitempty"`
	// Facets hold the probabilities of all labels.
	Facets map[string]map[string]float32 `json:"facets,omitempty"`
	// Confident says of each facet that its most likely label is good enough to filter by.
	Confident map[string]bool `json:"confident,omitempty"`
	// Colours are the dominant ones, the largest share first.
	Colours []catalog.Colour `json:"colours,omitempty"`
}

// PredictCommand names the facets of dresses in photos.
func PredictCommand() *cli.Command {
	return &cli.Command{
		Name:      "predict",
		Usage:     "name the facets of the dresses in photos, with the probability of each label",
		ArgsUsage: "PHOTO…",
		Description: `A photo is a path, an https:// or s3:// URL, or - for standard input. The table shows the three most likely
labels of each facet, and the dominant colours with their shares; the JSON and the file of --out have all. A facet is
unsure where its most likely label is not good enough to filter by. In the JSON, photos have the dress's box, the
probabilities by label and which facets are confident, and facets the labels in the model's order. The file of --out has
no rows of photos without a dress, and of those that cannot be read: the table and the JSON name them. When a photo cannot
be read, the others are shown all the same, and the exit code is 1. Of several dresses in a photo the most confident one
is described: kleid embed tells where the others are, for --box. A model without embeddings will do, and with --box one
without location.

Examples:
  kleid predict dress.jpg
  kleid predict dress.jpg --box 40,60,280,520
  kleid predict *.jpg --out predictions.parquet
  kleid predict dress.jpg --models build/facets/model.safetensors --json`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "out", EnvVars: flags.Env("predict-out"), Usage: "`FILE` to write: a .parquet or .csv with a row for each label of each photo with a dress"},
			boxFlag(),
			flags.JSON(),
		}, open.EmbedderFlags()...),
		Action: predictAction,
	}
}

func predictAction(c *cli.Context) error {
	if !c.Args().Present() {
		return exit.WrongUsage(c, "%s needs a photo", c.Command.HelpName)
	}
	box, err := givenBox(c)
	if err != nil {
		return err
	}
	if n := c.NArg(); box != nil && n > 1 {
		return exit.WrongUsage(c, "--box is of one photo, and there are %d", n)
	}
	out := c.String("out")
	if extension := filepath.Ext(out); out != "" && extension != ".parquet" && extension != ".csv" {
		return exit.WrongUsage(c, "--out is %q, but must end in .parquet or .csv", out)
	}
	var file *output.File
	if out != "" {
		if file, err = output.Create(c, "out"); err != nil {
			return err
		}
		defer file.Close()
	}
	embedder, err := open.Describer(c, box != nil)
	if err != nil {
		return err
	}
	p := terminal.NewProgress(c)
	defer p.End()
	photos, err := embedAll(c, showEmbedding(p), embedder, c.Args().Slice(), box)
	if err != nil {
		return err
	}
	p.End()
	facets := embedder.Metadata().Facets
	if file != nil {
		if err := writePredictions(file, filepath.Ext(out), embedder.Metadata(), photos); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		err = json.NewEncoder(c.App.Writer).Encode(PredictReport{embedder.Metadata().FacetModel, facets, predicted(facets, photos)})
	} else {
		err = predictTable(c, facets, photos)
	}
	if err != nil {
		return err
	}
	return allReadable(photos)
}

func predicted(facets []catalog.Facet, photos []EmbeddedPhoto) []PredictedPhoto {
	list := make([]PredictedPhoto, len(photos))
	for i, p := range photos {
		list[i] = PredictedPhoto{Source: p.Source, PhotoID: p.PhotoID, Status: p.Status, Error: p.Error, Box: p.Box, BoxConfidence: p.BoxConfidence, Colours: p.Colours}
		for _, one := range p.predictions {
			if list[i].Confident == nil {
				list[i].Confident = map[string]bool{}
			}
			list[i].Confident[one.Name] = one.Confident
		}
		for _, r := range evaluation.LabelProbabilities(p.Source, p.PhotoID, "", p.Box, facets, p.predictions) {
			if list[i].Facets == nil {
				list[i].Facets = map[string]map[string]float32{}
			}
			if list[i].Facets[r.Facet] == nil {
				list[i].Facets[r.Facet] = map[string]float32{}
			}
			list[i].Facets[r.Facet][r.Label] = r.Probability
		}
	}
	return list
}

func writePredictions(file *output.File, extension string, meta catalog.Metadata, photos []EmbeddedPhoto) error {
	var rows []evaluation.LabelProbability
	for _, p := range photos {
		rows = append(rows, evaluation.LabelProbabilities(p.Source, p.PhotoID, meta.FacetModel, p.Box, meta.Facets, p.predictions)...)
	}
	write := evaluation.WritePredictionsCSV
	if extension == ".parquet" {
		write = evaluation.WritePredictionsParquet
	}
	if err := write(file, rows); err != nil {
		return err
	}
	return file.Keep()
}

func predictTable(c *cli.Context, facets []catalog.Facet, photos []EmbeddedPhoto) error {
	table := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PHOTO\tFACET\tLABEL\tOR\tOR")
	for _, p := range photos {
		name := terminal.Printable(p.Source)
		switch p.Status {
		case catalog.StatusOK:
		case catalog.StatusNoDress:
			fmt.Fprintf(table, "%s\tno dress\n", name)
			continue
		default:
			fmt.Fprintf(table, "%s\t%s\n", name, terminal.Printable(p.Error))
			continue
		}
		fmt.Fprintf(table, "%s\tdress\t%s\n", name, boxText(*p.Box, p.BoxConfidence))
		for _, facet := range facets {
			if i := slices.IndexFunc(p.predictions, func(one embedding.Prediction) bool { return one.Name == facet.Name }); i >= 0 {
				fmt.Fprintf(table, "\t%s\t%s\n", terminal.Printable(facet.Name), strings.Join(mostLikely(facet, p.predictions[i], 3), "\t"))
			}
		}
		if len(p.Colours) > 0 {
			fmt.Fprintf(table, "\tcolours\t%s\n", strings.Join(coloursText(p.Colours), "\t"))
		}
	}
	return table.Flush()
}

// mostLikely lists the n most likely labels with their probabilities, and whether the first is unsure.
func mostLikely(facet catalog.Facet, p embedding.Prediction, n int) []string {
	order := make([]int, len(facet.Labels))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p.Probabilities[b], p.Probabilities[a]) })
	var texts []string
	for _, i := range order[:min(n, len(order))] {
		texts = append(texts, fmt.Sprintf("%s %.0f%%", terminal.Printable(facet.Labels[i]), 100*p.Probabilities[i]))
	}
	if !p.Confident && len(texts) > 0 {
		texts[0] += ", unsure"
	}
	return texts
}
