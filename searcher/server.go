// Package searcher answers "which dresses look like this one?": Engine for programs, Server over HTTP
// with an API, a page for people and a widget for shops.
//
// A search pins the index that is current when it begins and finishes on it, also when another run is
// published meanwhile; an index is closed after the last search on it. Indexes of another embedding
// model than the searcher's own are refused.
package searcher

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/kleid-search/kleid/photo"
)

// Server is the service. Its routes are in routes.go.
type Server struct {
	engine  *Engine
	app     *fiber.App
	metrics *metrics

	connections connections
	reading     turn // of forms

	mu       sync.Mutex
	listener net.Listener       // nil before Serve and after Shutdown
	stop     context.CancelFunc // ends Watch
	shutDown bool
	watching sync.WaitGroup
}

// New prepares a server; it refuses what NewEngine refuses. Shutdown frees what it holds.
func New(ctx context.Context, options Options) (*Server, error) {
	if options.Limits == (photo.Limits{}) {
		options.Limits = photo.DefaultLimits()
		options.Limits.MaxBytes = DefaultUpload
	}
	if options.StoreTimeout <= 0 {
		options.StoreTimeout = DefaultStoreTimeout
	}
	engine, err := NewEngine(ctx, options)
	if err != nil {
		return nil, err
	}
	s := &Server{engine: engine, reading: newTurn()}
	s.metrics = newMetrics(engine, func() float64 { return float64(s.app.Server().GetRejectedConnectionsCount()) })
	s.app = fiber.New(fiber.Config{
		DisableStartupMessage: true,
		CaseSensitive:         true,
		// What handlers are given outlives them: a photo that is being embedded after a timeout.
		Immutable: true,
		BodyLimit: s.bodyLimit(),
		// Bodies are read by received, and none is left unread.
		StreamRequestBody: true,
		// Forms are read by the handler that wants one, after its size is known, and not onto the disk.
		DisablePreParseMultipartForm: true,
		Concurrency:                  engine.options.MaxConnections,
		ReadBufferSize:               16 << 10, // bounds the headers
		ReadTimeout:                  headTimeout,
		WriteTimeout:                 time.Minute,
		IdleTimeout:                  idleTimeout,
		ErrorHandler:                 s.refuse,
	})
	s.app.Server().CloseOnShutdown = true // who sends a next request then knows that it needs another connection
	s.app.Server().Handler = s.received(knownMethods(s.app.Server().Handler, s.app.Config().RequestMethods))
	s.connections.watch(s.app.Server())
	if err := s.route(); err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	return s, nil
}

// What a Server takes, unless the options say otherwise.
const (
	DefaultUpload       = 32 << 20 // bytes of a photo
	DefaultConnections  = 256
	DefaultTimeout      = 30 * time.Second // for the work of a request
	DefaultStoreTimeout = 5 * time.Second  // for a question of it to the store
)

// formOverhead is what a request may carry beside a photo.
const formOverhead = 1 << 20

func (s *Server) bodyLimit() int { return int(s.engine.options.Limits.MaxBytes + formOverhead) }

// Serve answers on the listener until Shutdown, and then returns nil. It closes the listener.
func (s *Server) Serve(listener net.Listener) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	s.mu.Lock()
	if s.shutDown {
		s.mu.Unlock()
		return listener.Close()
	}
	s.listener, s.stop = listener, stop
	s.watching.Go(func() { s.engine.Watch(ctx) })
	s.mu.Unlock()
	return s.app.Listener(listener)
}

// Shutdown stops listening, waits for requests under way, at most until the context is done, and lets
// go of the index. A request may go on arriving for Options.Timeout; what has arrived is answered. How many were cut
// is logged.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.shutDown = true
	var err error
	if s.listener != nil {
		s.stop()
		err = s.listener.Close() // here, too, since Fiber closes only what it listens on already
		s.listener = nil
	}
	s.mu.Unlock()
	late := time.AfterFunc(s.engine.options.Timeout, s.connections.stopReading)
	defer late.Stop()
	if down := s.app.ShutdownWithContext(ctx); !errors.Is(down, net.ErrClosed) {
		err = errors.Join(err, down)
	}
	if ctx.Err() != nil {
		s.connections.closeAll()
	}
	if cut := s.connections.unanswered(); cut > 0 {
		s.engine.options.Logger.Warn("requests were cut, as they had not arrived or been answered in time", "requests", cut)
	}
	s.watching.Wait()
	return errors.Join(err, s.engine.Close())
}
