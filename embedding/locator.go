package embedding

import (
	"time"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/graph"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// Locator finds dresses in whole photos: the background and location networks look at each photo in
// several sizes, and their answers are merged as in OverFeat (https://arxiv.org/abs/1312.6229). A model that refines
// then looks at the patch around each of the best candidates.
type Locator struct {
	model    *models.Model
	backbone models.Backbone
	exec     *graph.Exec
	refiner  *refiner // nil for a model that does not refine
	batches  batches
}

// NewLocator prepares the networks; each size of photo and batch is compiled when it is first met.
func NewLocator(backend backends.Backend, model *models.Model) (*Locator, error) {
	backbone, err := model.Trunk()
	if err != nil {
		return nil, err
	}
	exec, err := graph.NewExec(backend, model.LocateGraph)
	if err != nil {
		return nil, err
	}
	refiner, err := newRefiner(backend, model, backbone)
	if err != nil {
		return nil, err
	}
	return &Locator{model: model, backbone: backbone, exec: exec, refiner: refiner}, nil
}

// Locate returns the places of each photo that may show a dress, the most confident first, whatever
// their confidence. At most maxBatch photos.
func (l *Locator) Locate(images []*photo.Image) ([][]models.Place, error) {
	places, _, err := l.locate(images)
	return places, err
}

// locate also returns the networks' time.
func (l *Locator) locate(images []*photo.Image) ([][]models.Place, time.Duration, error) {
	var networks time.Duration
	cells := make([][]models.CellBox, len(images))
	for scale, size := range l.model.Config.Scales {
		took, err := l.look(images, scale, size[0], size[1], cells)
		if err != nil {
			return nil, 0, err
		}
		networks += took
	}
	places := make([][]models.Place, len(images))
	for i, image := range images {
		frame := image.Frame()
		places[i] = models.Merge(cells[i], frame.Width(), frame.Height(), l.model.Config.Merge)
	}
	if l.refiner != nil {
		took, err := l.refiner.refine(images, cells, places)
		if err != nil {
			return nil, 0, err
		}
		networks += took
	}
	return places, networks, nil
}

// look adds to cells what the networks say of each photo at one size, and returns how long they took.
func (l *Locator) look(images []*photo.Image, scale, height, width int, cells [][]models.CellBox) (time.Duration, error) {
	placements := make([]photo.Placement, len(images))
	batch := l.batches.take(len(images), height, width)
	defer l.batches.put(batch)
	err := batch.fill(len(images), func(i int, dst []float32) {
		placements[i] = photoInput(dst, l.backbone, images[i], height, width)
	})
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	outputs, err := run(l.exec, batch)
	if err != nil {
		return 0, err
	}
	took := time.Since(begun)
	logits, distances := outputs[0], outputs[1]
	rows, columns := height/l.backbone.Stride, width/l.backbone.Stride
	n := rows * columns
	for i := range images {
		cells[i] = append(cells[i], models.DecodeCells(
			logits[i*n:(i+1)*n], distances[4*i*n:4*(i+1)*n], rows, columns, l.backbone.Stride, scale, placements[i])...)
	}
	return took, nil
}
