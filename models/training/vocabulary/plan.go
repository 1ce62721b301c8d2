// Package vocabulary brings together the labels that a model knows and those that datasets have, before any photo is decoded:
// which there will be, and what becomes of each.
package vocabulary

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models"
)

// Fate is what becomes of a label when a head is fitted to other ones.
type Fate string

// The fates. Kept and Renamed labels keep their weights.
const (
	Kept    Fate = "kept"
	Renamed Fate = "renamed"
	Added   Fate = "new"
	Gone    Fate = "gone"
	// Anew is of a facet whose head read something else than what it is trained with, such as another trunk: it
	// begins from nothing.
	Anew Fate = "begins anew"
)

// Change is the fate of one label.
type Change struct {
	Facet  string `json:"facet"`
	Label  string `json:"label"`
	Fate   Fate   `json:"fate"`
	From   string `json:"from,omitempty"` // the model's label whose weights it keeps
	Photos int    `json:"photos"`         // of the datasets that have it, painted ones aside
}

// Plan is how a model's facets become those of datasets.
type Plan struct {
	// Facets are to be trained, with their labels in order.
	Facets []catalog.Facet
	// Changes are those of all labels of these facets, in their order; what is gone comes last in each facet.
	Changes []Change
	Start   string // the trunk that the facets are trained with, or that theirs starts from
	Roots   bool   // whether the heads read roots, see models.FacetConfig.Roots

	names   map[string]map[string]string // facet, label in a dataset: label in Facets
	renamed map[string]map[string]string // Options.Renamed
	apart   map[string][]string          // labels of each facet that only Options.Tests have
}

// Options say how labels are brought together. The zero value takes all facets of the datasets.
type Options struct {
	// Facets are the names of those that are trained.
	Facets []string
	// Order has, by facet, labels in their order, each of which a dataset or the model has: those of the model are there
	// whether a photo has them or not. Other labels come behind them.
	Order map[string][]string
	// Renamed has, by facet, new names for labels of the model or of the datasets.
	Renamed map[string]map[string]string
	// Tests are measured with. What they call a label that nothing is learned from, is answered wrongly.
	Tests []*datasets.Dataset
	// OwnTrunk says that the facets get a trunk to themselves.
	OwnTrunk bool
}

// Distinct are a model's labels of a facet, but for those that are renamed to another one: an order of them.
func (o Options) Distinct(facet catalog.Facet) []string {
	var labels []string
	seen := map[string]bool{}
	for _, label := range facet.Labels {
		if name := datasets.LooseLabel(cmp.Or(o.Renamed[facet.Name][label], label)); !seen[name] {
			seen[name] = true
			labels = append(labels, label)
		}
	}
	return labels
}

// NewPlan brings the labels of a model and of datasets together. A facet's labels are those that the datasets
// have, in the order that is given, else that of a dataset whose labels somebody put in order, else the model's
// with new ones behind. Labels that differ in case, spaces, - and _ alone are one label, in the spelling of the
// first dataset.
func NewPlan(model []models.FacetConfig, sets []*datasets.Dataset, options Options) (Plan, error) {
	plan := Plan{names: map[string]map[string]string{}, renamed: options.Renamed, apart: map[string][]string{}}
	known := map[string][]string{} // the model's labels
	for _, f := range model {
		known[f.Name] = f.Labels
	}
	names := options.Facets
	if len(names) == 0 {
		names = allFacets(model, sets)
	}
	for _, facet := range names {
		if err := plan.add(facet, known[facet], sets, options); err != nil {
			return Plan{}, err
		}
	}
	for what, given := range map[string][]string{
		"an order of labels": slices.Collect(maps.Keys(options.Order)), "a new name of a label": slices.Collect(maps.Keys(options.Renamed)),
	} {
		for _, facet := range given {
			if !slices.Contains(names, facet) {
				return Plan{}, fmt.Errorf("there is %s for %s, which is not among the facets", what, facet)
			}
		}
	}
	if options.OwnTrunk {
		plan.Start = sharedTrunk(model, names)
	} else { // heads of a model from before there were roots go on as they are
		plan.Roots = !slices.ContainsFunc(model, func(f models.FacetConfig) bool {
			return slices.Contains(names, f.Name) && f.Trunk == "" && !f.Roots
		})
	}
	for _, f := range model {
		for i := range plan.Changes {
			if c := &plan.Changes[i]; c.Facet == f.Name && c.From != "" && (f.Trunk != plan.Start || f.Roots != plan.Roots) {
				c.Fate = Anew
			}
		}
	}
	return plan, nil
}

