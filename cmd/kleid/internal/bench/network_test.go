package bench

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMeasureInterrupted stops at the next batch.
func TestMeasureInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var f NetworkFigures
	require.ErrorIs(t, f.measure(ctx, 3600, func() error { cancel(); return nil }), context.Canceled)
}
