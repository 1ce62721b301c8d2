package searcher

import (
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// How long a client may hold one of Options.MaxConnections while it sends nothing, until it has sent the head of a
// request, and the body.
const (
	idleTimeout = 5 * time.Second
	headTimeout = 10 * time.Second
	bodyTimeout = time.Minute
)

// connections are those that are open. Once closing, nothing more is read from any; what has arrived is answered.
type connections struct {
	mu      sync.Mutex
	open    map[net.Conn]struct{}
	closing bool
	cut     int // how many requests had not arrived, or not been answered
}

// watch follows a server's connections. It must be called before the server serves.
func (c *connections) watch(server *fasthttp.Server) {
	c.open = make(map[net.Conn]struct{})
	server.ConnState = func(connection net.Conn, state fasthttp.ConnState) {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch state {
		case fasthttp.StateNew:
			c.open[connection] = struct{}{}
		case fasthttp.StateClosed:
			delete(c.open, connection)
		}
	}
	server.HeaderReceived = func(*fasthttp.RequestHeader) fasthttp.RequestConfig {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.closing {
			return fasthttp.RequestConfig{ReadTimeout: time.Nanosecond}
		}
		return fasthttp.RequestConfig{ReadTimeout: bodyTimeout}
	}
}

// stopReading lets requests that have not arrived fail, as too late.
func (c *connections) stopReading() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closing = true
	for connection := range c.open {
		_ = connection.SetReadDeadline(time.Now()) // a connection that is gone needs none
	}
}

// late counts a request that has not arrived in time, if that is because nothing more is read.
func (c *connections) late() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		c.cut++
	}
}

// closeAll closes those that are left.
func (c *connections) closeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut += len(c.open)
	for connection := range c.open {
		_ = connection.Close() // it is given up
	}
}

// unanswered is how many requests were cut.
func (c *connections) unanswered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cut
}