// sharedTrunk is the one that all these facets of the model have to themselves, "" if there is none.
func sharedTrunk(model []models.FacetConfig, names []string) string {
	var trunks []string
	for _, f := range model {
		if slices.Contains(names, f.Name) {
			trunks = append(trunks, f.Trunk)
		}
	}
	if trunks = slices.Compact(trunks); len(trunks) == 1 {
		return trunks[0]
	}
	return ""
}

// allFacets are those of the datasets, the model's first and in its order. What only painted dresses have is not meant
// where there are photos.
func allFacets(model []models.FacetConfig, sets []*datasets.Dataset) []string {
	photos := slices.DeleteFunc(slices.Clone(sets), func(d *datasets.Dataset) bool { return len(d.Examples) == 0 })
	if len(photos) > 0 {
		sets = photos
	}
	var found, names []string
	for _, d := range sets {
		for _, f := range d.Facets {
			found = append(found, f.Name)
		}
	}
	for _, f := range model {
		if slices.Contains(found, f.Name) {
			names = append(names, f.Name)
		}
	}
	for _, name := range found {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// add plans a facet; known are the model's labels.
func (p *Plan) add(facet string, known []string, sets []*datasets.Dataset, options Options) error {
	renamed := options.Renamed[facet]
	rename := func(label string) string { return cmp.Or(renamed[label], label) }
	spelling := map[string]string{} // by loose name
	learn := func(label string) string {
		label = rename(label)
		if _, ok := spelling[datasets.LooseLabel(label)]; !ok {
			spelling[datasets.LooseLabel(label)] = label
		}
		return spelling[datasets.LooseLabel(label)]
	}
	unknown := maps.Clone(renamed)
	var labels []string // those that there will be
	for _, label := range options.Order[facet] {
		if labels = append(labels, learn(label)); slices.Contains(labels[:len(labels)-1], labels[len(labels)-1]) {
			return fmt.Errorf("the order of %s has label %q twice", facet, label)
		}
	}
	ordered, photos := len(labels), map[string]int{}
	var found []string // in datasets
	p.names[facet] = map[string]string{}
	for _, d := range sets {
		for _, f := range d.Facets {
			if f.Name != facet {
				continue
			}
			for _, label := range f.Labels {
				delete(unknown, label)
				p.names[facet][label] = learn(label)
				found = append(found, learn(label))
				if !slices.Contains(labels, learn(label)) {
					labels = append(labels, learn(label))
				}
			}
		}
		for _, e := range d.Examples {
			if label, ok := e.Labels[facet]; ok {
				photos[learn(label)]++
			}
		}
	}
	if len(p.names[facet]) == 0 {
		return fmt.Errorf("no dataset has labels of %s", facet)
	}
	if len(labels) < 2 {
		return fmt.Errorf("the datasets have one label of %s, %q: there is nothing to tell apart", facet, labels[0])
	}
	from := map[string]string{} // label: the model's label whose weights it takes
	for _, exact := range []bool{true, false} {
		for _, label := range known {
			delete(unknown, label)
			to := spelling[datasets.LooseLabel(rename(label))]
			if slices.Contains(labels, to) && from[to] == "" && (to == label || !exact) && !slices.Contains(slices.Collect(maps.Values(from)), label) {
				from[to] = label
			}
		}
	}
	for _, d := range options.Tests {
		for _, f := range d.Facets {
			if f.Name != facet {
				continue
			}
			for _, label := range f.Labels {
				delete(unknown, label)
				label = learn(label)
				found = append(found, label)
				if !slices.Contains(labels, label) && !slices.Contains(p.apart[facet], label) {
					p.apart[facet] = append(p.apart[facet], label)
				}
			}
		}
	}
	for label := range unknown {
		return fmt.Errorf("there is a new name for label %q of %s, which neither the model nor a dataset has", label, facet)
	}
	for _, label := range labels[:ordered] { // a class without photos is most likely a slip of the pen
		if from[label] == "" && !slices.Contains(found, label) {
			slices.Sort(found)
			return fmt.Errorf("the order of %s has label %q, which neither a photo nor the model has; photos have %s", facet, label, shortList(slices.Compact(found)))
		}
	}
	labels = append(labels[:ordered:ordered], inOrder(labels[ordered:], facet, from, known, sets, learn)...)
	p.Facets = append(p.Facets, catalog.Facet{Name: facet, Labels: labels})
	for _, label := range labels {
		c := Change{Facet: facet, Label: label, Fate: Added, From: from[label], Photos: photos[label]}
		switch c.From {
		case "":
		case label:
			c.Fate = Kept
		default:
			c.Fate = Renamed
		}
		p.Changes = append(p.Changes, c)
	}
	for _, label := range known {
		if !slices.Contains(slices.Collect(maps.Values(from)), label) {
			p.Changes = append(p.Changes, Change{Facet: facet, Label: label, Fate: Gone})
		}
	}
	return nil
}

// inOrder puts labels in the order of the first dataset that has one, then of the model, then by name.
func inOrder(labels []string, facet string, from map[string]string, known []string, sets []*datasets.Dataset, learn func(string) string) []string {
	place := map[string]int{}
	at := func(label string) {
		if _, ok := place[label]; !ok && slices.Contains(labels, label) {
			place[label] = len(place)
		}
	}
	for _, d := range sets {
		for _, label := range d.Order[facet] {
			at(learn(label))
		}
	}
	for _, label := range known {
		for to, own := range from {
			if own == label {
				at(to)
			}
		}
	}
	for _, label := range slices.Sorted(slices.Values(labels)) {
		at(label)
	}
	return slices.SortedFunc(slices.Values(labels), func(a, b string) int { return cmp.Compare(place[a], place[b]) })
}

// Changed says whether a model's labels change at all, but for their order.
func (p Plan) Changed() bool {
	return slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Fate != Kept })
}

