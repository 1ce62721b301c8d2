package train

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/models"
)

// TestTrainedModelInOneLine is of kleid train facets without --dataset, which measures nothing.
func TestTrainedModelInOneLine(t *testing.T) {
	model := &models.Model{Config: models.DefaultConfig(), Weights: models.Weights{}}
	for _, args := range [][]string{nil, {"--json"}} {
		var out bytes.Buffer
		app := &cli.App{Writer: &out, Flags: []cli.Flag{flags.JSON()}, Action: func(c *cli.Context) error { return printTrained(c, model) }}
		require.NoError(t, app.Run(append([]string{"kleid"}, args...)))
		if args == nil {
			require.Empty(t, out.String())
			continue
		}
		var got trainedModel
		require.NoError(t, json.Unmarshal(out.Bytes(), &got))
		require.Equal(t, trainedModel{"model.safetensors", model.EmbeddingModel(), model.FacetModel()}, got)
	}
}
