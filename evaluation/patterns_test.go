package evaluation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/photo"
)

// called names an example so that it is a query or not.
func called(query bool, number int) string {
	for i := 0; ; i++ {
		if name := fmt.Sprintf("patterns/images/%d-%d.jpg", number, i); isQuery(name) == query {
			return name
		}
	}
}

func TestPatterns(t *testing.T) {
	vector := func(v ...float32) embedding.Photo {
		return embedding.Photo{Status: catalog.StatusOK, Unsupervised: v, DeepRank: []float32{v[1], v[0]}}
	}
	e := &scripted{answers: map[int]embedding.Photo{}}
	var examples []datasets.Example
	for i, c := range []struct {
		query   bool
		pattern string
		vector  embedding.Photo
	}{
		{true, "dots", vector(1, 0)}, {true, "plain", vector(0, 1)}, {true, "plain", vector(0.5, 0)},
		{false, "dots", vector(0.9, 0.1)}, {false, "plain", vector(0.1, 0.9)}, {false, "stripes", vector(0.8, 0.7)},
	} {
		one := example(t, 20+i)
		one.Name, one.Labels = called(c.query, i), map[string]string{"pattern": c.pattern}
		examples = append(examples, one)
		e.answers[20+i] = c.vector
	}
	r, err := Patterns(t.Context(), e, examples)
	require.NoError(t, err)
	require.Equal(t, 3, r.Queries)
	require.Equal(t, 3, r.Gallery)
	require.InDelta(t, 2./3, r.Unsupervised.P1, 1e-9, "one plain query has dots nearest")
	require.InDelta(t, 1.0/3, r.Unsupervised.P10, 1e-9, "a third of all there is")
	require.Equal(t, 1.0, r.Unsupervised.PatternedP1)
	require.InDelta(t, 2./3, r.DeepRank.P1, 1e-9, "both coordinates changed places in all vectors")

	// A photo whose place another one takes is not found again.
	for i := range examples {
		e.answers[20+i] = vector(1, 0)
	}
	again, err := Again(t.Context(), &alike{scripted: e}, examples)
	require.NoError(t, err)
	require.Equal(t, 3, again.Queries)
	require.Equal(t, 6, again.Gallery)
	require.InDelta(t, 1./3, again.Unsupervised, 1e-9, "of equals the first is the nearest")
	require.Zero(t, again.DeepRank, "the last of the gallery is the nearest, and it is no query")
}

// alike answers the same, whatever the photo: what was photographed again has other widths. DeepRank goes up from photo
// to photo, so that the last of those that are asked for first is the nearest.
type alike struct {
	*scripted
	asked int
}

func (a *alike) Embed(_ context.Context, inputs []embedding.Input) ([]embedding.Photo, error) {
	photos := make([]embedding.Photo, len(inputs))
	for i := range photos {
		a.asked++
		photos[i] = embedding.Photo{Status: catalog.StatusOK, Unsupervised: []float32{1, 0}, DeepRank: []float32{float32(a.asked), 0}}
	}
	return photos, nil
}

func TestPhotographAgain(t *testing.T) {
	m := photo.New(60, 90)
	for y := range m.Height {
		for x := range m.Width {
			copy(m.Pix[3*(y*m.Width+x):], []uint8{uint8(2 * x), uint8(y), 100})
		}
	}
	for seed := range uint64(20) {
		again := photographAgain(rand.New(rand.NewPCG(seed, 1)), m)
		require.True(t, again.Width >= 51 && again.Width <= 60, "%d", again.Width)
		require.True(t, again.Height >= 76 && again.Height <= 90)
		require.NotEqual(t, m.Pix, again.Pix)
		require.Equal(t, again.Pix, photographAgain(rand.New(rand.NewPCG(seed, 1)), m).Pix, "the same for all models")
		// Top to bottom stays top to bottom.
		require.Less(t, again.Pix[3*(again.Width/2)+1], again.Pix[3*((again.Height-1)*again.Width+again.Width/2)+1])
	}
}

func TestSample(t *testing.T) {
	m := photo.New(2, 2)
	for i, v := range []uint8{0, 100, 200, 40} {
		m.Pix[3*i] = v
	}
	for _, c := range []struct {
		x, y float64
		want uint8
	}{{0, 0, 0}, {1, 0, 100}, {0.5, 0, 50}, {0, 0.5, 100}, {0.5, 0.5, 85}, {-5, 7, 200}} {
		var got [3]uint8
		sample(got[:], m, c.x, c.y)
		require.Equal(t, c.want, got[0], "%v", c)
	}
}