// Measured are Facets with the labels, behind theirs, that only datasets to measure with have.
func (p Plan) Measured() []catalog.Facet {
	facets := slices.Clone(p.Facets)
	for i, f := range facets {
		facets[i].Labels = slices.Concat(f.Labels, p.apart[f.Name])
	}
	return facets
}

// Label is the name of a dataset's label in the plan, as Measured has it; "" of a facet or label that is not in it. One
// that only datasets to measure with have may be spelled otherwise.
func (p Plan) Label(facet, label string) string {
	if name, ok := p.names[facet][label]; ok {
		return name
	}
	label = cmp.Or(p.renamed[facet][label], label)
	for _, f := range p.Measured() {
		if f.Name != facet {
			continue
		}
		for _, known := range f.Labels {
			if datasets.LooseLabel(known) == datasets.LooseLabel(label) {
				return known
			}
		}
	}
	return ""
}

// Renamed is what a label of the model is called in the plan.
func (p Plan) Renamed(facet, label string) string {
	for _, c := range p.Changes {
		if c.Facet == facet && c.From == label {
			return c.Label
		}
	}
	return cmp.Or(p.Label(facet, label), label) // one of several that become one
}

// Waiting are the labels, by facet, that a dataset's order names and that are not in the plan, since no photo has them.
func (p Plan) Waiting(d *datasets.Dataset) map[string][]string {
	waiting := map[string][]string{}
	for _, f := range p.Facets {
		for _, label := range d.Order[f.Name] {
			if p.Label(f.Name, label) == "" {
				waiting[f.Name] = append(waiting[f.Name], label)
			}
		}
	}
	return waiting
}

// Examples are a dataset's with the labels of the plan. Those of other facets are left out.
func (p Plan) Examples(d *datasets.Dataset) []datasets.Example {
	examples := slices.Clone(d.Examples)
	for i, e := range examples {
		examples[i].Labels = map[string]string{}
		for facet, label := range e.Labels {
			if name := p.Label(facet, label); name != "" {
				examples[i].Labels[facet] = name
			}
		}
	}
	return examples
}

// shortList names a few and counts the rest.
func shortList(names []string) string {
	const most = 12
	if len(names) <= most {
		return fmt.Sprintf("%q", names)
	}
	return fmt.Sprintf("%q and %d more", names[:most], len(names)-most)
}
