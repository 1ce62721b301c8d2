package compute_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/compute/kernels"
)

// TestSuiteAtEachInstructionSet runs this package's other tests again with each instruction set that the CPU
// has, forced by the environment. The tests of the kernels go through them by themselves.
func TestSuiteAtEachInstructionSet(t *testing.T) {
	if testing.Short() {
		t.Skip("-short runs the suite with the fastest instruction set only")
	}
	if os.Getenv(kernels.Variable) != "" {
		t.Skip("the instruction set is chosen already: " + os.Getenv(kernels.Variable))
	}
	for _, level := range kernels.Levels() {
		if level == kernels.ActiveNarrow() {
			continue // what runs now
		}
		t.Run(level.String(), func(t *testing.T) {
			suite := exec.Command(os.Args[0], "-test.short")
			suite.Env = append(os.Environ(), kernels.Variable+"="+level.String())
			out, err := suite.CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Contains(t, string(out), "PASS")
		})
	}
}
