package learning

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models/training/vocabulary"
)

// FacetNames reads --facets.
func FacetNames(c *cli.Context) ([]string, error) {
	var facets []string
	for _, text := range flags.Repeated(c, "facets") {
		for _, name := range strings.Split(text, ",") {
			facet, err := datasets.FacetName(name)
			if err != nil {
				return nil, exit.WrongUsage(c, "--facets: %v", err)
			}
			if slices.Contains(facets, facet) {
				return nil, exit.WrongUsage(c, "--facets names %s twice", facet)
			}
			facets = append(facets, facet)
		}
	}
	return facets, nil
}

// LabelOptions reads --facets, --labels and --rename.
func LabelOptions(c *cli.Context) (vocabulary.Options, error) {
	o := vocabulary.Options{Order: map[string][]string{}, Renamed: map[string]map[string]string{}}
	var err error
	if o.Facets, err = FacetNames(c); err != nil {
		return o, err
	}
	if err := FacetLabels(c, o.Order); err != nil {
		return o, err
	}
	for _, text := range flags.Repeated(c, "rename") {
		facet, rest, ok := strings.Cut(text, ":")
		old, name, ok2 := strings.Cut(rest, "=")
		if !ok || !ok2 || old == "" || name == "" {
			return o, exit.WrongUsage(c, "--rename is %q, but takes FACET:OLD=NEW", text)
		}
		if o.Renamed[facet] == nil {
			o.Renamed[facet] = map[string]string{}
		}
		o.Renamed[facet][old] = name
	}
	return o, nil
}

// FacetLabels reads --labels into labels by facet.
func FacetLabels(c *cli.Context, labels map[string][]string) error {
	for _, text := range flags.Repeated(c, "labels") {
		facet, list, ok := strings.Cut(text, "=")
		if !ok {
			return exit.WrongUsage(c, "--labels is %q, but takes FACET=LABEL,LABEL", text)
		}
		for _, label := range strings.Split(list, ",") {
			if label = strings.TrimSpace(label); label == "" {
				return exit.WrongUsage(c, "--labels %q: there is an empty label", text)
			}
			labels[facet] = append(labels[facet], label)
		}
	}
	return nil
}
