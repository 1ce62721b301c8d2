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
	before float64 // the place's confidence before it was looked at
}

// maxLooks is how often a place is looked at: once more if the first look moved it far.
const maxLooks = 2

// refine looks at the best places of each photo, moves them to where the dress is, and says how likely it is that
// there is one. Places that are not looked at are dropped. It returns the network's time.
func (r *refiner) refine(images []*photo.Image, places [][]models.Place) (time.Duration, error) {
	var open []patch
	for i, image := range images {
		if len(places[i]) == 0 {
			places[i] = []models.Place{anywhere(image.Frame())}
		}
		places[i] = places[i][:min(len(places[i]), r.config.Candidates)]
		for c := range places[i] {
			p := &places[i][c]
			open = append(open, patch{image: image, place: p, before: p.Confidence})
		}
	}
	var networks time.Duration
	for range maxLooks {
		took, err := r.look(open)
		if err != nil {
			return 0, err
		}
		networks += took
		open = slices.DeleteFunc(open, func(p patch) bool { return p.place.Overlap >= r.config.Again })
	}
	for i := range places {
		places[i] = distinct(places[i])
	}
	return networks, nil
}

// anywhere is the place of a dress in a photo of which nothing is known: dresses are photographed in the middle.
func anywhere(frame photo.Box) models.Place { return models.Place{Box: frame.Grow(-0.1)} }

// look moves the places of all patches, and sets their confidences.
func (r *refiner) look(open []patch) (time.Duration, error) {
	height, width := r.model.CropHeight, r.model.CropWidth
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
		each := len(outputs[0]) / batch.shape.size
		for i, p := range part {
			answer := outputs[0][i*each : (i+1)*each]
			p.place.Present = float64(answer[4])
			p.place.Confidence = r.config.Confidence(p.before, answer[4])
			if box := r.config.Box(answer, p.region, p.image.Frame()); !box.Empty() {
				p.place.Overlap = box.IoU(p.place.Box)
				p.place.Box = box
			}
		}
	}
	return networks, nil
}

// distinct orders places, the most confident first, and drops those that have moved to where another one is.
func distinct(places []models.Place) []models.Place {
	slices.SortStableFunc(places, func(a, b models.Place) int { return cmp.Compare(b.Confidence, a.Confidence) })
	var kept []models.Place
	for _, p := range places {
		if !slices.ContainsFunc(kept, func(k models.Place) bool { return k.Box.IoU(p.Box) >= 0.5 }) {
			kept = append(kept, p)
		}
	}
	return kept
}
