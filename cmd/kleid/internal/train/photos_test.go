package train

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/models/training"
)

// TestTellShop says what is not there to be learned.
func TestTellShop(t *testing.T) {
	var told bytes.Buffer
	tellShop(terminal.NewProgress(cli.NewContext(&cli.App{ErrWriter: &told}, nil, nil)), &training.Shop{Joined: 2, Common: 1}, false)
	require.Contains(t, told.String(), "2 products share half of their photos")
	require.Contains(t, told.String(), "1 photos are left out: several products have them")
	require.Contains(t, told.String(), "no product to learn from has two photos")
	require.Contains(t, told.String(), "a manifest (.csv) with the columns product_id and photo")
	require.NotContains(t, told.String(), "byte for byte")
}
