package train

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/evaluation"
	"github.com/kleid-search/kleid/models/training"
	"github.com/kleid-search/kleid/photo"
)

// TestWorstLocated: all that can be wrong is among the worst, in order, and the others are about the middle.
func TestWorstLocated(t *testing.T) {
	box := func(width int) *photo.Box { return &photo.Box{XMax: width, YMax: 10} }
	var located []evaluation.Located
	add := func(name string, truth, found *photo.Box, confidence float64) {
		located = append(located, evaluation.Located{Example: datasets.Example{Name: name, Box: truth, NoDress: truth == nil}, Found: found, Confidence: confidence})
	}
	for i := range 9 {
		add(fmt.Sprint("found ", 9-i), box(10), box(9-i), 0.5)
	}
	add("right", nil, nil, 0)
	add("doubted", nil, box(1), 0.3)
	add("sure", nil, box(1), 0.9)
	add("missed", box(10), nil, 0)
	names := func(located []evaluation.Located) (names []string) {
		for _, l := range located {
			names = append(names, l.Name)
		}
		return names
	}
	worst, middle := worstLocated(located, 5, 3)
	require.Equal(t, []string{"missed", "sure", "doubted", "found 1", "found 2"}, names(worst))
	require.Equal(t, []string{"found 4", "found 5", "found 6"}, names(middle))
	worst, middle = worstLocated(located, 99, 3)
	require.Len(t, worst, 12)
	require.Empty(t, middle)
	worst, middle = worstLocated(nil, 5, 3)
	require.Empty(t, append(worst, middle...))
}

// TestPicturesWhereNothingIsFound: photos that are left out for want of room are none without a dress.
func TestPicturesWhereNothingIsFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.jpg")
	data, err := photo.EncodeJPEG(photo.New(8, 8), 90)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data, 0o600))
	for n, legend := range map[int]string{
		24: "25 photos, the worst first; 1 without a dress, in which none was found, are left out",
		30: "the worst 16 of 31 photos",
	} {
		located := make([]evaluation.Located, n, n+1)
		for i := range located {
			located[i].Example = datasets.Example{Path: path, Name: "https://cdn.example/a.jpg?signature=secret", Box: &photo.Box{XMax: 5, YMax: 5}}
		}
		group, err := pictureLocated(append(located, evaluation.Located{Example: datasets.Example{Path: path, NoDress: true}}), "photos")
		require.NoError(t, err)
		require.Equal(t, legend, group.Legend)
		require.Equal(t, "https://cdn.example/a.jpg", group.Photos[0].Name, "reports are shown to others")
	}
}

// TestPicturePainted: where no photo is kept apart there are painted ones, with their boxes and without a dress.
func TestPicturePainted(t *testing.T) {
	c := cli.NewContext(&cli.App{}, nil, nil)
	c.Context = t.Context()
	figures, err := picturePainted(c, training.Options{Paint: training.PaintOptions{Seed: 1}}, func(examples []datasets.Example) (located []evaluation.Located, err error) {
		for _, e := range examples {
			located = append(located, evaluation.Located{Example: e, Found: &photo.Box{XMax: 40, YMax: 40}})
		}
		return located, nil
	})
	require.NoError(t, err)
	require.Equal(t, "24 painted photos that were not learned from, the worst first", figures.Located.Legend)
	require.Len(t, figures.Located.Photos, paintedDresses+paintedOthers)
	size := 0
	for i, p := range figures.Located.Photos {
		require.Equal(t, i < paintedOthers, p.True == nil)
		size += len(p.JPEG)
	}
	require.Less(t, size, 1<<19, "in two files, of which one has them as text")
}
