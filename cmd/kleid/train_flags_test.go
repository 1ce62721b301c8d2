package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
)

// TestLoopFlagsRefuse what cannot be before anything is painted.
func TestLoopFlagsRefuse(t *testing.T) {
	for flag, want := range map[string]string{
		"--ema=1":                "the moving average's decay is 1",
		"--ema=-0.1":             "the moving average's decay is -0.1",
		"--clip-norm=-1":         "the gradients' greatest length is -1",
		"--clip-norm=NaN":        "the gradients' greatest length is NaN",
		"--learning-rate=-1":     "the learning rate is -1",
		"--learning-rate=2":      "the learning rate is 2",
		"--accumulate=0":         "--accumulate is 0",
		"--warm-up=-1":           "--warm-up is -1",
		"--early-stop=-1":        "--early-stop is -1",
		"--validate-every=-1":    "--validate-every is -1",
		"--checkpoint-every=-1s": "--checkpoint-every is -1s",
		"--mixup=-1":             "mixup is -1",
		"--mix-share=2":          "the share of mixed photos is 2",
	} {
		r := kleid(t, "train", "trunk", "--work", t.TempDir(), flag)
		require.Equal(t, exit.Usage, r.code, flag)
		require.Contains(t, r.stderr, want)
	}
}

// TestProductsOfOverride: few count, and so what thousands of them take is not said.
func TestProductsOfOverride(t *testing.T) {
	require.Contains(t, kleid(t, "train", "override", "--help").stdout, "more than 600 change nothing (default")
	require.Contains(t, kleid(t, "train", "deeprank", "--help").stdout, "GB of memory")
}
