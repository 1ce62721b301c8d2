package embedding

import (
	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// Locator finds dresses in whole photos: the background and location networks look at each photo in
// several sizes, and their answers are merged as in OverFeat (https://arxiv.org/abs/1312.6229).
type Locator struct {
	model    *models.Model
	backbone models.Backbone
	exec     *graph.Exec
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
	return &Locator{model: model, backbone: backbone, exec: exec}, nil
}

// Locate returns the places of each photo that may show a dress, the most confident first, whatever
// their confidence. At most maxBatch photos.
func (l *Locator) Locate(images []*photo.Image) ([][]models.Place, error) {
	cells := make([][]models.CellBox, len(images))
	for scale, size := range l.model.Config.Scales {
		if err := l.look(images, scale, size[0], size[1], cells); err != nil {
			return nil, err
		}
	}
	places := make([][]models.Place, len(images))
	for i, image := range images {
		places[i] = models.Merge(cells[i], image.Width, image.Height, l.model.Config.Merge)
	}
	return places, nil
}

// look adds to cells what the networks say of each photo at one size.
func (l *Locator) look(images []*photo.Image, scale, height, width int, cells [][]models.CellBox) error {
	placements := make([]photo.Placement, len(images))
	batch := newBatch(len(images), height, width)
	batch.fill(len(images), func(i int, dst []float32) {
		small, placement := photo.Letterbox(images[i], images[i].Frame(), width, height)
		placements[i] = placement
		photo.Normalise(dst, small, l.backbone.Mean, l.backbone.Deviation)
	})
	outputs, err := l.exec.Exec(batch.tensor())
	if err != nil {
		return err
	}
	logits, err := take(outputs[0])
	if err != nil {
		return err
	}
	distances, err := take(outputs[1])
	if err != nil {
		return err
	}
	rows, columns := height/l.backbone.Stride, width/l.backbone.Stride
	n := rows * columns
	for i := range images {
		cells[i] = append(cells[i], models.DecodeCells(
			logits[i*n:(i+1)*n], distances[4*i*n:4*(i+1)*n], rows, columns, l.backbone.Stride, scale, placements[i])...)
	}
	return nil
}

// take copies a float32 tensor out of the backend and lets go of it.
func take(t *tensors.Tensor) ([]float32, error) {
	data, err := tensors.CopyFlatData[float32](t)
	if err != nil {
		return nil, err
	}
	return data, t.FinalizeAll()
}
