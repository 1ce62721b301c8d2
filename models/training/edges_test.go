package training

import (
	"log/slog"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// TestEdgesAreLearned: on dresses that it has not seen, boxes that are off come nearer to where the dress ends.
func TestEdgesAreLearned(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 4))
	pool := &Pool{}
	var ends []lookEnd
	for i := range 60 {
		frame := photo.Box{XMax: 200, YMax: 300}
		x, y := 30+rng.IntN(30), 40+rng.IntN(40)
		s := Scene{Image: photo.New(200, 300), Box: photo.Box{XMin: x, YMin: y, XMax: x + 70 + rng.IntN(50), YMax: y + 120 + rng.IntN(80)}, Real: true, Street: i%2 == 0}
		dress, room := byte(rng.IntN(100)), byte(150+rng.IntN(100))
		for at := range s.Image.Width * s.Image.Height {
			c := [3]byte{room, room, room}
			if px, py := at%200, at/200; px >= s.Box.XMin && px < s.Box.XMax && py >= s.Box.YMin && py < s.Box.YMax {
				c = [3]byte{dress, byte(rng.IntN(50)), 80}
			}
			copy(s.Image.Pix[3*at:], c[:])
		}
		pool.Scenes = append(pool.Scenes, s)
		for range 4 {
			ends = append(ends, lookEnd{i, shift(rng, s.Box, 0.08).Intersect(frame)})
		}
	}
	learned, unseen := ends[:160], ends[160:]
	refine := models.DefaultRefineConfig()
	refine.Edges = models.DefaultEdgesConfig()
	model := &models.Model{Config: models.Config{Refine: &refine}, Weights: models.Weights{}}
	m := &maker{Options: Options{Backend: onCPU(t), Steps: 250, Logger: slog.New(slog.DiscardHandler)}, pool: pool}
	require.NoError(t, m.fitEdges(t.Context(), model, learned))

	exec, err := graph.NewExec(m.Backend, model.EdgesGraph)
	require.NoError(t, err)
	var before, after float64
	for _, end := range unseen {
		s := &pool.Scenes[end.scene]
		p := refine.Edges.Profiles(s.Image, end.box)
		across, down := refine.Edges.Tensors([]models.EdgeProfiles{p}, 1)
		out, err := exec.Exec1(across, down)
		require.NoError(t, err)
		sides, err := tensors.CopyFlatData[float32](out)
		require.NoError(t, err)
		before += end.box.IoU(s.Box) / float64(len(unseen))
		after += p.Box(sides, s.Image.Frame()).IoU(s.Box) / float64(len(unseen))
	}
	require.Less(t, before, 0.85)
	require.Greater(t, after, 0.93)

	none := &models.Model{Config: model.Config, Weights: models.Weights{}}
	require.NoError(t, m.fitEdges(t.Context(), none, nil))
	require.Nil(t, none.Config.Refine.Edges, "where no dress was seen there is nothing to learn")
}
