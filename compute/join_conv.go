package compute

import (
	"slices"

	"github.com/kleid-search/kleid/compute/kernels"
)

// joinConvolutions makes one node of convolutions that read the same constant filters by Winograd's method and do not wait
// for each other, as where a network looks at a photo in several sizes: transformed filters are four times as large as
// filters, and larger than a small photo's images, so that reading them takes most of the time; joined, they are read
// once. Nodes come into an order in which such convolutions meet.
func joinConvolutions(g *graph) error {
	filters := sharedFiltersOf(g.nodes)
	if len(filters) == 0 {
		return nil
	}
	done := map[*node]bool{nil: true} // parameters and constants have no node
	ready := func(n *node) bool {
		return !slices.ContainsFunc(n.inputs, func(in *value) bool { return !done[in.node] })
	}
	var ordered []*node
	for rest := g.nodes; len(rest) > 0; {
		var waiting, group []*node
		for _, n := range rest {
			if _, shares := filters[n]; shares || !ready(n) {
				waiting = append(waiting, n)
				continue
			}
			ordered, done[n] = append(ordered, n), true
		}
		rest = nil
		for _, n := range waiting {
			if f, shares := filters[n]; shares && ready(n) && (group == nil || f == filters[group[0]]) {
				group = append(group, n)
			} else {
				rest = append(rest, n)
			}
		}
		if group != nil {
			n := joined(group)
			ordered, done[n] = append(ordered, n), true
		}
	}
	g.nodes = ordered
	return nil
}

// sharedFilters are constant filters, and how they are packed.
type sharedFilters struct {
	weights *constant
	packed  packedConv
}

// sharedFiltersOf are the filters of the convolutions by Winograd's method that share them with others.
func sharedFiltersOf(nodes []*node) map[*node]sharedFilters {
	filters := make(map[*node]sharedFilters)
	readers := make(map[sharedFilters]int)
	for _, n := range nodes {
		if n.op != opConvFused {
			continue
		}
		if v := newConv2D(n); v != nil && v.weights != nil && v.spec.Method() == kernels.Winograd {
			filters[n] = sharedFilters{v.weights, v.packedAs()}
			readers[filters[n]]++
		}
	}
	for n, f := range filters {
		if readers[f] == 1 {
			delete(filters, n)
		}
	}
	return filters
}

// joined is one node for convolutions that read the same filters.
func joined(group []*node) *node {
	if len(group) == 1 {
		return group[0]
	}
	all := &node{op: opConvsJoined}
	convs, inputs := make([]*conv2D, len(group)), make([]int, len(group)) // how many each has
	for i, n := range group {
		convs[i], inputs[i] = newConv2D(n), len(n.inputs)
		all.inputs = append(all.inputs, n.inputs...)
		out := n.out()
		out.node, out.index = all, i
		all.outputs = append(all.outputs, out)
	}
	all.prepare = func() { convs[0].packed() }
	all.kernel = func(c *call) {
		images, stored := make([]kernels.Images, len(convs)), make([]func(), len(convs))
		in := c.in
		for i, v := range convs {
			images[i] = kernels.Images{Conv: v.spec, X: v.x.load(c, in[0]), Epilogue: v.epilogue(c, in)}
			images[i].Dst, stored[i] = v.y.target(c, c.out[i])
			in = in[inputs[i]:]
		}
		convs[0].packed().ForwardAll(c.workers(), images)
		for _, store := range stored {
			store()
		}
	}
	return all
}
