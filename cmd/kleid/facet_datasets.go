package main

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

// studioDataset is what --dataset calls the painted dresses.
const studioDataset = "studio"

// datasetArgument is one --dataset.
type datasetArgument struct {
	location string
	weight   float64
}

// parseDataset reads PLACE or PLACE=WEIGHT. A place that is there with a "=" in its name is meant.
func parseDataset(text string) (datasetArgument, error) {
	d := datasetArgument{text, 1}
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
	return datasetArgument{text[:at], weight}, nil
}

// facetDatasets are labelled photos to learn facets from, or to measure them with, as they are opened and read.
type facetDatasets struct {
	c        *cli.Context
	progress *terminal.Progress
	bad      *maxbad.List
	fetched  string // folder of the photos of URLs
	options  training.Options
	mixture  training.Mixture
}

func newFacetDatasets(c *cli.Context, limit maxbad.Limit) (*facetDatasets, error) {
	folder, err := os.MkdirTemp("", "kleid-photos-")
	if err != nil {
		return nil, err
	}
	p := terminal.NewProgress(c)
	return &facetDatasets{c: c, progress: p, bad: maxbad.NewList(c, p, limit), fetched: folder}, nil
}

// close ends the progress, and removes what was fetched.
func (f *facetDatasets) close() {
	f.progress.End()
	os.RemoveAll(f.fetched)
}

// dataset opens what is at a location.
func (f *facetDatasets) dataset(location string, facets []string) (*datasets.Dataset, error) {
	var known []string
	for _, facet := range append(datasets.Facets(), f.options.From.Metadata().Facets...) {
		known = append(known, facet.Name)
	}
	defer f.progress.End()
	return datasets.Open(f.c.Context, location, datasets.OpenOptions{
		Facets: facets, Known: known, Fetched: f.fetched,
		Progress: func(done, total int) { f.progress.Show("opening "+location, done, total, "") },
	})
}

// readPhotos reads the photos of the mixture, and lists those that are bad.
func (f *facetDatasets) readPhotos() (photos *training.FacetPhotos, err error) {
	if f.options.Backend, err = open.Backend(f.c); err != nil {
		return nil, err
	}
	if photos, err = training.ReadFacetPhotos(f.c.Context, f.options, f.mixture); err != nil {
		return nil, err
	}
	return photos, f.bad.Take(photos.Bad, photos.Total)
}

// facetNames are those of the facets that are trained or measured.
func (f *facetDatasets) facetNames() []string {
	var names []string
	for _, facet := range f.mixture.Plan.Facets {
		names = append(names, facet.Name)
	}
	return names
}

// facetsOf are the facets that are measured.
func (f *facetDatasets) facetsOf() []catalog.Facet { return f.mixture.Plan.Measured() }

// rename calls what a model says as the plan calls it.
func (f *facetDatasets) rename(seen []embedding.Photo) {
	for i := range seen {
		for j := range seen[i].Facets {
			said := &seen[i].Facets[j]
			said.Label = f.mixture.Plan.Renamed(said.Name, said.Label)
		}
	}
}

// look embeds photos in their boxes. Those that have gone since they were first read are told, and left out of looked.
func (f *facetDatasets) look(embedder *embedding.Embedder, stage string, photos []training.LabelledPhoto) (looked []training.LabelledPhoto, seen []embedding.Photo, err error) {
	for begin := 0; begin < len(photos); begin += embedder.BatchSize() {
		end := min(begin+embedder.BatchSize(), len(photos))
		var inputs []embedding.Input
		for _, p := range photos[begin:end] {
			image, err := evaluation.OpenPhoto(p.Path)
			if err != nil {
				f.progress.Say("bad: %s: %s", terminal.Printable(p.Source), terminal.Printable(err.Error()))
				continue
			}
			inputs, looked = append(inputs, embedding.Input{Image: image, Box: p.Box}), append(looked, p)
		}
		batch, err := embedder.Embed(f.c.Context, inputs)
		if err != nil {
			return nil, nil, err
		}
		seen = append(seen, batch...)
		f.progress.Show(stage, end, len(photos), "")
	}
	return looked, seen, nil
}
