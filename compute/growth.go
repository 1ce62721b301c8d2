package compute

// growth lets nodes draw in those that follow them, each of which is drawn in once.
type growth struct {
	uses  map[*value][]*node
	drawn map[*node]bool
}

func newGrowth(g *graph) growth { return growth{g.uses(), make(map[*node]bool)} }

// of lets a node draw in what reads its output and nobody else sees, then what reads that one's output, as long as draw
// says so; the last that was drawn in is returned, or the node itself.
func (g growth) of(n *node, draw func(next *node, output *value) bool) *node {
	for {
		users := g.uses[n.out()]
		if len(users) != 1 || users[0] == nil || g.drawn[users[0]] || !draw(users[0], n.out()) {
			return n
		}
		n = users[0]
		g.drawn[n] = true
	}
}
