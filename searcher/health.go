package searcher

import (
	"context"
	"time"
)

type healthOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Status string `json:"status" enum:"ok"`
		Run    string `json:"run,omitempty" doc:"The index that is served"`
	}
}

func newHealth(run string) *healthOutput {
	h := &healthOutput{CacheControl: "no-store"}
	h.Body.Status, h.Body.Run = "ok", run
	return h
}

func (s *Server) health(context.Context, *struct{}) (*healthOutput, error) { return newHealth(""), nil }

// storeTimeout is how long the store may take to say which run is current.
const storeTimeout = 2 * time.Second

// ready fails while there is no index that can be searched, or the store does not answer. The store is asked
// anew: what is known of an open index outlives a store that dies.
func (s *Server) ready(ctx context.Context, _ *struct{}) (*healthOutput, error) {
	asking, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if _, err := s.engine.options.Store.CurrentRun(asking); err != nil {
		return nil, &Error{CodeNoStore, "the store does not answer; the service's log says more", err}
	}
	d, err := s.engine.Describe(ctx)
	if err != nil {
		return nil, err
	}
	return newHealth(d.Run), nil
}
