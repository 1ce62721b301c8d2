package embedding

import (
	"slices"
	"time"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/graph"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// edges bring the sides of places to where the dress ends (see models.EdgesConfig).
type edges struct {
	config models.EdgesConfig
	// least is the confidence from which places but the best one are worth it.
	least float64
	exec  *graph.Exec
}

// newEdges prepares the network; nil for a model without.
func newEdges(backend backends.Backend, model *models.Model) (*edges, error) {
	refine := model.Config.Refine
	if refine == nil || refine.Edges == nil {
		return nil, nil
	}
	exec, err := graph.NewExec(backend, model.EdgesGraph)
	if err != nil {
		return nil, err
	}
	return &edges{*refine.Edges, refine.Hopeless, exec}, nil
}

// edged is a place of a photo.
type edged struct {
	image *photo.Image
	place *models.Place
}

// follow moves the boxes of the best place of each photo, and of all others that may be a dress. It returns the network's
// time.
func (e *edges) follow(images []*photo.Image, places [][]models.Place) (time.Duration, error) {
	var all []edged
	for i, image := range images {
		for c := range places[i] {
			if p := &places[i][c]; c == 0 || p.Confidence >= e.least {
				all = append(all, edged{image, p})
			}
		}
	}
	var network time.Duration
	for part := range slices.Chunk(all, maxBatch) {
		profiles := make([]models.EdgeProfiles, len(part))
		inParallel(len(part), func(i int) { profiles[i] = e.config.Profiles(part[i].image, part[i].place.Box) })
		begun := time.Now()
		across, down := e.config.Tensors(profiles, sizeFor(len(part)))
		outputs, err := e.exec.Exec(across, down)
		if err != nil {
			return 0, err
		}
		sides, err := take(outputs[0])
		if err != nil {
			return 0, err
		}
		network += time.Since(begun)
		for i, p := range part {
			if box := profiles[i].Box(sides[4*i:4*i+4], p.image.Frame()); !box.Empty() {
				p.place.Box = box
			}
		}
	}
	return network, nil
}
