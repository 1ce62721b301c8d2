package tables

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/models/training"
)

// TestWriteRecall warns of a model that finds less than the one before.
func TestWriteRecall(t *testing.T) {
	for _, test := range []struct {
		before, after *training.RecallPair
		row           string
		warns         bool
	}{
		{nil, &training.RecallPair{At1: 0.25}, `DeepRank +0\.250 +– +– +–`, false},
		{&training.RecallPair{At1: 0.5, At5: new(0.75)}, &training.RecallPair{At1: 0.25, At5: new(1.0)}, `DeepRank +0\.250 +1\.000 +0\.500 +0\.750`, true},
		{&training.RecallPair{At1: 0.5}, &training.RecallPair{At1: 0.5}, `DeepRank +0\.500 +– +0\.500 +–`, false},
	} {
		var out, told bytes.Buffer
		c := cli.NewContext(&cli.App{Writer: &out, ErrWriter: &told}, nil, nil)
		same := &training.RecallPair{At1: 1}
		require.NoError(t, writeRecall(c, &training.ShopFigures{Unsupervised: same, DeepRank: test.before}, training.ShopFigures{Unsupervised: same, DeepRank: test.after}))
		require.Regexp(t, test.row, out.String())
		require.Equal(t, test.warns, strings.Contains(told.String(), "DeepRank finds another photo"))
	}
}
