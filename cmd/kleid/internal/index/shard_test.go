package index

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/storage"
)

// A commit that waits for shards is not ended by what may be over the next time, and is by what will not.
func TestRetryCommit(t *testing.T) {
	listing := errors.New("the catalogue s3://shop/photos: no answer")
	incomplete := fmt.Errorf("index: %w: shard 1-of-2 of job monday is not done", indexer.ErrIncomplete)
	mismatch, usage := fmt.Errorf("index: %w: use one model", indexer.ErrMismatch), fmt.Errorf("index: %w", indexer.ErrUsage)
	denied, gone := fmt.Errorf("index: %w", storage.ErrPermission), fmt.Errorf("index: %w", indexer.ErrNoCatalogue)
	passing := fmt.Errorf("index: a shard's file: %w", storage.ErrNotExist)
	const minute = time.Minute
	for name, test := range map[string]struct {
		wait    time.Duration
		answers []error
		pauses  []time.Duration
	}{
		"done at last":         {time.Hour, []error{incomplete, listing, incomplete, nil}, []time.Duration{commitPause, failedPause, commitPause}},
		"shards do not fit":    {time.Hour, []error{incomplete, mismatch}, []time.Duration{commitPause}},
		"not allowed":          {time.Hour, []error{listing, denied}, []time.Duration{failedPause}},
		"no catalogue":         {time.Hour, []error{gone}, nil},
		"fails for long":       {time.Hour, []error{listing, passing, listing, listing, listing, listing, nil}, []time.Duration{minute, 2 * minute, 4 * minute, 8 * minute, 15 * minute, 15 * minute}},
		"fails again":          {time.Hour, []error{listing, listing, incomplete, listing, nil}, []time.Duration{minute, 2 * minute, commitPause, minute}},
		"wrong usage":          {time.Hour, []error{usage}, nil},
		"no time to wait":      {0, []error{incomplete}, nil},
		"no time for failures": {0, []error{listing}, nil},
		"interrupted":          {time.Hour, []error{listing, context.Canceled}, []time.Duration{failedPause}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var log bytes.Buffer
			var pauses []time.Duration
			asked := 0
			pause := func(d time.Duration) { pauses = append(pauses, d) }
			_, err := retryCommit(ctx, terminal.NewLogger(&log, false), test.wait, pause, func() (indexer.Report, error) {
				asked++
				if test.answers[asked-1] == context.Canceled {
					cancel()
				}
				return indexer.Report{}, test.answers[asked-1]
			})
			require.Equal(t, len(test.answers), asked)
			require.ErrorIs(t, err, test.answers[asked-1])
			require.Equal(t, test.pauses, pauses)
			for _, shown := range test.answers[:asked-1] {
				require.Contains(t, log.String(), shown.Error())
			}
		})
	}
}

// The last try is when the time to wait is over, not up to a quarter of an hour later.
func TestRetryCommitInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, problem := time.Now(), errors.New("no answer")
		var at []time.Duration
		_, err := retryCommit(t.Context(), slog.New(slog.DiscardHandler), 10*time.Minute, time.Sleep, func() (indexer.Report, error) {
			at = append(at, time.Since(began))
			return indexer.Report{}, problem
		})
		require.ErrorIs(t, err, problem)
		require.Equal(t, []time.Duration{0, time.Minute, 3 * time.Minute, 7 * time.Minute, 10 * time.Minute}, at)
	})
}
