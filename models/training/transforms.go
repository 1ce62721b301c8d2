package training

import (
	"bytes"
	"image/png"
	"math/rand/v2"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/report"
	"github.com/kleid-search/kleid/photo"
)

// transformPictures are how many crops show what the spatial transformer looks at, in rows of so many.
const transformPictures, transformColumns = 16, 8

const transformsLegend = "Crops of dresses, each with the outline of what the transformer brings to the trunk's full size: orange, the side that becomes the upper one green. An outline along the crop's own edge changes nothing."

// pictureTransforms puts what the model's spatial transformer looks at into the trunk's report, if it has one.
func (m *maker) pictureTransforms(model *models.Model) error {
	if model.Config.SpatialTransformer == nil || m.pool == nil || len(m.pool.Crops) == 0 {
		return nil
	}
	var crops []*photo.Image
	count := min(transformPictures, len(m.pool.Crops))
	for i := range count {
		c := &m.pool.Crops[i*len(m.pool.Crops)/count] // of all kinds
		crops = append(crops, jitter{}.look(rand.New(rand.NewPCG(0, uint64(i))), c, model.Config.CropMargin, model.Config.CropWidth, model.Config.CropHeight))
	}
	picture, err := model.PictureTransforms(m.Backend, crops, transformColumns)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		return err
	}
	for _, s := range m.report.Stages {
		if s.Name == m.current {
			s.Pictures = []report.Picture{{Title: "What the spatial transformer looks at", Legend: transformsLegend, PNG: b.Bytes()}}
		}
	}
	m.writeReport()
	return nil
}
