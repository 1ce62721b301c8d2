//go:build xla

package open

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/backends"
	"github.com/gomlx/gomlx/backends/xla"
)

func init() {
	// Nothing is downloaded behind the user's back: XLA's plugin is theirs to install.
	xla.EnableAutoInstall(false)
}

// accelerator is what --backend auto prefers to the CPU: CUDA where its plugin is installed and works.
func accelerator() backends.Backend {
	const plugin = "cuda"
	if !slices.Contains(xla.GetAvailablePlugins(), plugin) {
		return nil
	}
	backend, err := newXLA(plugin)
	if err != nil {
		return nil
	}
	return backend
}

func newXLA(plugin string) (backends.Backend, error) {
	backend, err := xla.New(plugin)
	if err != nil {
		return nil, fmt.Errorf("the XLA plugin %q does not start: install it as https://github.com/gomlx/go-xla says, or set PJRT_PLUGIN_LIBRARY_PATH to its folder (%w)", plugin, err)
	}
	return backend, nil
}
