package training

import (
	"bytes"
	"encoding/json"
	"html"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/report"
	"github.com/kleid-search/kleid/storage"
)

// TestTrunkWithSpatialTransformer trains a trunk with one, which moves from the identity, and draws what it looks at.
func TestTrunkWithSpatialTransformer(t *testing.T) {
	options := tiny(t)
	options.Heads = []string{}
	options.Trunk.Config.SpatialTransformer = models.DefaultSpatialTransformer("stage2")
	model, err := Make(t.Context(), options)
	require.NoError(t, err)
	last := model.Weights["trunk.spatial_transformer.fc2.weight"]
	require.NotNil(t, last)
	require.NotEqual(t, make([]float32, len(last.Data)), last.Data)

	data, err := storage.ReadAll(t.Context(), options.Work, report.Key, 64<<20)
	require.NoError(t, err)
	var r report.Report
	require.NoError(t, json.Unmarshal(data, &r))
	require.Len(t, r.Stages, 1)
	require.Len(t, r.Stages[0].Pictures, 1)
	picture, err := png.Decode(bytes.NewReader(r.Stages[0].Pictures[0].PNG))
	require.NoError(t, err)
	c := options.Trunk.Config
	require.Equal(t, transformColumns*(c.CropWidth+2*(c.CropWidth/4)), picture.Bounds().Dx())
	page, err := storage.ReadAll(t.Context(), options.Work, report.PageKey, 64<<20)
	require.NoError(t, err)
	require.Contains(t, string(page), `<img src="data:image/png;base64,`)
	require.Regexp(t, `alt="What the spatial transformer looks at\. Crops of dresses, each with the outline [^"]+"`, string(page))
	require.Contains(t, string(page), "<p>"+html.EscapeString(transformsLegend))
}
