package embedding

import (
	"cmp"
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

// patch is a part of an image, of which a place says that there may be a dress in its middle.
type patch struct {
	image  *photo.Image
	region photo.Box
	place  *models.Place
}

// MaxLooks is how often a place is looked at: once more if the first look moved it far.
const MaxLooks = 2

// refine looks at the best places of each photo and at its anchors, moves them to where the dress is, and says how
// likely it is that there is one; cells are what the location networks say. Other places are dropped. It returns the
// networks' time.
func (r *refiner) refine(images []*photo.Image, cells [][]models.CellBox, places [][]models.Place) (time.Duration, error) {
	rest := make([][]models.Place, len(images))
	for i, image := range images {
		places[i], rest[i] = r.starts(places[i], image.Frame())
	}
	networks, err := r.follow(images, cells, places)
	if err != nil {
		return 0, err
	}
	for i := range rest {
		if len(places[i]) > 0 && r.config.Settles(places[i][0].Confidence, places[i][0].Overlap) {
			rest[i] = nil
		}
	}
	took, err := r.follow(images, cells, rest)
	for i := range places {
		places[i] = distinct(append(places[i], rest[i]...))
	}
	return networks + took, err
}

// sameStart is the overlap from which an anchor is so near a candidate that looking there tells nothing new.
const sameStart = 0.8

// starts are where a photo is looked at: the best place in any case, as are those that the location networks take for
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
func (r *refiner) follow(images []*photo.Image, cells [][]models.CellBox, places [][]models.Place) (time.Duration, error) {
	var open []patch
	for i, image := range images {
		for c := range places[i] {
			open = append(open, patch{image: image, place: &places[i][c]})
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
			p := &places[i][c]
			p.Evidence = models.EvidenceFor(p.Box, cells[i], r.model.Merge)
			p.Confidence = r.config.Confidence(p.Evidence.Confidence(r.model.Merge.Calibration), p.Present)
		}
	}
	return networks, nil
}

// look asks the network about patches, and moves their places. Patches of many photos fill a batch.
func (r *refiner) look(open []patch) (time.Duration, error) {
	height, width := r.model.PatchSize()
	var networks time.Duration
	for begin := 0; begin < len(open); begin += maxBatch {
		part := open[begin:min(begin+maxBatch, len(open))]
		batch := r.batches.take(len(part), height, width)
		err := batch.fill(len(part), func(i int, dst []float32) {
			part[i].region = r.config.Patch(part[i].place.Box, width, height)
			patchInput(dst, r.backbone, part[i].image, part[i].region, height, width)
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
			if box := r.config.Box(answer, p.region, p.image.Frame()); !box.Empty() {
				p.place.Overlap = box.IoU(p.place.Box)
				p.place.Box = box
			}
		}
	}
	return networks, nil
}

// sameDress is the overlap from which two places are of one dress.
const sameDress = 0.5

// distinct keeps one place of each dress, the most confident first: that which the last look moved least, with the
// confidence of the most confident. Where looks that began elsewhere end apart, those that have settled are right
// more often than those that are sure.
func distinct(places []models.Place) []models.Place {
	slices.SortStableFunc(places, func(a, b models.Place) int { return cmp.Compare(b.Confidence, a.Confidence) })
	var kept []models.Place
	for len(places) > 0 {
		first, steady := places[0], places[0]
		places = slices.DeleteFunc(places[1:], func(p models.Place) bool {
			if p.Box.IoU(first.Box) < sameDress {
				return false
			}
			if p.Overlap > steady.Overlap {
				steady.Box, steady.Overlap = p.Box, p.Overlap
			}
			return true
		})
		kept = append(kept, steady)
	}
	return kept
}
