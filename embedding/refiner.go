package embedding

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/graph"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// refiner looks at the patches around candidates (see models.RefineConfig).
type refiner struct {
	config   models.RefineConfig
	model    models.Config
	backbone models.Backbone
	exec     *graph.Exec
	batches  batches
}

// newRefiner prepares the network; nil for a model that does not refine.
func newRefiner(backend backends.Backend, model *models.Model, backbone models.Backbone) (*refiner, error) {
	if model.Config.Refine == nil {
		return nil, nil
	}
	exec, err := graph.NewExec(backend, model.RefineGraph)
	if err != nil {
		return nil, err
	}
	return &refiner{config: *model.Config.Refine, model: model.Config, backbone: backbone, exec: exec}, nil
}

// patch is a part of a view, of which a place says that there may be a dress in its middle.
type patch struct {
	view   view
	region photo.Box
	place  *models.Place
}

// MaxLooks is how often a place is looked at: once more if the first look moved it far.
const MaxLooks = 2

// refine looks at the best places of each view and at its anchors, moves them to where the dress is, and says how
// likely it is that there is one; cells are what the location networks say. Other places are dropped. It returns the
// networks' time.
func (r *refiner) refine(views []view, cells [][]models.CellBox, places [][]models.Place) (time.Duration, error) {
	rest := make([][]models.Place, len(views))
	for i, v := range views {
		places[i], rest[i] = r.starts(places[i], v.frame)
	}
	networks, err := r.follow(views, cells, places)
	if err != nil {
		return 0, err
	}
	for i := range rest {
		if len(places[i]) > 0 && r.config.Settles(places[i][0].Confidence, places[i][0].Overlap) {
			rest[i] = nil
		}
	}
	took, err := r.follow(views, cells, rest)
	for i := range places {
		places[i] = r.distinct(append(places[i], rest[i]...), cells[i])
	}
	return networks + took, err
}

// sameStart is the overlap from which an anchor is so near a candidate that looking there tells nothing new.
const sameStart = 0.8

// starts are where a view is looked at: the best place in any case, as are those that the location networks take for
// a dress of its own; and the rest of the best ones and the anchors that are none of them.
func (r *refiner) starts(places []models.Place, frame photo.Box) (first, rest []models.Place) {
	starts := slices.Clone(places[:min(len(places), r.config.Candidates)])
	n := min(1, len(starts))
	for n < len(starts) && starts[n].Evidence.Confidence(r.model.Merge.Calibration) >= r.model.Merge.MinConfidence {
		n++
	}
	for _, anchor := range r.config.AnchorBoxes(frame) {
		if !slices.ContainsFunc(starts, func(p models.Place) bool { return p.Box.IoU(anchor) >= sameStart }) {
			starts = append(starts, models.Place{Box: anchor})
		}
	}
	n = max(n, min(1, len(starts)))
	return starts[:n:n], starts[n:]
}

// follow moves places to where the dress is, in a look or two, and says how likely it is that there is one.
func (r *refiner) follow(views []view, cells [][]models.CellBox, places [][]models.Place) (time.Duration, error) {
	var open []patch
	for i, v := range views {
		for c := range places[i] {
			open = append(open, patch{view: v, place: &places[i][c]})
		}
	}
	var networks time.Duration
	for range MaxLooks {
		took, err := r.look(open)
		if err != nil {
			return 0, err
		}
		networks += took
		open = slices.DeleteFunc(open, func(p patch) bool { return p.place.Overlap >= r.config.Again })
	}
	for i := range places {
		for c := range places[i] {
			r.judge(&places[i][c], cells[i])
		}
	}
	return networks, nil
}

// judge says how likely it is that a place shows a dress.
func (r *refiner) judge(p *models.Place, cells []models.CellBox) {
	p.Evidence = models.EvidenceFor(p.Box, cells, r.model.Merge)
	p.Confidence = r.config.Confidence(p.Evidence, p.Present)
}

// look asks the network about patches, and moves their places. Patches of many views fill a batch.
func (r *refiner) look(open []patch) (time.Duration, error) {
	height, width := r.model.PatchSize()
	var networks time.Duration
	for begin := 0; begin < len(open); begin += maxBatch {
		part := open[begin:min(begin+maxBatch, len(open))]
		batch := r.batches.take(len(part), height, width)
		err := batch.fill(len(part), func(i int, dst []float32) {
			part[i].region = r.config.Patch(part[i].place.Box, width, height)
			patchInput(dst, r.backbone, part[i].view.image, part[i].region, height, width)
		})
		if err != nil {
			return 0, err
		}
		begun := time.Now()
		outputs, err := run(r.exec, batch)
		r.batches.put(batch)
		if err != nil {
			return 0, err
		}
		networks += time.Since(begun)
		each := len(outputs[0]) / batch.shape.size // the last batch may have room for more
		for i, p := range part {
			answer := outputs[0][i*each : (i+1)*each]
			p.place.Present = float64(answer[4])
			if box := r.config.Box(answer, p.region, p.view.frame); !box.Empty() {
				p.place.Overlap = box.IoU(p.place.Box)
				p.place.Box = box
			}
		}
	}
	return networks, nil
}

// sameDress is the overlap from which two places are of one dress.
const sameDress = 0.5

// distinct makes one place of those of each dress, and returns the most confident first. Looks that began elsewhere see
// the same dress in other patches: what they say of its presence is averaged, and so are their boxes, each by how little
// it moved at last, since those that have settled are right more often.
func (r *refiner) distinct(places []models.Place, cells []models.CellBox) []models.Place {
	byConfidence := func(a, b models.Place) int { return cmp.Compare(b.Confidence, a.Confidence) }
	slices.SortStableFunc(places, byConfidence)
	var kept []models.Place
	for rest := places; len(rest) > 0; {
		group := rest[:1:1]
		var others []models.Place
		for _, p := range rest[1:] {
			if p.Box.IoU(rest[0].Box) >= sameDress {
				group = append(group, p)
			} else {
				others = append(others, p)
			}
		}
		place := group[0]
		if len(group) > 1 {
			place = together(group)
			r.judge(&place, cells)
		}
		kept, rest = append(kept, place), others
	}
	if len(kept) < len(places) {
		return r.distinct(kept, cells) // those that were joined may be of one dress with others now
	}
	return kept
}

// together is the mean of places of one dress. A box's error is about what it still moved, and so it weighs by the
// inverse of that squared.
func together(group []models.Place) models.Place {
	const least = 0.05 // a box that no longer moves is not right to the pixel
	var sides [4]float64
	var mean models.Place
	total := 0.0
	for _, p := range group {
		w := 1 / ((1 - p.Overlap + least) * (1 - p.Overlap + least))
		for i, side := range [4]int{p.Box.XMin, p.Box.YMin, p.Box.XMax, p.Box.YMax} {
			sides[i] += float64(w * float64(side))
		}
		total += w
		mean.Present += p.Present / float64(len(group))
		mean.Overlap = max(mean.Overlap, p.Overlap)
	}
	side := func(i int) int { return int(math.Round(sides[i] / total)) }
	mean.Box = photo.Box{XMin: side(0), YMin: side(1), XMax: side(2), YMax: side(3)}
	return mean
}
