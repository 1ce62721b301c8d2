package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/kleid-search/kleid/vectors"
)

// Open opens a finished run, also one that is not, or no longer, the current one: to verify it before it
// is published. It returns vectors.ErrNoIndex when there is no such run.
func (s *store) Open(_ context.Context, run string) (vectors.Index, error) {
	if err := vectors.CheckRun(run); err != nil {
		return nil, err
	}
	index, err := openIndex(s.runFolder(run))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("run %s: %w", run, vectors.ErrNoIndex)
	}
	if err != nil {
		return nil, fmt.Errorf("embedded store: run %s: %w", run, err)
	}
	return index, nil
}
