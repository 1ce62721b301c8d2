package studio

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/photo"
)

var small = Shot{Width: 200, Height: 266}

// TestPaintIsDeterministic: the same shot gives the same pixels, from any goroutine, and other shots
// others.
func TestPaintIsDeterministic(t *testing.T) {
	products := Products("test", 1, 6)
	shot := func(index uint64, query bool) Shot {
		s := small
		s.Index, s.Query = index, query
		return s
	}
	first := products[0].Paint(shot(0, false))
	var wait sync.WaitGroup
	for i := range products {
		wait.Go(func() {
			a, b := products[i].Paint(shot(1, true)), products[i].Paint(shot(1, true))
			require.Equal(t, a, b)
		})
	}
	wait.Wait()
	require.Equal(t, first, products[0].Paint(shot(0, false)))
	require.NotEqual(t, first.Image.Pix, products[0].Paint(shot(1, false)).Image.Pix)
	require.NotEqual(t, first.Image.Pix, products[0].Paint(shot(0, true)).Image.Pix, "a customer's photo is another one")
}

// TestBoxIsTight finds the dress independently: the same dress in an opposite colour changes the
// pixels that show it and no others.
func TestBoxIsTight(t *testing.T) {
	kinds := map[Kind]int{}
	checked := 0
	for i, p := range Products("test", 6, 60) {
		p.Facets["pattern"] = "plain"
		p.look.fabric, p.look.contrast = "cotton", false
		p.look.base, p.look.accent = rgb{235, 235, 235}, [3]rgb{}
		dark := p
		dark.look.base = rgb{120, 60, 60}
		s := Shot{Index: uint64(i % 4), Query: i%2 == 0}
		a, b := p.Paint(s), dark.Paint(s)
		kinds[a.Kind]++
		require.Equal(t, a.Box, b.Box)
		require.False(t, a.Box.Empty())
		require.Equal(t, a.Box, a.Box.Intersect(a.Image.Frame()))
		require.Greater(t, a.Box.Area(), a.Image.Width*a.Image.Height/20)
		seen := photo.Box{XMin: a.Image.Width, YMin: a.Image.Height}
		for y := range a.Image.Height {
			for x := range a.Image.Width {
				at := 3 * (y*a.Image.Width + x)
				if int(a.Image.Pix[at+1])-int(b.Image.Pix[at+1]) > 30 {
					seen.XMin, seen.XMax = min(seen.XMin, x), max(seen.XMax, x+1)
					seen.YMin, seen.YMax = min(seen.YMin, y), max(seen.YMax, y+1)
				}
			}
		}
		if a.Box.IoU(seen) < 0.9 {
			t.Errorf("%s %s %+v: the box is %v, the dress is seen in %v", p.ID, a.Kind, s, a.Box, seen)
		}
		checked++
	}
	require.Equal(t, 60, checked)
	for _, k := range []Kind{Worn, Hanger, Flat} {
		require.Greater(t, kinds[k], 3, k)
	}
}

// TestEveryPhoto paints every kind of dress in many ways: each has a dress to be seen.
func TestEveryPhoto(t *testing.T) {
	for i, p := range Products("test", 7, 150) {
		s := small
		s.Index, s.Query = uint64(i%3), i%2 == 1
		ph := p.Paint(s)
		require.False(t, ph.Box.Empty(), "%v", p.Facets)
		require.Equal(t, p.Facets, ph.Facets)
		require.Equal(t, p.ID, ph.Product)
		if s.Index == 0 && !s.Query {
			require.Equal(t, Worn, ph.Kind, "a catalogue's first photo shows the dress worn")
		}
	}
}

// TestBackground: no dress, no product.
func TestBackground(t *testing.T) {
	for i := range 40 {
		s := small
		s.Index, s.Query = uint64(i), i%2 == 0
		b := Background(3, s)
		require.True(t, b.Box.Empty())
		require.Empty(t, b.Product)
		require.Empty(t, b.Facets)
		require.Equal(t, s.Width, b.Image.Width)
		require.Equal(t, b.Image.Pix, Background(3, s).Image.Pix)
	}
}

// BenchmarkPaint paints at the default size on one core; the target is 50 photos/s.
func BenchmarkPaint(b *testing.B) {
	products := Products("bench", 1, 64)
	for i := 0; b.Loop(); i++ {
		products[i%64].Paint(Shot{Index: uint64(i / 64), Query: i%2 == 0})
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "photos/s")
}
