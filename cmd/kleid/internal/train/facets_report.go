package train

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/cmd/kleid/internal/tables"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/evaluation"
	"github.com/kleid-search/kleid/models/registry"
	"github.com/kleid-search/kleid/models/training"
	"github.com/kleid-search/kleid/models/training/report"
	"github.com/kleid-search/kleid/models/training/vocabulary"
	"github.com/kleid-search/kleid/storage"
)

// FacetsFigures is WORK/facets.json, and what `train facets --json` prints.
type FacetsFigures struct {
	Model          string               `json:"model"`
	EmbeddingModel string               `json:"embedding_model"`
	FacetModel     string               `json:"facet_model"`
	Parent         string               `json:"parent_facet_model"`
	Datasets       []datasetFigures     `json:"datasets"`
	Bad            int                  `json:"bad_photos"`
	Labels         []vocabulary.Change  `json:"labels"`
	Weights        []report.ClassWeight `json:"class_weights"`
	Train          []facetFigures       `json:"train"`
	Test           []facetFigures       `json:"test"`
	// Before is how the model that was trained from predicts, on the photos of Test, the facets that it knows.
	Before []facetFigures `json:"test_before"`
}

// datasetFigures is a dataset that was used.
type datasetFigures struct {
	Name        string  `json:"name"`
	Place       string  `json:"place"`
	Weight      float64 `json:"weight,omitempty"` // 0 of those that were only measured with
	Fingerprint string  `json:"fingerprint,omitempty"`
	Photos      int     `json:"photos,omitempty"` // bad ones included
}

// facetFigures is how a facet is predicted on photos that were, or were not, learned from.
type facetFigures struct {
	evaluation.FacetReport
	MacroPrecision    float64 `json:"macro_precision"`
	MacroRecall       float64 `json:"macro_recall"`
	WeightedPrecision float64 `json:"weighted_precision"`
	WeightedRecall    float64 `json:"weighted_recall"`
	// Temperature that the probabilities are calibrated with, and the expected calibration error before it.
	Temperature            float64 `json:"temperature"`
	CalibrationErrorBefore float64 `json:"calibration_error_before"`
}

// The files of predictions in --work.
const (
	predictionsParquetFile = "predictions.parquet"
	predictionsCSVFile     = "predictions.csv"
)

// beforeKey is where files of figures have those of the model that was trained from.
var beforeKey = strings.TrimSuffix(registry.OfParent, ".")

// measuredFiles are of one model.
var measuredFiles = []string{registry.StoryFile, registry.MetricsFile, predictionsParquetFile, predictionsCSVFile}

// measure looks at all photos with the new model, as it would look at them later, and writes figures and
// predictions.
func (f *facetTraining) measure(photos *training.FacetPhotos, fit *training.FacetFit) error {
	embedder, err := embedding.NewDescriber(f.Options.Backend, fit.Model)
	if err != nil {
		return err
	}
	facets := embedder.Metadata().Facets
	var predictions []evaluation.LabelProbability
	figures := FacetsFigures{
		Model: "model.safetensors", EmbeddingModel: fit.Model.EmbeddingModel(), FacetModel: fit.Model.FacetModel(), Parent: f.Options.From.FacetModel(),
		Datasets: f.sets, Bad: len(photos.Bad), Labels: f.Mixture.Plan.Changes, Weights: fit.Weights,
	}
	temperatures := map[string]float64{}
	for _, facet := range fit.Model.Config.Facets {
		temperatures[facet.Name] = facet.Temperature
	}
	for _, set := range []struct {
		name    string
		set     evaluation.Set
		photos  []training.LabelledPhoto
		figures *[]facetFigures
	}{
		{"learned from", evaluation.Learned, photos.Learned, &figures.Train}, {"kept apart", evaluation.Apart, photos.Measured, &figures.Test},
		{"of no use here", evaluation.Other, photos.Others, new([]facetFigures)},
	} {
		looked, seen, err := f.Look(embedder, "measuring with photos "+set.name, set.photos)
		if err != nil {
			return err
		}
		figures.Bad += len(set.photos) - len(looked)
		examples := make([]datasets.Example, len(seen))
		for i, p := range looked {
			examples[i] = p.Example
			rows := evaluation.LabelProbabilities(p.Source, p.PhotoID, figures.FacetModel, new(embedding.RowBox(seen[i].Box)), facets, seen[i].Facets)
			for r := range rows {
				rows[r].Truth, rows[r].Set = p.Labels[rows[r].Facet], set.set
			}
			predictions = append(predictions, rows...)
		}
		*set.figures = figuresOf(f.Measured(), examples, seen, temperatures)
	}
	fit.Measured(f.forReport(figures))
	if figures.Before, err = f.measureParent(photos.Measured); err != nil {
		return err
	}
	if err := f.write(figures, predictions); err != nil {
		return err
	}
	f.Progress.End()
	if f.CLI.Bool("json") {
		return json.NewEncoder(f.CLI.App.Writer).Encode(figures)
	}
	f.print(figures)
	f.Progress.Say("wrote model.safetensors and what is above to %s", f.Options.Work)
	return nil
}

