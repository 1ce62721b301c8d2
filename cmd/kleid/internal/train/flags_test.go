package train

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training"
	"github.com/kleid-search/kleid/models/training/loop"
)

// TestLoopFlags reach every training.
func TestLoopFlags(t *testing.T) {
	set := func(args ...string) (options training.Options) {
		options.Trunk = training.DefaultTrunkOptions()
		app := &cli.App{Flags: append(append(loopFlags(), earlyStopFlag()), mixFlags()...), Action: func(c *cli.Context) error { return setLoop(c, &options) }}
		require.NoError(t, app.Run(append([]string{"train"}, args...)))
		return options
	}
	own := training.Options{Trunk: training.DefaultTrunkOptions()}
	own.Loop.Accumulate, own.Trunk.Loop.Accumulate = 1, 1
	require.Equal(t, own.Loop, set().Loop)
	require.Equal(t, own.Trunk.WarmUp, set().Trunk.WarmUp)
	require.Equal(t, own.Trunk.CheckpointEvery, set().Trunk.CheckpointEvery)

	o := set("--ema=0.99", "--clip-norm=2", "--accumulate=3", "--learning-rate=0.01", "--warm-up=7", "--early-stop=4", "--validate-every=50", "--checkpoint-every=1m", "--seed=9", "--mixup=0.2", "--cutmix=1", "--mix-share=0.5")
	require.Equal(t, loop.Options{
		Rate: 0.01, WarmUp: 7, Accumulate: 3, ValidateEvery: 50, Patience: 4, CheckpointEvery: time.Minute, Update: models.Update{ClipNorm: 2, EMA: 0.99},
	}, o.Loop)
	require.Equal(t, o.Loop, o.Trunk.Loop)
	require.Equal(t, 7, o.Trunk.WarmUp)
	require.Equal(t, time.Minute, o.Trunk.CheckpointEvery)
	require.Equal(t, uint64(9), o.Seed)
	require.Equal(t, training.MixOptions{Mixup: 0.2, CutMix: 1, Share: 0.5}, o.Trunk.Mix)
	require.Zero(t, set("--mixup=0.2", "--mix-share=0").Trunk.Mix, "a share of none mixes none")
}
