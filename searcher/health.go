package searcher

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Probes answers to /healthz and /readyz as the service does, on an address of its own: there they are answered also
// while all of Options.MaxConnections are taken, which is no reason to end a program that is at work.
func (s *Server) Probes() http.Handler {
	mux := http.NewServeMux()
	s.registerProbes(humago.New(mux, s.apiConfig()))
	return mux
}

func (s *Server) registerProbes(api huma.API) {
	register(s, api, http.MethodGet, "/healthz", "health", "Whether the program lives", s.health)
	register(s, api, http.MethodGet, "/readyz", "readiness", "Whether there is an index to search in", s.ready)
}

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

// storeTimeout is how long the store may take to say which run is current and what is in it.
const storeTimeout = 2 * time.Second

// ready fails while there is no index that can be searched, or the store does not answer, and once the server shuts
// down. The store is asked anew: what is known of an open index outlives a store that dies.
func (s *Server) ready(ctx context.Context, _ *struct{}) (*healthOutput, error) {
	s.mu.Lock()
	shutDown := s.shutDown
	s.mu.Unlock()
	if shutDown {
		return nil, failure(CodeShuttingDown, "the service is being stopped: ask another one")
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	var d Description
	_, err := s.engine.options.Store.CurrentRun(ctx)
	away := err != nil
	if err == nil {
		d, err = s.engine.Describe(ctx)
		away = errors.Is(err, context.DeadlineExceeded)
	}
	switch {
	case away:
		return nil, &Error{CodeNoStore, "the store does not answer; the service's log says more", err}
	case err != nil:
		return nil, err
	}
	return newHealth(d.Run), nil
}
