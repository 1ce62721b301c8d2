package registry

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kleid-search/kleid/models"
)

// ofLabel is in the names of figures of single labels: one photo of a rare one changes them much.
const ofLabel = ".labels."

// OfParent begins the names of figures of the parent, on the photos that the version itself was measured on: a shop's photos
// are others in every night, and those that figures of before were measured on may be gone.
const OfParent = "before."

// Figures by the last part of their names: lessIsBetter of which a model should have few, and those that say
// nothing of how good it is, such as how many photos there were, or how much better than one another two of its figures
// are. Of all others it should have much.
var (
	lessIsBetter  = []string{"missed", "false", "calibration_error"}
	saysNoQuality = []string{"photos", "dresses", "others", "triplets", "count", "queries", "gallery", "searches", "gain"}
)

// Beginnings of the names of figures, as evaluations and trainings print them, that are of a part of the model.
var (
	ofLocation   = []string{"location", "street", "home", "painted.location"}
	ofEmbeddings = []string{"shop", "triplets", "patterns", "again"}
	embeddings   = []string{"deeprank", "unsupervised"}
)

// partOf is the part of the model, as models.Model.Parts calls it, that a figure is of; "" where it may be of all.
func (m Manifest) partOf(figure string) string {
	name, _, _ := strings.Cut(figure, ofLabel)
	begins := func(with string) bool { // "street, from 0.5" is of the street, too
		rest, ok := strings.CutPrefix(name, with)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == ',')
	}
	switch {
	case slices.ContainsFunc(ofLocation, begins):
		return models.LocationPart
	case slices.ContainsFunc(ofEmbeddings, begins):
		return models.EmbeddingsPart
	}
	part, several := "", false
	words := strings.Split(name, ".")
	for _, f := range m.Facets {
		if slices.Contains(words, f.Name) {
			part, several = models.FacetPart(f.Name), part != ""
		}
	}
	if several || slices.ContainsFunc(embeddings, func(e string) bool { return slices.Contains(words, e) }) {
		return ""
	}
	return part
}

// same says whether what a figure of m measures is the same in another version, to the bit.
func (m Manifest) same(figure string, other Manifest) bool {
	if part := m.partOf(figure); part != "" {
		return m.Parts[part] != "" && m.Parts[part] == other.Parts[part]
	}
	for name, part := range m.Parts {
		if other.Parts[name] != part {
			return false
		}
	}
	return len(m.Parts) > 0
}

// inherit takes from another version the figures of what is the same in both, where m was not measured itself, and says
// whether that changed anything.
func (m *Manifest) inherit(from Manifest) (changed bool) {
	of := About{Metrics: map[string]float64{}, MeasuredOn: map[string]string{}}
	inherited := map[string]string{}
	for figure, value := range from.Metrics {
		measured, on := cmp.Or(from.Inherited[figure], from.Version), from.MeasuredOn[figure]
		before, has := m.Metrics[figure]
		own := has && m.Inherited[figure] != measured
		if strings.HasPrefix(figure, OfParent) || own || has && before == value && m.MeasuredOn[figure] == on || !from.same(figure, *m) {
			continue
		}
		of.Metrics[figure], inherited[figure] = value, measured
		if on != "" {
			of.MeasuredOn[figure] = on
		}
	}
	if len(inherited) == 0 {
		return false
	}
	m.About, m.Inherited = of.or(m.About), union(m.Inherited, inherited)
	return true
}

// comparison is what stands against a version beside another one, by figures.
type comparison struct {
	worse     []string // what is worse, and by how much
	missing   []string // that the version lacks
	elsewhere []string // measured on other photos
	unsure    []string // of which it is not known whether they were measured on the same photos
}

// figuresOf are those of another version to compare m's with: its own and, where m was trained from it, those that it has on
// the photos of m, which are the better ones.
func (m Manifest) figuresOf(old Manifest) (figures map[string]float64, measuredOn map[string]string) {
	figures, measuredOn = map[string]float64{}, map[string]string{}
	for name, value := range old.Metrics {
		if !strings.HasPrefix(name, OfParent) {
			figures[name], measuredOn[name] = value, old.MeasuredOn[name]
		}
	}
	if m.Parent != old.Version {
		return figures, measuredOn
	}
	for name, value := range m.Metrics {
		of, ok := strings.CutPrefix(name, OfParent)
		if on := m.MeasuredOn[name]; ok && on != "" && on == m.MeasuredOn[of] {
			figures[of], measuredOn[of] = value, on
		}
	}
	return figures, measuredOn
}

// compare looks for what is worse in m than in old by more than the tolerance, or cannot be compared. What is the same in
// both is no worse, whatever it was measured on.
func (m Manifest) compare(old Manifest, tolerance float64) (c comparison) {
	known, measuredOn := m.figuresOf(old)
	for _, name := range slices.Sorted(maps.Keys(known)) {
		last := name[strings.LastIndexByte(name, '.')+1:]
		if slices.Contains(saysNoQuality, last) || strings.Contains(name, ofLabel) || old.same(name, m) {
			continue
		}
		before := known[name]
		after, ok := m.Metrics[name]
		if !ok {
			c.missing = append(c.missing, name)
			continue
		}
		switch a, b := measuredOn[name], m.MeasuredOn[name]; {
		case a == "" || b == "":
			c.unsure = append(c.unsure, name)
		case a != b:
			c.elsewhere = append(c.elsewhere, name)
			continue
		}
		change := after - before
		if slices.Contains(lessIsBetter, last) {
			change = -change
		}
		if change < -tolerance {
			c.worse = append(c.worse, fmt.Sprintf("%s %.4g instead of %.4g", name, after, before))
		}
	}
	return c
}

// diffFigures lists the figures that are different in b from a, or that were measured on other photos; those of single
// labels where both have them.
func diffFigures(a, b Manifest) []string {
	var lines []string
	known, measuredOn := b.figuresOf(a)
	for _, name := range slices.Sorted(maps.Keys(union(known, b.Metrics))) {
		if strings.HasPrefix(name, OfParent) {
			continue
		}
		before, inA := known[name]
		after, inB := b.Metrics[name]
		if inA != inB && strings.Contains(name, ofLabel) { // dozens, of labels or facets that are told as such
			continue
		}
		onA, onB := measuredOn[name], b.MeasuredOn[name]
		var line string
		switch elsewhere := onA != "" && onB != "" && onA != onB; {
		case !inA:
			line = fmt.Sprintf("%s: none → %.4g", name, after)
		case !inB:
			line = fmt.Sprintf("%s: %.4g → none", name, before)
		case elsewhere: // and the difference says nothing
			line = fmt.Sprintf("%s: %.4g → %.4g, measured on other photos", name, before, after)
		case before != after:
			line = fmt.Sprintf("%s: %.4g → %.4g (%+.4g)", name, before, after, after-before)
		default:
			continue
		}
		if from := b.Inherited[name]; from != "" {
			line += ", inherited from " + from
		}
		lines = append(lines, line)
	}
	return lines
}

// union has the entries of both, b's where they share one; nil if there are none.
func union[V any](a, b map[string]V) map[string]V {
	if len(a)+len(b) == 0 {
		return nil
	}
	all := make(map[string]V, len(a)+len(b))
	maps.Copy(all, a)
	maps.Copy(all, b)
	return all
}

// families are the names of figures without their last parts, each once.
func families(figures []string) []string {
	var names []string
	for _, name := range figures {
		if at := strings.LastIndexByte(name, '.'); at >= 0 {
			name = name[:at]
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
