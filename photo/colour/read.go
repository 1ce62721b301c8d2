package colour

import (
	"cmp"
	"math"
	"slices"
)

// Dominant is one of the dominant colours of a dress.
type Dominant struct {
	Name string
	Lab
	Share float64 // of the dress, 0..1
}

// Reading is what Division.Read sees.
type Reading struct {
	// Dominant are the dominant colours, at most five, each of another name, the largest share first. Their shares sum
	// to 1.
	Dominant []Dominant
	// Evidence is how much of the dress each of Labels covers, in their order; it sums to 1. The
	// last, of several colours, is 0 where one has a clear share.
	Evidence []float64
}

// Logits are numbers for each of Labels whose softmax, at Temperature, is how likely it is the dress's.
func (r Reading) Logits() []float32 {
	logits := make([]float32, len(r.Evidence))
	for i, e := range r.Evidence {
		logits[i] = float32(math.Log(e + unseen))
	}
	return logits
}

// unseen is what no evidence counts as: a name that was not seen may be right all the same.
const unseen = 1e-4

// Read sees the colours of the dress. There is no reading (no colours, no evidence) where there are no pixels.
//
// Nothing is done about the colour of the light: a shop's photos are balanced, and what grey-world would take
// for light is more often a red dress.
func (d *Division) Read() Reading {
	groups := gather(d.bins)
	if len(groups) == 0 {
		return Reading{}
	}
	var total int64
	for _, g := range groups {
		total += g.weight
	}
	r := Reading{Evidence: make([]float64, len(names)+1)}
	byName := make([]float64, len(names))
	for _, g := range groups {
		lab := g.lab()
		share := float64(g.weight) / float64(total)
		chances := likelihoods(lab)
		best := 0
		for i, p := range chances {
			r.Evidence[i] += float64(share * p)
			if p > chances[best] {
				best = i
			}
		}
		byName[best] += share
		r.add(Dominant{names[best].label, Lab{tenths(lab.L), tenths(lab.A), tenths(lab.B)}, share})
	}
	slices.SortStableFunc(r.Dominant, func(a, b Dominant) int { return cmp.Compare(b.Share, a.Share) })
	r.settle(byName)
	return r
}

// add adds a dominant colour, the largest first: a share of a name that is there goes to that, whose colour stays, since
// light and dark burgundy are one colour to people.
func (r *Reading) add(d Dominant) {
	for i := range r.Dominant {
		if r.Dominant[i].Name == d.Name {
			r.Dominant[i].Share += d.Share
			return
		}
	}
	r.Dominant = append(r.Dominant, d)
}

// many is how many colours of equal shares make a dress multicolour.
const many = 3.2

// settle judges whether no colour has a clear share, and rounds, so that the last bits of an exponential
// function do not show. byName is the share of each of names.
func (r *Reading) settle(byName []float64) {
	var squares, largest float64
	for _, s := range byName {
		squares += float64(s * s)
	}
	for _, e := range r.Evidence {
		largest = max(largest, e)
	}
	// 1/squares colours of equal shares are as diverse as these (Simpson's index).
	r.Evidence[len(names)] = largest * math.Exp(min((1/squares-many)/0.4, 2))
	sum := 0.0
	for _, e := range r.Evidence {
		sum += e
	}
	for i := range r.Evidence {
		r.Evidence[i] = math.Round(r.Evidence[i]/sum*1e6) / 1e6
	}
	for i := range r.Dominant {
		r.Dominant[i].Share = math.Round(r.Dominant[i].Share*1e4) / 1e4
	}
}

func tenths(v float64) float64 { return math.Round(v*10) / 10 }

// group is pixels of one colour of the dress.
type group struct {
	at     [3]int64 // mean colour, in 1/unit
	weight int64    // pixels, in 1/whole
}

func (g group) lab() Lab {
	return Lab{float64(g.at[0]) / unit, float64(g.at[1]) / unit, float64(g.at[2]) / unit}
}

// The making of groups.
const (
	most      = 5    // groups at most
	least     = 0.03 // share of the dress that a group has at least
	reach     = 14   // how far from its middle a group is looked for, in CIELAB
	alike     = 12   // CIEDE2000, lightness at half its weight, below which two groups are one
	refinings = 4    // steps of k-means
	// candidates is how many of the heaviest points may be the middle of a group.
	candidates = 40
	core       = 9 // how far around its densest place a group's own colour reaches, in CIELAB
)

// apart is the squared distance of two colours, in 1/unit², lightness at half its weight: light and shadow
// are of one cloth.
func apart(a, b [3]int64) int64 {
	l, x, y := (a[0]-b[0])/2, a[1]-b[1], a[2]-b[2]
	return l*l + x*x + y*y
}

