package models

import (
	"slices"
	"testing"

	"github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/photo"
)

// dressed is a photo of a red dress that fills a box, in a grey room.
func dressed(width, height int, box photo.Box) *photo.Image {
	m := photo.New(width, height)
	for y := range height {
		for x := range width {
			c := [3]uint8{130, 134, 130}
			if x >= box.XMin && x < box.XMax && y >= box.YMin && y < box.YMax {
				c = [3]uint8{190, 30, 40}
			}
			copy(m.Pix[3*(y*width+x):], c[:])
		}
	}
	return m
}

// TestEdgeProfiles: a bin is likely dress where the dress is, from whichever end it is counted, and says how far it is from
// the box's own side.
func TestEdgeProfiles(t *testing.T) {
	c := EdgesConfig{Height: 60, Width: 40, Margin: 0.25}
	truth := photo.Box{XMin: 100, YMin: 120, XMax: 220, YMax: 330}
	image := dressed(400, 480, truth)
	box := photo.Box{XMin: 120, YMin: 120, XMax: 240, YMax: 300} // off to the right, and too short
	p := c.Profiles(image, box)                                  // 45 to 315, and 75 to 345: 4.5 pixels a bin
	channel := func(profile []float32, end, bins, channel int) []float32 {
		var values []float32
		for i := range bins {
			values = append(values, profile[(end*bins+i)*edgeChannels+channel])
		}
		return values
	}
	sides := p.Sides(truth)
	for i, want := range []float64{(100. - 90) / 180, (120. - 75) / 270, (220. - 90) / 180, (330. - 75) / 270} {
		require.InDelta(t, want, sides[i], 0.01)
	}
	require.Equal(t, truth, p.Box(sides[:], image.Frame()), "and back")
	// Per bin: dress from column 10/4.5 on, which is the third, to 130/4.5, which is the 29th.
	for _, name := range []int{edgeMean, edgeMost, edgeFirst, edgeSecond, edgeThird} {
		left, right := channel(p.Across, 0, c.Width, name), channel(p.Across, 1, c.Width, name)
		require.Less(t, left[1], float32(0.1))
		require.Greater(t, left[3], float32(0.7), "less than 1, since the box misses a part of the dress")
		require.Greater(t, left[27], float32(0.7))
		require.Less(t, left[30], float32(0.1))
		slices.Reverse(right)
		require.Equal(t, left, right)
	}
	down := channel(p.Down, 0, c.Height, edgeMean)
	require.Less(t, down[9], float32(0.1))
	require.Greater(t, down[20], float32(0.5), "dress but for the columns to the right of it")
	require.Less(t, down[58], float32(0.1))
	require.Equal(t, down[0], channel(p.Down, 1, c.Height, edgeMean)[59])

	off := channel(p.Across, 0, c.Width, edgeOff)
	require.InDelta(t, 0, off[6], 0.3, "the box's own left side")
	require.InDelta(t, -1.6, off[0], 0.3, "a sixth of the picture outside of it")
	require.Equal(t, off[0], -channel(p.Across, 0, c.Width, edgeFar)[0])
}

func TestEdgeProfilesOfABoxBesideThePhoto(t *testing.T) {
	c := *DefaultEdgesConfig()
	p := c.Profiles(photo.New(40, 60), photo.Box{XMin: 400, YMin: 400, XMax: 420, YMax: 440})
	require.Zero(t, slices.Max(p.Across))
	require.Zero(t, slices.Max(p.Down))
}

// TestEdgesHead: a mirrored photo has mirrored sides, and what an answer is does not depend on the rest of its batch.
func TestEdgesHead(t *testing.T) {
	c := *DefaultEdgesConfig()
	backend := testBackend(t)
	exec, err := graph.NewExec(backend, func(across, down *graph.Node) *graph.Node {
		return EdgesHead(NewRandomNet(3), across, down)
	})
	require.NoError(t, err)
	truth := photo.Box{XMin: 100, YMin: 120, XMax: 220, YMax: 330}
	image, box := dressed(400, 480, truth), photo.Box{XMin: 110, YMin: 110, XMax: 230, YMax: 290} // two pixels a bin
	turned := func(b photo.Box) photo.Box {
		return photo.Box{XMin: 400 - b.XMax, YMin: b.YMin, XMax: 400 - b.XMin, YMax: b.YMax}
	}
	answer := func(size int, profiles ...EdgeProfiles) [][4]float32 {
		across, down := c.Tensors(profiles, size)
		out, err := exec.Exec1(across, down)
		require.NoError(t, err)
		flat, err := tensors.CopyFlatData[float32](out)
		require.NoError(t, err)
		var answers [][4]float32
		for i := range profiles {
			answers = append(answers, [4]float32(flat[4*i:4*i+4]))
		}
		return answers
	}
	seen, mirrored := c.Profiles(image, box), c.Profiles(dressed(400, 480, turned(truth)), turned(box))
	both := answer(4, seen, mirrored)
	require.Equal(t, answer(1, seen), both[:1])
	a, b := both[0], both[1]
	const near = 0.003 // places in a box are whole pixels, counted from the left
	require.InDelta(t, a[0], 1-b[2], near)
	require.InDelta(t, a[2], 1-b[0], near)
	require.InDelta(t, a[1], b[1], near)
	require.InDelta(t, a[3], b[3], near)
	require.NotEqual(t, a[1], 1-a[3], "top and bottom have networks of their own")
}

// TestEdgesLoss: boxes that are right cost nothing, others more the further off they are.
func TestEdgesLoss(t *testing.T) {
	exec, err := graph.NewExec(testBackend(t), EdgesLoss)
	require.NoError(t, err)
	loss := func(predicted [4]float32) float32 {
		out, err := exec.Exec1(tensors.FromFlatDataAndDimensions(predicted[:], 1, 4), tensors.FromFlatDataAndDimensions([]float32{0.2, 0.2, 0.8, 0.7}, 1, 4))
		require.NoError(t, err)
		flat, err := tensors.CopyFlatData[float32](out)
		require.NoError(t, err)
		return flat[0]
	}
	require.InDelta(t, 0, loss([4]float32{0.2, 0.2, 0.8, 0.7}), 1e-6)
	// An IoU of 5/6, and a side that is off by a sixth of the width.
	require.InDelta(t, 1./6+1./12, loss([4]float32{0.3, 0.2, 0.8, 0.7}), 1e-5)
	require.InDelta(t, 1+(1.3/0.6+0.1/0.5)/2, loss([4]float32{0.9, 0.2, 0.2, 0.8}), 1e-5, "sides that crossed are no box")
}
