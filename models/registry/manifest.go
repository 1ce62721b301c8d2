package registry

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/models"
)

// About is where a model comes from and how good it is: as it is told, and else as its file has it in its notes.
type About struct {
	Parent  string             `json:"parent,omitempty"`  // the version that it was trained from
	Dataset string             `json:"dataset,omitempty"` // fingerprint or name of the data
	Code    string             `json:"code,omitempty"`    // version of the program that trained it
	Metrics map[string]float64 `json:"metrics,omitempty"` // figures on held-out data, by dotted names such as facets.neckline.macro_f1
	Comment string             `json:"comment,omitempty"`
}

// or takes from b what a does not say, figure by figure: a model is measured several times.
func (a About) or(b About) About {
	return About{cmp.Or(a.Parent, b.Parent), cmp.Or(a.Dataset, b.Dataset), cmp.Or(a.Code, b.Code), union(b.Metrics, a.Metrics), cmp.Or(a.Comment, b.Comment)}
}

// Manifest is what is known of a version.
type Manifest struct {
	Version string    `json:"version"`
	SHA256  string    `json:"sha256"` // of the file
	Bytes   int64     `json:"bytes"`
	Created time.Time `json:"created"` // when it was pushed
	About

	Backbone       string          `json:"backbone"`
	Precision      string          `json:"precision"`
	EmbeddingModel string          `json:"embedding_model"`
	FacetModel     string          `json:"facet_model"`
	Facets         []catalog.Facet `json:"facets"`
	// Embeds and Locates say whether it has embeddings and finds dresses, without which it makes no index.
	Embeds  bool              `json:"embeds,omitempty"`
	Locates bool              `json:"locates,omitempty"`
	Notes   map[string]string `json:"notes,omitempty"`
}

func describe(file []byte, model *models.Model, about About, now time.Time) Manifest {
	sum := hash(file)
	m := Manifest{
		Version: sum[:versionLength], SHA256: sum, Bytes: int64(len(file)), Created: now.UTC().Truncate(time.Second), About: about,
		Backbone: model.Config.Backbone, Precision: model.Precision(),
		EmbeddingModel: model.EmbeddingModel(), FacetModel: model.FacetModel(), Notes: model.Config.Notes,
		Embeds: model.Embeds(), Locates: model.Locates(),
	}
	for _, f := range model.Config.Facets {
		m.Facets = append(m.Facets, f.Facet)
	}
	return m
}

// ofLabel is in the names of figures of single labels: one photo of a rare one changes them much.
const ofLabel = ".labels."

// Figures by the last part of their names: lessIsBetter of which a model should have few, and those that say
// nothing of how good it is, such as how many photos there were, or how much better than one another two of its figures
// are. Of all others it should have much.
var (
	lessIsBetter  = []string{"missed", "false", "calibration_error"}
	saysNoQuality = []string{"photos", "dresses", "others", "triplets", "count", "queries", "gallery", "searches", "gain"}
)

// worseFigures lists the figures that are worse in b than in a by more than the tolerance, and those that b lacks.
func worseFigures(a, b Manifest, tolerance float64) (worse, missing []string) {
	for _, name := range slices.Sorted(maps.Keys(a.Metrics)) {
		last := name[strings.LastIndexByte(name, '.')+1:]
		if slices.Contains(saysNoQuality, last) || strings.Contains(name, ofLabel) {
			continue
		}
		before := a.Metrics[name]
		after, ok := b.Metrics[name]
		if !ok {
			missing = append(missing, name)
			continue
		}
		change := after - before
		if slices.Contains(lessIsBetter, last) {
			change = -change
		}
		if change < -tolerance {
			worse = append(worse, fmt.Sprintf("%s %.4g instead of %.4g", name, after, before))
		}
	}
	return worse, missing
}

// Diff lists what is different in b from a, one line for each.
func Diff(a, b Manifest) []string {
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, field := range []struct{ name, a, b string }{
		{"backbone", a.Backbone, b.Backbone},
		{"precision", a.Precision, b.Precision},
		{"embedding_model", a.EmbeddingModel, b.EmbeddingModel},
		{"facet_model", a.FacetModel, b.FacetModel},
		{"parent", a.Parent, b.Parent},
		{"dataset", a.Dataset, b.Dataset},
		{"code", a.Code, b.Code},
		{"bytes", fmt.Sprint(a.Bytes), fmt.Sprint(b.Bytes)},
	} {
		if field.a != field.b {
			add("%s: %s → %s", field.name, orNone(field.a), orNone(field.b))
		}
	}
	lines = append(lines, diffFacets(a.Facets, b.Facets)...)
	for _, name := range slices.Sorted(maps.Keys(union(a.Metrics, b.Metrics))) {
		before, inA := a.Metrics[name]
		after, inB := b.Metrics[name]
		switch {
		case !inA:
			add("%s: none → %.4g", name, after)
		case !inB:
			add("%s: %.4g → none", name, before)
		case before != after:
			add("%s: %.4g → %.4g (%+.4g)", name, before, after, after-before)
		}
	}
	return lines
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// union has the figures of both, b's where they share one.
func union(a, b map[string]float64) map[string]float64 {
	if a == nil {
		return maps.Clone(b)
	}
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// diffFacets tells which facets and labels came, went, or stand in another order.
func diffFacets(a, b []catalog.Facet) []string {
	var lines []string
	find := func(list []catalog.Facet, name string) (catalog.Facet, bool) {
		i := slices.IndexFunc(list, func(f catalog.Facet) bool { return f.Name == name })
		if i < 0 {
			return catalog.Facet{}, false
		}
		return list[i], true
	}
	for _, f := range a {
		if _, ok := find(b, f.Name); !ok {
			lines = append(lines, fmt.Sprintf("facet %s: gone", f.Name))
		}
	}
	for _, f := range b {
		before, ok := find(a, f.Name)
		if !ok {
			lines = append(lines, fmt.Sprintf("facet %s: new, with %d labels", f.Name, len(f.Labels)))
			continue
		}
		gone := without(before.Labels, f.Labels)
		come := without(f.Labels, before.Labels)
		if len(gone) > 0 {
			lines = append(lines, fmt.Sprintf("facet %s: labels gone: %q", f.Name, gone))
		}
		if len(come) > 0 {
			lines = append(lines, fmt.Sprintf("facet %s: labels new: %q", f.Name, come))
		}
		if len(gone) == 0 && len(come) == 0 && !slices.Equal(before.Labels, f.Labels) {
			lines = append(lines, fmt.Sprintf("facet %s: the order of labels", f.Name))
		}
	}
	return lines
}

func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(some, s) })
}
