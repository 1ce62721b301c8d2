package embedded

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/vectors"
	"github.com/kleid-search/kleid/vectors/vectorstest"
)

func TestStore(t *testing.T) {
	vectorstest.Run(t, func(t *testing.T) func() vectors.Store {
		folder := filepath.Join(t.TempDir(), "not [there] yet")
		return func() vectors.Store {
			s, err := Open(folder)
			require.NoError(t, err)
			return s
		}
	}, 1e-6)
}
