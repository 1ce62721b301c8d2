package train

import (
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/models/training"
	"github.com/kleid-search/kleid/models/training/loop"
)

// seedFlag is of all that draws or fits.
func seedFlag() cli.Flag {
	return &cli.Uint64Flag{Name: "seed", EnvVars: flags.Env("train-seed"), Usage: "`N` other than 0 draws other weights, batches and painted dresses"}
}

// earlyStopFlag is of what trains a trunk: heads take all their steps, since what they are validated with is learned
// from in the end.
func earlyStopFlag() cli.Flag {
	return &cli.IntFlag{Name: "early-stop", EnvVars: flags.Env("early-stop"), Usage: "`N` validations without a new best end the training of a trunk, and its best weights are kept; 0 takes all steps"}
}

// loopFlags say how a training goes about its steps.
func loopFlags() []cli.Flag {
	return []cli.Flag{
		&cli.Float64Flag{Name: "ema", EnvVars: flags.Env("ema"), Usage: "`DECAY` of the moving average of the weights that is kept instead of them, such as 0.999; 0 keeps them as they are"},
		&cli.Float64Flag{Name: "clip-norm", EnvVars: flags.Env("clip-norm"), Usage: "greatest `LENGTH` of all gradients as one vector; 0 leaves them as they are"},
		&cli.IntFlag{Name: "accumulate", Value: 1, EnvVars: flags.Env("accumulate"), Usage: "`N` batches make one step"},
		&cli.Float64Flag{Name: "learning-rate", EnvVars: flags.Env("learning-rate"), DefaultText: "a training's own", Usage: "`RATE` of learning after the warm-up, from where it falls along a cosine; a pretrained trunk wants a tenth of what a new one does"},
		&cli.IntFlag{Name: "warm-up", EnvVars: flags.Env("warm-up"), DefaultText: "a training's own number, a tenth of its steps at most", Usage: "`N` steps in which the learning rate rises, before it falls along a cosine"},
		&cli.IntFlag{Name: "validate-every", EnvVars: flags.Env("validate-every"), DefaultText: "a twentieth of all", Usage: "`N` steps between two validations of what there is something to validate with"},
		&cli.DurationFlag{Name: "checkpoint-every", EnvVars: flags.Env("checkpoint-every"), DefaultText: "3m", Usage: "`TIME` between two checkpoints"},
		seedFlag(),
	}
}

// mixFlags say how the trunk's crops are mixed.
func mixFlags() []cli.Flag {
	return []cli.Flag{
		&cli.Float64Flag{Name: "mixup", EnvVars: flags.Env("mixup"), Usage: "`ALPHA` of mixup: crops are overlaid, with shares from Beta(ALPHA, ALPHA); 0 does without"},
		&cli.Float64Flag{Name: "cutmix", EnvVars: flags.Env("cutmix"), Usage: "`ALPHA` of CutMix: pieces of crops are pasted into others; 0 does without"},
		&cli.Float64Flag{Name: "mix-share", Value: 1, EnvVars: flags.Env("mix-share"), Usage: "`SHARE` of the crops that are mixed"},
	}
}

// setLoop reads loopFlags into the options of all trainings, and mixFlags, where there are such.
func setLoop(c *cli.Context, options *training.Options) error {
	loop := loop.Options{
		Rate: c.Float64("learning-rate"), WarmUp: c.Int("warm-up"), Accumulate: c.Int("accumulate"), ValidateEvery: c.Int("validate-every"),
		Patience: c.Int("early-stop"), CheckpointEvery: c.Duration("checkpoint-every"),
	}
	loop.ClipNorm, loop.EMA = c.Float64("clip-norm"), c.Float64("ema")
	if c.IsSet("accumulate") { // which what is fitted in closed form does not have
		if err := flags.Positive(c, "accumulate"); err != nil {
			return err
		}
	}
	if err := flags.NotNegative(c, "warm-up", "validate-every", "early-stop"); err != nil {
		return err
	}
	if err := loop.Check(); err != nil {
		return exit.WrongUsage(c, "%v", err)
	}
	if loop.CheckpointEvery < 0 {
		return exit.WrongUsage(c, "--checkpoint-every is %v, but must not be negative", loop.CheckpointEvery)
	}
	mix := training.MixOptions{Mixup: c.Float64("mixup"), CutMix: c.Float64("cutmix"), Share: c.Float64("mix-share")}
	if err := mix.Check(); err != nil {
		return exit.WrongUsage(c, "%v", err)
	}
	if mix.Share > 0 {
		options.Trunk.Mix = mix
	}
	options.Loop, options.Trunk.Loop, options.Seed = loop, loop, c.Uint64("seed")
	if loop.WarmUp > 0 {
		options.Trunk.WarmUp = loop.WarmUp
	}
	if loop.CheckpointEvery > 0 {
		options.Trunk.CheckpointEvery = loop.CheckpointEvery
	}
	return nil
}
