package models

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCheckTrunk tells a network's weights from another's; one that is trained may lack parts.
func TestCheckTrunk(t *testing.T) {
	shipped, err := Default()
	require.NoError(t, err)
	own := shipped.Weights.Sub("trunk.")
	with := func(name string, tensor *Tensor) Weights {
		changed := Weights{}
		changed.Merge("", own)
		if changed[name] = tensor; tensor == nil {
			delete(changed, name)
		}
		return changed
	}
	part := Weights{}
	for name, tensor := range own {
		if !strings.HasPrefix(name, "stem.") {
			part[name] = tensor
		}
	}
	for name, test := range map[string]struct {
		weights            Weights
		asItIs, forTrained string // what is wrong
	}{
		"its own":           {own, "", ""},
		"one is lacking":    {with("stem.conv.weight", nil), `the weights lack "stem.conv.weight"`, `the weights lack "stem.conv.weight"`},
		"a part is lacking": {part, `the weights lack "stem.conv.weight"`, ""},
		"a classifier":      {with("head.weight", NewTensor(3)), "", ""},
		"a deeper one's":    {with("stem.conv2.weight", NewTensor(3)), `there is "stem.conv2.weight" among the weights`, `there is "stem.conv2.weight" among the weights`},
		"another shape":     {with("stem.conv.weight", NewTensor(3)), `"stem.conv.weight" has shape [3]`, `"stem.conv.weight" has shape [3]`},
		"another network":   {Weights{"layer9.weight": NewTensor(1)}, "the weights lack", "another network's"},
	} {
		for trained, want := range map[bool]string{false: test.asItIs, true: test.forTrained} {
			err := shipped.Config.CheckTrunk(testBackend(t), test.weights, trained)
			if want == "" {
				require.NoError(t, err, name)
				continue
			}
			require.ErrorContains(t, err, "these are not the weights of kleid-s", name)
			require.ErrorContains(t, err, want, name)
		}
	}
}
