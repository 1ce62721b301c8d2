package quantize

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"
)

// TestQuantizeFigures leaves out what was measured on nothing.
func TestQuantizeFigures(t *testing.T) {
	for want, f := range map[string]Figures{
		"facets alike in –, dresses found alike in 50.0% of the photos, boxes with a mean IoU of –":         {Found: 0.5},
		"facets alike in 0.0%, dresses found alike in 100.0% of the photos, boxes with a mean IoU of 0.250": {Facets: share(0, 3), Boxes: share(0.5, 2), Found: 1},
	} {
		var out bytes.Buffer
		require.NoError(t, f.print(cli.NewContext(&cli.App{Writer: &out}, nil, nil)))
		require.Contains(t, out.String(), want)
		line, err := json.Marshal(f)
		require.NoError(t, err)
		require.Equal(t, f.Boxes != nil, strings.Contains(string(line), `"box_iou"`))
		require.Equal(t, f.Facets != nil, strings.Contains(string(line), `"facets_alike"`))
	}
	require.Nil(t, share(0, 0))
}
