package photos

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/embedding"
)

// pairs takes two photos at once, and sees nothing.
type pairs struct{}

func (pairs) BatchSize() int { return 2 }

func (pairs) Embed(_ context.Context, inputs []embedding.Input) ([]embedding.Photo, error) {
	return make([]embedding.Photo, len(inputs)), nil
}

// TestEmbedTellsHowFarItIs counts photos after each batch.
func TestEmbedTellsHowFarItIs(t *testing.T) {
	c := cli.NewContext(&cli.App{}, nil, nil)
	c.Context = t.Context()
	var told [][2]int
	photos, err := embedAll(c, func(done, total int) { told = append(told, [2]int{done, total}) }, pairs{}, []string{"nowhere.jpg", "nowhere.jpg", "nowhere.jpg"}, nil)
	require.NoError(t, err)
	require.Len(t, photos, 3)
	require.Equal(t, [][2]int{{2, 3}, {3, 3}}, told)
}
