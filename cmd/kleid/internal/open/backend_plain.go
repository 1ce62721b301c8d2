//go:build !xla

package open

import (
	"errors"

	"github.com/gomlx/gomlx/backends"
)

// accelerator is what --backend auto prefers to the CPU: nothing in a build without XLA.
func accelerator() backends.Backend { return nil }

func newXLA(string) (backends.Backend, error) {
	return nil, errors.New("this kleid was built without XLA: build one with `make build-xla` (it needs a C compiler), or use --backend cpu")
}