// forReport are the figures that the report shows.
func (f *facetTraining) forReport(figures FacetsFigures) []report.MeasuredFacet {
	var measured []report.MeasuredFacet
	for _, facet := range f.Measured() {
		measured = append(measured, report.MeasuredFacet{Facet: facet, Learned: reported(figures.Train, facet.Name), Apart: reported(figures.Test, facet.Name)})
	}
	return measured
}

// reported are a facet's figures as the report takes them.
func reported(all []facetFigures, facet string) report.FacetFigures {
	at := slices.IndexFunc(all, func(r facetFigures) bool { return r.Facet == facet })
	if at < 0 {
		return report.FacetFigures{}
	}
	r := all[at]
	figures := report.FacetFigures{
		Photos: r.Photos, Accuracy: r.Accuracy, MacroF1: r.MacroF1, MacroInterval: r.MacroInterval, Answers: r.Confusion.Counts,
		CalibrationError: r.CalibrationError, CalibrationErrorBefore: r.CalibrationErrorBefore,
	}
	for _, l := range r.Labels {
		figures.Labels = append(figures.Labels, report.LabelFigures{Label: l.Label, Photos: l.Count, Precision: l.Precision, Recall: l.Recall, F1: l.F1})
	}
	for _, b := range r.Calibration() {
		figures.Calibration = append(figures.Calibration, report.CalibrationPoint(b))
	}
	return figures
}

// measureParent looks at photos with the model that was trained from.
func (f *facetTraining) measureParent(photos []training.LabelledPhoto) ([]facetFigures, error) {
	parent, temperatures := f.Options.From, map[string]float64{}
	for _, facet := range parent.Config.Facets {
		temperatures[facet.Name] = facet.Temperature
	}
	known := slices.DeleteFunc(slices.Clone(f.Measured()), func(facet catalog.Facet) bool { return temperatures[facet.Name] == 0 })
	if len(known) == 0 || len(photos) == 0 {
		return []facetFigures{}, nil
	}
	embedder, err := embedding.NewDescriber(f.Options.Backend, parent)
	if err != nil {
		return nil, err
	}
	looked, seen, err := f.Look(embedder, "measuring the model of before", photos)
	if err != nil {
		return nil, err
	}
	examples := make([]datasets.Example, len(seen))
	for i, p := range looked {
		examples[i] = p.Example
	}
	f.Rename(seen)
	return figuresOf(known, examples, seen, temperatures), nil
}

// figuresOf measures facets; every label that a photo has counts.
func figuresOf(facets []catalog.Facet, examples []datasets.Example, seen []embedding.Photo, temperatures map[string]float64) []facetFigures {
	before := map[string]float64{}
	for _, r := range evaluation.MeasureFacets(facets, examples, evaluation.Uncalibrated(seen, temperatures), evaluation.Counting{Least: 1}) {
		before[r.Facet] = r.CalibrationError
	}
	all := []facetFigures{}
	for _, r := range evaluation.MeasureFacets(facets, examples, seen, evaluation.Counting{Least: 1}) {
		figures := facetFigures{FacetReport: r, Temperature: temperatures[r.Facet], CalibrationErrorBefore: before[r.Facet]}
		for _, l := range r.Labels {
			figures.MacroPrecision += l.Precision / float64(len(r.Labels))
			figures.MacroRecall += l.Recall / float64(len(r.Labels))
			figures.WeightedPrecision += l.Precision * float64(l.Count) / float64(r.Photos)
			figures.WeightedRecall += l.Recall * float64(l.Count) / float64(r.Photos)
		}
		all = append(all, figures)
	}
	return all
}

