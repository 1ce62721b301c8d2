package registry

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/storage"
)

// About is where a model comes from and how good it is: as it is told, and else as its file has it in its notes.
type About struct {
	Parent  string             `json:"parent,omitempty"`  // the version that it was trained from
	Dataset string             `json:"dataset,omitempty"` // fingerprint or name of the data
	Code    string             `json:"code,omitempty"`    // version of the program that trained it
	Metrics map[string]float64 `json:"metrics,omitempty"` // figures on held-out data, by dotted names such as facets.neckline.macro_f1
	// MeasuredOn has, for figures, the fingerprint of the photos that they were measured on, where it is known: figures of
	// other photos are not compared.
	MeasuredOn map[string]string `json:"measured_on,omitempty"`
	Comment    string            `json:"comment,omitempty"`
}

// or takes from b what a does not say, figure by figure: a model is measured several times.
func (a About) or(b About) About {
	measuredOn := maps.Clone(b.MeasuredOn)
	for figure := range a.Metrics { // it was measured anew, perhaps elsewhere
		delete(measuredOn, figure)
	}
	return About{
		Parent: cmp.Or(a.Parent, b.Parent), Dataset: cmp.Or(a.Dataset, b.Dataset), Code: cmp.Or(a.Code, b.Code), Comment: cmp.Or(a.Comment, b.Comment),
		Metrics: union(b.Metrics, a.Metrics), MeasuredOn: union(measuredOn, a.MeasuredOn),
	}
}

// Manifest is what is known of a version.
type Manifest struct {
	Version string    `json:"version"`
	SHA256  string    `json:"sha256"` // of the file
	Bytes   int64     `json:"bytes"`
	Created time.Time `json:"created"` // when it was pushed; an earlier Kleid wrote whole seconds
	About
	// Inherited has, for figures of parts that are the same as another version's, to the bit, which version they were
	// measured with.
	Inherited map[string]string `json:"inherited,omitempty"`

	Backbone       string          `json:"backbone"`
	Precision      string          `json:"precision"`
	EmbeddingModel string          `json:"embedding_model"`
	FacetModel     string          `json:"facet_model"`
	Facets         []catalog.Facet `json:"facets"`
	// Embeds and Locates say whether it has embeddings and finds dresses, without which it makes no index.
	Embeds  bool              `json:"embeds,omitempty"`
	Locates bool              `json:"locates,omitempty"`
	Notes   map[string]string `json:"notes,omitempty"`
	// Parts are models.Model.Parts; nil in manifests of before there were any.
	Parts map[string]string `json:"parts,omitempty"`
}

func describe(file []byte, model *models.Model, about About, now time.Time) Manifest {
	sum := hash(file)
	m := Manifest{
		Version: sum[:versionLength], SHA256: sum, Bytes: int64(len(file)), Created: now.UTC().Truncate(time.Microsecond), About: about,
		Backbone: model.Config.TrunkName(), Precision: model.Precision(),
		EmbeddingModel: model.EmbeddingModel(), FacetModel: model.FacetModel(), Notes: model.Config.Notes,
		Embeds: model.Embeds(), Locates: model.Locates(), Parts: model.Parts(),
	}
	for _, f := range model.Config.Facets {
		m.Facets = append(m.Facets, f.Facet)
	}
	return m
}

// text is what is written of it.
func (m Manifest) text() ([]byte, error) {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	text = append(text, '\n')
	if len(text) > textLimit {
		return nil, fmt.Errorf("the manifest of %s: %w: %d bytes, more than the %d that are read: say less of the model", m.Version, storage.ErrTooLarge, len(text), textLimit)
	}
	return text, nil
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
	return append(lines, diffFigures(a, b)...)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// diffFacets tells which facets and labels came, went, or stand in another order.
func diffFacets(a, b []catalog.Facet) []string {
	var lines []string
	for _, name := range facetsGone(a, b) {
		lines = append(lines, fmt.Sprintf("facet %s: gone", name))
	}
	for _, f := range b {
		at := slices.IndexFunc(a, func(before catalog.Facet) bool { return before.Name == f.Name })
		if at < 0 {
			lines = append(lines, fmt.Sprintf("facet %s: new, with %d labels", f.Name, len(f.Labels)))
			continue
		}
		before := a[at]
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

// facetsGone are the names of a's facets that b has not.
func facetsGone(a, b []catalog.Facet) []string {
	return without(facetNames(a), facetNames(b))
}

func facetNames(facets []catalog.Facet) []string {
	names := make([]string, len(facets))
	for i, f := range facets {
		names[i] = f.Name
	}
	return names
}

func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(some, s) })
}
