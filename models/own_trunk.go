package models

import (
	"strings"

	. "github.com/gomlx/gomlx/pkg/core/graph"
)

// ownTrunks is what the weights of trunks begin with that facets have to themselves, with the trunk's name behind.
const ownTrunks = "trunks."

// ownTrunk is the part of a net that a facet's own trunk of that name is.
func ownTrunk(net *Net, name string) *Net { return net.In("%s%s", ownTrunks, name) }

// WithTrunk is the model with a trunk that facets have to themselves in the place of its own: location and embeddings,
// which learned from the model's own, are not to be used. Without a name it is the model as it is.
func (m *Model) WithTrunk(name string) *Model {
	if name == "" {
		return m
	}
	weights := Weights{}
	for n, t := range m.Weights {
		if !strings.HasPrefix(n, "trunk.") {
			weights[n] = t
		}
	}
	weights.Merge("trunk.", m.Weights.Sub(ownTrunks+name+"."))
	return &Model{Config: m.Config, Weights: weights}
}

// SetTrunk gives a trunk's weights to some facets of the model, by name, to have to themselves; nil lets them read the
// model's own trunk. Trunks that no facet reads any more are dropped.
func (m *Model) SetTrunk(name string, trunk Weights, facets ...string) {
	if trunk == nil {
		name = ""
	}
	read := map[string]bool{}
	for i := range m.Config.Facets {
		f := &m.Config.Facets[i]
		for _, facet := range facets {
			if f.Name == facet {
				f.Trunk = name
			}
		}
		read[f.Trunk] = true
	}
	for n := range m.Weights {
		if rest, ok := strings.CutPrefix(n, ownTrunks); ok {
			if old, _, _ := strings.Cut(rest, "."); !read[old] || old == name {
				delete(m.Weights, n)
			}
		}
	}
	m.Weights.Merge(ownTrunks+name+".", trunk)
}

// OwnTrunks names the trunks that facets have to themselves.
func (c Config) OwnTrunks() []string {
	var names []string
	seen := map[string]bool{"": true}
	for _, f := range c.Facets {
		if !seen[f.Trunk] {
			seen[f.Trunk] = true
			names = append(names, f.Trunk)
		}
	}
	return names
}

// ownCells returns the cells of crops that each of Config.OwnTrunks sees.
func (m *Model) ownCells(net *Net, pixels *Node) []*Node {
	var all []*Node
	for _, name := range m.Config.OwnTrunks() {
		backbone, err := m.Trunk()
		if err != nil {
			panic(err)
		}
		features := m.Config.CropPass(ownTrunk(net, name), backbone, pixels).Features
		all = append(all, m.Config.Cells(features))
	}
	return all
}