// gather makes groups of the bins' dress pixels: the densest places of the colour space, refined by k-means,
// those that look alike joined, the largest first.
func gather(bins []bin) []group {
	var points []group
	var total int64
	for i := range bins {
		if bins[i].dress >= whole {
			points = append(points, group{bins[i].mean(), bins[i].dress})
			total += bins[i].dress
		}
	}
	if total == 0 {
		return nil
	}
	slices.SortStableFunc(points, heavier)
	groups := peaks(points, total)
	for range refinings {
		groups = refine(points, groups)
	}
	groups = join(groups)
	typify(points, groups)
	smallest := int64(least * float64(total))
	groups = slices.DeleteFunc(groups, func(g group) bool { return g.weight < smallest })
	return groups[:min(len(groups), most)]
}

// peaks are the densest places, each with nothing denser within reach. points are the heaviest first.
func peaks(points []group, total int64) []group {
	const limit = reach * reach * unit * unit
	left := slices.Clone(points)
	smallest := int64(least * float64(total))
	var found []group
	for len(found) < 2*most && len(left) > 0 {
		best, heaviest := group{}, smallest
		for _, p := range left[:min(len(left), candidates)] {
			var weight int64
			for _, q := range left {
				if apart(p.at, q.at) < limit {
					weight += q.weight
				}
			}
			if weight > heaviest {
				best, heaviest = p, weight
			}
		}
		if heaviest == smallest {
			break
		}
		found = append(found, best)
		left = slices.DeleteFunc(left, func(q group) bool { return apart(best.at, q.at) < limit })
	}
	if len(found) == 0 { // a thousand colours: the commonest stands for all
		found = append(found, points[0])
	}
	return found
}

// heavier orders groups by weight, the heaviest first.
func heavier(a, b group) int { return cmp.Compare(b.weight, a.weight) }

// refine gives each point to the nearest group, and moves the groups to the middle of their points.
func refine(points, groups []group) []group {
	sums := make([][3]int64, len(groups))
	weights := make([]int64, len(groups))
	for _, p := range points {
		best := closest(p, groups)
		for k := range p.at {
			sums[best][k] += p.at[k] * p.weight
		}
		weights[best] += p.weight
	}
	var moved []group
	for i, w := range weights {
		if w > 0 {
			moved = append(moved, group{[3]int64{sums[i][0] / w, sums[i][1] / w, sums[i][2] / w}, w})
		}
	}
	return moved
}

// join makes one of the two groups that look most alike, until no two do, and orders them by weight.
func join(groups []group) []group {
	for {
		a, b, nearest := -1, -1, float64(alike)
		for i := range groups {
			for j := range i {
				if d := difference(groups[i].lab(), groups[j].lab(), 2); d < nearest {
					a, b, nearest = j, i, d
				}
			}
		}
		if a < 0 {
			break
		}
		w := groups[a].weight + groups[b].weight
		for k := range groups[a].at {
			groups[a].at[k] = (groups[a].at[k]*groups[a].weight + groups[b].at[k]*groups[b].weight) / w
		}
		groups[a].weight = w
		groups = slices.Delete(groups, b, b+1)
	}
	slices.SortStableFunc(groups, heavier)
	return groups
}

// typify gives each group the colour that most of it has, in place of the mean, in which light, shadow and
// the edges of a fine print are mixed: black with white dots is no grey.
func typify(points, groups []group) {
	own := make([][]group, len(groups))
	for _, p := range points {
		best := closest(p, groups)
		own[best] = append(own[best], p)
	}
	for i := range groups {
		if len(own[i]) > 0 {
			groups[i].at = densest(own[i])
		}
	}
}

// densest is the mean of the points around the one that has most around it. points are the heaviest first.
func densest(points []group) [3]int64 {
	const limit = core * core * unit * unit
	var sum [3]int64
	var heaviest int64
	for _, p := range points[:min(len(points), candidates)] {
		var around [3]int64
		var weight int64
		for _, q := range points {
			l, a, b := p.at[0]-q.at[0], p.at[1]-q.at[1], p.at[2]-q.at[2]
			if l*l+a*a+b*b < limit {
				for k := range q.at {
					around[k] += q.at[k] * q.weight
				}
				weight += q.weight
			}
		}
		if weight > heaviest {
			heaviest, sum = weight, [3]int64{around[0] / weight, around[1] / weight, around[2] / weight}
		}
	}
	return sum
}

// closest is the index of the group nearest to a point.
func closest(p group, groups []group) int {
	best, nearest := 0, int64(math.MaxInt64)
	for i, g := range groups {
		if d := apart(p.at, g.at); d < nearest {
			best, nearest = i, d
		}
	}
	return best
}
