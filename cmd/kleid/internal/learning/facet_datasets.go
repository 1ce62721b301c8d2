package learning

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/cmd/kleid/internal/maxbad"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/evaluation"
	"github.com/kleid-search/kleid/models/training"
)

// StudioDataset is what --dataset calls the painted dresses.
const StudioDataset = "studio"

// DatasetArgument is one --dataset.
type DatasetArgument struct {
	Place  string
	Weight float64
}

// ParseDataset reads PLACE or PLACE=WEIGHT. A place that is there with a "=" in its name is meant.
func ParseDataset(text string) (DatasetArgument, error) {
	d := DatasetArgument{text, 1}
	at := strings.LastIndexByte(text, '=')
	if _, err := os.Stat(text); at < 0 || err == nil {
		return d, nil
	}
	weight, err := strconv.ParseFloat(text[at+1:], 64)
	if err != nil {
		return d, nil // a place with a "=" in its name, or none at all
	}
	if !(weight > 0 && weight < 1e9) {
		return d, fmt.Errorf("--dataset %q: the weight is %v, but must be more than 0 and less than 1e9", text, weight)
	}
	return DatasetArgument{text[:at], weight}, nil
}

// FacetDatasets are labelled photos to learn facets from, or to measure them with, as they are opened and read.
type FacetDatasets struct {
	CLI      *cli.Context
	Progress *terminal.Progress
	Bad      *maxbad.List
	fetched  string // folder of the photos of URLs
	Options  training.Options
	Mixture  training.Mixture
}

// NewFacetDatasets makes a folder for what is fetched; Close removes it.
func NewFacetDatasets(c *cli.Context, limit maxbad.Limit) (*FacetDatasets, error) {
	folder, err := os.MkdirTemp("", "kleid-photos-")
	if err != nil {
		return nil, err
	}
	p := terminal.NewProgress(c)
	return &FacetDatasets{CLI: c, Progress: p, Bad: maxbad.NewList(c, p, limit), fetched: folder}, nil
}

// Close ends the progress, and removes what was fetched.
func (f *FacetDatasets) Close() {
	f.Progress.End()
	os.RemoveAll(f.fetched)
}

// Open opens what is at a location.
func (f *FacetDatasets) Open(location string, facets []string) (*datasets.Dataset, error) {
	var known []string
	for _, facet := range append(datasets.Facets(), f.Options.From.Metadata().Facets...) {
		known = append(known, facet.Name)
	}
	defer f.Progress.End()
	return datasets.Open(f.CLI.Context, location, datasets.OpenOptions{
		Facets: facets, Known: known, Fetched: f.fetched,
		Progress: func(done, total int) { f.Progress.Show("opening "+location, done, total, "") },
	})
}

// ReadPhotos reads the photos of the mixture, and lists those that are bad.
func (f *FacetDatasets) ReadPhotos() (photos *training.FacetPhotos, err error) {
	if f.Options.Backend, err = open.Backend(f.CLI); err != nil {
		return nil, err
	}
	if photos, err = training.ReadFacetPhotos(f.CLI.Context, f.Options, f.Mixture); err != nil {
		return nil, err
	}
	return photos, f.Bad.Take(photos.Bad, photos.Total)
}

// FacetNames are those of the facets that are trained or measured.
func (f *FacetDatasets) FacetNames() []string {
	var names []string
	for _, facet := range f.Mixture.Plan.Facets {
		names = append(names, facet.Name)
	}
	return names
}

// Measured are the facets that are measured.
func (f *FacetDatasets) Measured() []catalog.Facet { return f.Mixture.Plan.Measured() }

// Rename calls what a model says as the plan calls it.
func (f *FacetDatasets) Rename(seen []embedding.Photo) {
	for i := range seen {
		for j := range seen[i].Facets {
			said := &seen[i].Facets[j]
			said.Label = f.Mixture.Plan.Renamed(said.Name, said.Label)
		}
	}
}

// Look embeds photos in their boxes. Those that have gone since they were first read are told, and left out of looked.
func (f *FacetDatasets) Look(embedder *embedding.Embedder, stage string, photos []training.LabelledPhoto) (looked []training.LabelledPhoto, seen []embedding.Photo, err error) {
	for begin := 0; begin < len(photos); begin += embedder.BatchSize() {
		end := min(begin+embedder.BatchSize(), len(photos))
		var inputs []embedding.Input
		for _, p := range photos[begin:end] {
			image, err := evaluation.OpenPhoto(p.Path)
			if err != nil {
				f.Progress.Say("bad: %s: %s", terminal.Printable(p.Source), terminal.Printable(err.Error()))
				continue
			}
			inputs, looked = append(inputs, embedding.Input{Image: image, Box: p.Box}), append(looked, p)
		}
		batch, err := embedder.Embed(f.CLI.Context, inputs)
		if err != nil {
			return nil, nil, err
		}
		seen = append(seen, batch...)
		f.Progress.Show(stage, end, len(photos), "")
	}
	return looked, seen, nil
}
