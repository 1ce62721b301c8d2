package train

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/models/training/vocabulary"
)

// TestStructuredLabels are a record each, where the others get a table.
func TestStructuredLabels(t *testing.T) {
	var out bytes.Buffer
	app := &cli.App{ErrWriter: &out, Flags: []cli.Flag{terminal.LogFormatFlag()}, Action: func(c *cli.Context) error {
		return showLabels(terminal.NewProgress(c), []vocabulary.Change{{Facet: "fit", Label: "slim", Fate: vocabulary.Added, Photos: 3}})
	}}
	require.NoError(t, app.Run([]string{"kleid", "--log-format", "json"}))
	require.True(t, json.Valid(out.Bytes()), out.String())
	require.Contains(t, out.String(), `"facet":"fit","label":"slim","photos":3`)
}
