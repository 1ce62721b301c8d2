package quality

import (
	"context"
	"log/slog"
	"time"
)

// followEvery is how often an index is asked for a new run.
const followEvery = 10 * time.Second

// Refresh takes over the current run of an index where it is another one than the one that is reviewed, and says whether it
// has. Judgements stay: they are of photos, which the new run mostly has as well.
func (r *Review) Refresh(ctx context.Context) (changed bool, err error) {
	if r.options.Index == nil {
		return false, nil
	}
	run, err := r.options.Index.Run(ctx)
	if err != nil || run == r.run() {
		return false, err
	}
	c, err := readIndex(ctx, r.options)
	if err != nil {
		return false, err
	}
	r.take(c)
	return true, nil
}

// run is that of the index that is reviewed, "" of a dataset.
func (r *Review) run() string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.collection.run
}

// follow refreshes now and then, until the context is done.
func (r *Review) follow(ctx context.Context, every time.Duration, logger *slog.Logger) {
	if r.options.Index == nil {
		return
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		changed, err := r.Refresh(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && err.Error() != said: // what is away is told when it goes, not at every look
			said = err.Error()
			logger.Warn("the index of before is shown: the current one cannot be read", "error", err)
		case err == nil:
			said = ""
		}
		if changed {
			logger.Info("a new index is shown", "run", r.run())
		}
	}
}
