package training

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// TestDrawnBy names the photos of batches of crops and scenes, and draws the same ones.
func TestDrawnBy(t *testing.T) {
	frame := photo.Box{XMax: 64, YMax: 64}
	pool := &Pool{Products: [][]int{{0, 1}, {2, 3}}, Siblings: []int{-1, -1}}
	for i := range 4 {
		pool.Crops = append(pool.Crops, Crop{Image: photo.New(64, 64), Box: frame, Product: i / 2, Query: i%2 == 1})
	}
	pool.Wholes = []Whole{{Image: photo.New(64, 64), Name: "real/1.jpg"}}
	pool.Scenes = []Scene{{Image: photo.New(64, 64), Real: true, Name: "scene/2.jpg"}, {Image: photo.New(64, 64)}}
	backbone, err := models.BackboneByName("kleid-s")
	require.NoError(t, err)
	draw := func(pool *Pool) {
		rng := rand.New(rand.NewPCG(1, 1))
		pool.drawCrops(rng, []int{0, 1}, 2, models.DefaultConfig(), 32, 32, backbone)
		pool.drawViews(rng, 2, true, 32, 32, backbone)
		pool.drawScenes(rng, func() int { return 0 }, 1, 32, 32, backbone)
		pool.drawScenes(rng, func() int { return 1 }, 1, 32, 32, backbone)
	}
	names := drawnBy(pool, draw)
	require.Len(t, names, 4+2+1+1)
	require.ElementsMatch(t, []string{"painted dress 0 in crop 0", "painted dress 0 in crop 1", "painted dress 1 in crop 2", "painted dress 1 in crop 3"}, names[:4])
	require.Equal(t, []string{"real/1.jpg", "real/1.jpg", "scene/2.jpg", "painted scene 1"}, names[4:])
	require.Equal(t, names, drawnBy(pool, draw))
	require.Nil(t, pool.drawn, "the pool itself does not listen")
}
