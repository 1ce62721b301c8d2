package quality

import (
	"slices"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/evaluation"
)

// facetsOf are the facets of dataset, predictions and judgements, or those that are wanted, or the default ones; each with
// its labels: in the order that somebody gave, else in the model's, else in the default one, else by name.
func facetsOf(d *datasets.Dataset, predicted []catalog.Facet, all []datasets.Judgement, wanted []string) []catalog.Facet {
	var facets []catalog.Facet
	add := func(name string, labels ...string) {
		if len(wanted) > 0 && !slices.Contains(wanted, name) {
			return
		}
		i := slices.IndexFunc(facets, func(f catalog.Facet) bool { return f.Name == name })
		if i < 0 {
			i, facets = len(facets), append(facets, catalog.Facet{Name: name})
		}
		for _, label := range labels {
			if _, there := sameLabel(facets[i].Labels, label); !there {
				facets[i].Labels = append(facets[i].Labels, label)
			}
		}
	}
	for _, f := range d.Facets {
		add(f.Name, d.Order[f.Name]...)
	}
	for _, f := range predicted {
		add(f.Name, f.Labels...)
	}
	for _, name := range wanted {
		add(name)
	}
	var judged []catalog.Facet
	for _, j := range all {
		if j.Facet != datasets.DressFacet && j.Label != "" && j.Label != datasets.Unseen {
			judged = append(judged, catalog.Facet{Name: j.Facet, Labels: []string{j.Label}})
		}
	}
	for _, f := range judged {
		add(f.Name)
	}
	own := append(slices.Clone(d.Facets), judged...)
	for _, f := range datasets.Facets() {
		i := slices.IndexFunc(facets, func(g catalog.Facet) bool { return g.Name == f.Name })
		if i >= 0 && isOf(f.Labels, facets[i].Labels) && !slices.ContainsFunc(own, func(g catalog.Facet) bool { return g.Name == f.Name && !isOf(f.Labels, g.Labels) }) {
			add(f.Name, f.Labels...) // whose labels are the default ones, as far as there are some
		}
	}
	if len(facets) == 0 { // nothing is labelled yet
		return datasets.Facets()
	}
	for _, f := range own {
		add(f.Name, f.Labels...)
	}
	return facets
}

// isOf says whether all labels are among others.
func isOf(all, labels []string) bool {
	return !slices.ContainsFunc(labels, func(label string) bool { _, there := sameLabel(all, label); return !there })
}

// predictedFacets are those of a table of predictions, with their labels in its order.
func predictedFacets(file string) (facets []catalog.Facet, err error) {
	if file == "" {
		return nil, nil
	}
	for row, err := range evaluation.ReadPredictions(file) {
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(facets, func(f catalog.Facet) bool { return f.Name == row.Facet })
		if i < 0 {
			i, facets = len(facets), append(facets, catalog.Facet{Name: row.Facet})
		}
		if !slices.Contains(facets[i].Labels, row.Label) {
			facets[i].Labels = append(facets[i].Labels, row.Label)
		}
	}
	return facets, nil
}