// write writes figures and predictions to --work.
func (f *facetTraining) write(figures FacetsFigures, predictions []evaluation.LabelProbability) error {
	held := func(figures []facetFigures) map[string]any {
		reports := []evaluation.FacetReport{}
		for _, facet := range figures {
			reports = append(reports, facet.FacetReport)
		}
		return map[string]any{"facets": reports}
	}
	metrics := held(figures.Test)
	if len(figures.Before) > 0 {
		metrics[beforeKey] = held(figures.Before)
	}
	for _, file := range []struct {
		name  string
		write func(w io.Writer) error
	}{
		{registry.StoryFile, writeJSON(figures)},
		{registry.MetricsFile, writeJSON(metrics)},
		{predictionsParquetFile, func(w io.Writer) error { return evaluation.WritePredictionsParquet(w, predictions) }},
		{predictionsCSVFile, func(w io.Writer) error { return evaluation.WritePredictionsCSV(w, predictions) }},
	} {
		if err := put(f.CLI.Context, f.Options.Work, file.name, file.write); err != nil {
			return err
		}
	}
	return nil
}

func writeJSON(v any) func(w io.Writer) error {
	return func(w io.Writer) error {
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		return out.Encode(v)
	}
}

// put writes a blob, whole or not at all.
func put(ctx context.Context, bucket storage.Bucket, key string, write func(w io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	return bucket.Put(ctx, key, &b)
}

// print shows the figures as tables.
func (f *facetTraining) print(figures FacetsFigures) {
	row := tables.New(f.CLI)
	painted := func(string) string { return "" } // a column of its own, where there are painted photos
	if report.Mixed(figures.Weights) {
		painted = func(text string) string { return text + "\t" }
	}
	row("facet\tlabel\tweight\t%strain\tprecision\trecall\tF1\ttest\tprecision\trecall\tF1\tmost often taken for", painted("painted"))
	for _, facet := range f.Measured() {
		train, test := byLabel(figures.Train, facet.Name), byLabel(figures.Test, facet.Name)
		for _, label := range facet.Labels {
			taken := ""
			if at, ok := test[label]; ok {
				taken = at.taken
			}
			in := weightOf(figures.Weights, facet.Name, label)
			row("%s\t%s\t%.2f\t%s%s\t%s\t%s", facet.Name, terminal.Printable(label), in.Weight, painted(strconv.Itoa(in.Painted)), train[label], test[label], taken)
		}
	}
	row("")
	row("facet\tphotos\taccuracy\tmacro F1\t95%% interval\tprecision\trecall\tweighted F1\tprecision\trecall\ttemperature\tcalibration error\tuncalibrated")
	for _, set := range []struct {
		name    string
		figures []facetFigures
	}{{"train", figures.Train}, {"test", figures.Test}, {"test, before", figures.Before}} {
		for _, r := range set.figures {
			row("%s, %s\t%d\t%.3f\t%.3f\t%.3f–%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.2f\t%.3f\t%.3f", r.Facet, set.name, r.Photos, r.Accuracy,
				r.MacroF1, r.MacroInterval[0], r.MacroInterval[1], r.MacroPrecision, r.MacroRecall,
				r.WeightedF1, r.WeightedPrecision, r.WeightedRecall, r.Temperature, r.CalibrationError, r.CalibrationErrorBefore)
		}
	}
	row("")
	for _, r := range figures.Test {
		tables.Confusion(row, r.Facet+", test", r.Confusion)
	}
}

// labelRow is a label's figures on a set of photos; the zero value is of one without photos.
type labelRow struct {
	evaluation.LabelReport
	taken string
}

func (l labelRow) String() string {
	if l.Count == 0 {
		return "0\t\t\t"
	}
	return fmt.Sprintf("%d\t%.3f\t%.3f\t%.3f", l.Count, l.Precision, l.Recall, l.F1)
}

func byLabel(figures []facetFigures, facet string) map[string]labelRow {
	rows := map[string]labelRow{}
	for _, r := range figures {
		if r.Facet != facet {
			continue
		}
		for i, l := range r.Labels {
			rows[l.Label] = labelRow{l, tables.MistakenFor(r.Confusion, i)}
		}
	}
	return rows
}

func weightOf(weights []report.ClassWeight, facet, label string) report.ClassWeight {
	for _, w := range weights {
		if w.Facet == facet && w.Label == label {
			return w
		}
	}
	return report.ClassWeight{}
}
