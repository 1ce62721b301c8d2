package embedding

import (
	"slices"
	"time"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/pkg/core/graph"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// Locator finds dresses in whole photos: the background and location networks look at each photo in
// several sizes, and their answers are merged as in OverFeat (https://arxiv.org/abs/1312.6229). A model that refines
// then looks at the patch around each of the best candidates. Wide photos are looked at in windows as well (viewsOf). At
// last the sides of places are brought to where the dress ends (edges).
type Locator struct {
	model    *models.Model
	backbone models.Backbone
	exec     *graph.Exec // of all sizes
	features *graph.Exec // of the largest size alone; nil where they are not wanted
	refiner  *refiner    // nil for a model that does not refine
	edges    *edges      // nil for a model without
	batches  batches
}

// NewLocator prepares the networks; each size of batch is compiled when it is first met.
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
	edges, err := newEdges(backend, model)
	if err != nil {
		return nil, err
	}
	l := &Locator{model: model, backbone: backbone, exec: exec, refiner: refiner, edges: edges}
	if model.Config.Surroundings != nil {
		l.features, err = graph.NewExec(backend, model.SurroundingsGraph)
	}
	return l, err
}

// Locate returns the places of each photo that may show a dress, the most confident first, whatever
// their confidence. At most maxBatch photos.
func (l *Locator) Locate(images []*photo.Image) ([][]models.Place, error) {
	places, _, _, err := l.locate(images)
	return places, err
}

// locate also returns what the trunk saw of each whole photo, nil for a model that reads no surroundings, and the
// networks' time.
func (l *Locator) locate(images []*photo.Image) ([][]models.Place, []models.WholeFeatures, time.Duration, error) {
	var views []view
	first := make([]int, len(images)+1) // of each photo's views
	for i, image := range images {
		views = append(views, viewsOf(image)...)
		first[i+1] = len(views)
	}
	var networks time.Duration
	var seen []models.WholeFeatures
	var found [][]models.Place
	for part := range slices.Chunk(views, maxBatch) {
		places, wholes, took, err := l.lookAt(part)
		if err != nil {
			return nil, nil, 0, err
		}
		networks += took
		found, seen = append(found, places...), append(seen, wholes...)
	}
	places := make([][]models.Place, len(images))
	var wholes []models.WholeFeatures
	for i := range images {
		places[i] = joined(views[first[i]:first[i+1]], found[first[i]:first[i+1]], l.model.Config.Merge.MaxCandidates)
		if seen != nil {
			wholes = append(wholes, seen[first[i]])
		}
	}
	if l.edges != nil {
		took, err := l.edges.follow(images, places)
		if err != nil {
			return nil, nil, 0, err
		}
		networks += took
	}
	return places, wholes, networks, nil
}

// lookAt locates the dresses in at most maxBatch views: see locate.
func (l *Locator) lookAt(views []view) ([][]models.Place, []models.WholeFeatures, time.Duration, error) {
	cells, wholes, networks, err := l.look(views)
	if err != nil {
		return nil, nil, 0, err
	}
	places := make([][]models.Place, len(views))
	for i, v := range views {
		places[i] = models.Merge(cells[i], v.frame, l.model.Config.Merge)
	}
	if l.refiner != nil {
		took, err := l.refiner.refine(views, cells, places)
		if err != nil {
			return nil, nil, 0, err
		}
		networks += took
	}
	return places, wholes, networks, nil
}

// wholes returns what the trunk sees of at most maxBatch whole photos whose dress is known, and how long it took.
func (l *Locator) wholes(images []*photo.Image) ([]models.WholeFeatures, time.Duration, error) {
	height, width := l.model.Config.WholeSize()
	views := make([]view, len(images))
	for i, image := range images {
		views[i] = view{image, image.Frame()}
	}
	outputs, placements, took, err := l.see(l.features, views, [][2]int{{height, width}})
	if err != nil {
		return nil, 0, err
	}
	return l.wholeFeatures(outputs[0], placements[0], height, width), took, nil
}

func (l *Locator) wholeFeatures(features []float32, placements []photo.Placement, height, width int) []models.WholeFeatures {
	stride := l.backbone.Stride
	rows, columns := height/stride, width/stride
	each := rows * columns * l.backbone.Channels
	wholes := make([]models.WholeFeatures, len(placements))
	for i := range wholes {
		wholes[i] = models.WholeFeatures{Features: features[i*each : (i+1)*each], Rows: rows, Columns: columns, Stride: stride, Placement: placements[i]}
	}
	return wholes
}

// see runs a network over views in some sizes, height and width, and returns what it says, where in each size's input the
// views lie and how long it took.
func (l *Locator) see(exec *graph.Exec, views []view, sizes [][2]int) ([][]float32, [][]photo.Placement, time.Duration, error) {
	inputs, placements := make([]batch, len(sizes)), make([][]photo.Placement, len(sizes))
	for scale, size := range sizes {
		inputs[scale] = l.batches.take(len(views), size[0], size[1])
		defer l.batches.put(inputs[scale])
		placements[scale] = make([]photo.Placement, len(views))
		err := inputs[scale].fill(len(views), func(i int, dst []float32) {
			placements[scale][i] = photoInput(dst, l.backbone, views[i].image, views[i].frame, size[0], size[1])
		})
		if err != nil {
			return nil, nil, 0, err
		}
	}
	begun := time.Now()
	outputs, err := run(exec, inputs...)
	return outputs, placements, time.Since(begun), err
}

// look returns what the networks say of each view's cells in all sizes, what the trunk sees in the largest, where that is
// wanted, and how long they took.
func (l *Locator) look(views []view) ([][]models.CellBox, []models.WholeFeatures, time.Duration, error) {
	sizes, stride := l.model.Config.Scales, l.backbone.Stride
	outputs, placements, took, err := l.see(l.exec, views, sizes)
	if err != nil {
		return nil, nil, 0, err
	}
	cells := make([][]models.CellBox, len(views))
	for scale, size := range sizes {
		logits, distances := outputs[2*scale], outputs[2*scale+1]
		rows, columns := size[0]/stride, size[1]/stride
		n := rows * columns
		for i := range views {
			cells[i] = append(cells[i], models.DecodeCells(
				logits[i*n:(i+1)*n], distances[4*i*n:4*(i+1)*n], rows, columns, stride, placements[scale][i])...)
		}
	}
	if l.features == nil {
		return cells, nil, took, nil
	}
	return cells, l.wholeFeatures(outputs[2*len(sizes)], placements[0], sizes[0][0], sizes[0][1]), took, nil
}
