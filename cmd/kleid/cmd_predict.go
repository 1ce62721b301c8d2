package main

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
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/evaluation"
)

// predictReport is what `predict --json` prints.
type predictReport struct {
	FacetModel string `json:"facet_model"`
	// Facets have the labels in the model's order, which the photos' objects do not keep.
	Facets []catalog.Facet  `json:"facets"`
	Photos []predictedPhoto `json:"photos"`
}

// predictedPhoto is what `predict --json` prints of a photo.
type predictedPhoto struct {
	Source  string         `json:"source"`
	PhotoID string         `json:"photo_id,omitempty"`
	Status  catalog.Status `json:"status"`
	Error   string         `json:"error,omitempty"`
	// Facets hold the probabilities of all labels.
	Facets map[string]map[string]float32 `json:"facets,omitempty"`
	// Colours are the dominant ones, the largest share first.
	Colours []catalog.Colour `json:"colours,omitempty"`
}

// predictCommand names the facets of dresses in photos.
func predictCommand() *cli.Command {
	return &cli.Command{
		Name:      "predict",
		Usage:     "name the facets of the dresses in photos, with the probability of each label",
		ArgsUsage: "PHOTO…",
		Description: `A photo is a path, an https:// or s3:// URL, or - for standard input. The table shows the three most likely
labels of each facet, and the dominant colours with their shares; the JSON and the file of --out have all. In the JSON,
photos have the probabilities by label, and facets the labels in the model's order. When a photo cannot be read, the
others are shown all the same, and the exit code is 1.

Examples:
  kleid predict dress.jpg
  kleid predict *.jpg --out predictions.parquet
  kleid predict dress.jpg --models build/facets/model.safetensors --json`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "out", EnvVars: env("predict-out"), Usage: "`FILE` to write: a .parquet or .csv with a row for each photo and label"},
			jsonFlag(),
		}, embedderFlags()...),
		Action: predictAction,
	}
}

func predictAction(c *cli.Context) error {
	if !c.Args().Present() {
		return wrongUsage(c, "%s needs a photo", c.Command.HelpName)
	}
	out := c.String("out")
	if extension := filepath.Ext(out); out != "" && extension != ".parquet" && extension != ".csv" {
		return wrongUsage(c, "--out is %q, but must end in .parquet or .csv", out)
	}
	var file *outputFile
	if out != "" {
		var err error
		if file, err = createOutput(c, "out"); err != nil {
			return err
		}
		defer file.Close()
	}
	embedder, err := newEmbedder(c)
	if err != nil {
		return err
	}
	p := newProgress(c)
	defer p.end()
	photos, err := embedAll(c, p, embedder, c.Args().Slice())
	if err != nil {
		return err
	}
	p.end()
	facets := embedder.Metadata().Facets
	if file != nil {
		if err := writePredictions(file, filepath.Ext(out), facets, photos); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		err = json.NewEncoder(c.App.Writer).Encode(predictReport{embedder.Metadata().FacetModel, facets, predicted(facets, photos)})
	} else {
		err = predictTable(c, facets, photos)
	}
	if err != nil {
		return err
	}
	return allReadable(photos)
}

func predicted(facets []catalog.Facet, photos []embeddedPhoto) []predictedPhoto {
	list := make([]predictedPhoto, len(photos))
	for i, p := range photos {
		list[i] = predictedPhoto{Source: p.Source, PhotoID: p.PhotoID, Status: p.Status, Error: p.Error, Colours: p.Colours}
		for _, r := range evaluation.LabelProbabilities(p.Source, p.PhotoID, facets, p.predictions) {
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

func writePredictions(file *outputFile, extension string, facets []catalog.Facet, photos []embeddedPhoto) error {
	var rows []evaluation.LabelProbability
	for _, p := range photos {
		rows = append(rows, evaluation.LabelProbabilities(p.Source, p.PhotoID, facets, p.predictions)...)
	}
	write := evaluation.WritePredictionsCSV
	if extension == ".parquet" {
		write = evaluation.WritePredictionsParquet
	}
	if err := write(file, rows); err != nil {
		return err
	}
	return file.keep()
}

func predictTable(c *cli.Context, facets []catalog.Facet, photos []embeddedPhoto) error {
	table := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PHOTO\tFACET\tLABEL\tOR\tOR")
	for _, p := range photos {
		name := printable(p.Source)
		switch p.Status {
		case catalog.StatusOK:
		case catalog.StatusNoDress:
			fmt.Fprintf(table, "%s\tno dress\n", name)
			continue
		default:
			fmt.Fprintf(table, "%s\t%s\n", name, printable(p.Error))
			continue
		}
		for _, facet := range facets {
			if i := slices.IndexFunc(p.predictions, func(one embedding.Prediction) bool { return one.Name == facet.Name }); i >= 0 {
				fmt.Fprintf(table, "%s\t%s\t%s\n", name, facet.Name, strings.Join(mostLikely(facet, p.predictions[i], 3), "\t"))
				name = ""
			}
		}
		if len(p.Colours) > 0 {
			fmt.Fprintf(table, "%s\tcolours\t%s\n", name, strings.Join(coloursText(p.Colours), "\t"))
		}
	}
	return table.Flush()
}

// coloursText lists dominant colours with their shares of the dress.
func coloursText(colours []catalog.Colour) []string {
	var texts []string
	for _, c := range colours {
		texts = append(texts, fmt.Sprintf("%s %.0f%%", printable(c.Name), 100*c.Share))
	}
	return texts
}

// mostLikely lists the n most likely labels with their probabilities.
func mostLikely(facet catalog.Facet, p embedding.Prediction, n int) []string {
	order := make([]int, len(facet.Labels))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p.Probabilities[b], p.Probabilities[a]) })
	var texts []string
	for _, i := range order[:min(n, len(order))] {
		texts = append(texts, fmt.Sprintf("%s %.0f%%", printable(facet.Labels[i]), 100*p.Probabilities[i]))
	}
	return texts
}
