package searcher

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"github.com/kleid-search/kleid/datasets/studio"
)

func TestShutdownWaitsForRequests(t *testing.T) {
	shop := newShop(t)
	shop.index(t, "r1", 1)
	data := shop.paint(t, 0, studio.Shot{Query: true})
	entered, proceed := make(chan struct{}), make(chan struct{})
	shop.embedder.before = func() {
		close(entered)
		<-proceed
	}
	options, store := shop.watched()
	server, err := New(t.Context(), options)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	s := &service{t, "http://" + listener.Addr().String(), server}
	replies := make(chan reply, 1)
	go func() { replies <- s.upload(data) }()
	<-entered
	idle, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	defer idle.Close()
	_, err = io.WriteString(idle, "HEAD /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	probed := bufio.NewReader(idle)
	response, err := http.ReadResponse(probed, &http.Request{Method: http.MethodHead})
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.False(t, response.Close)
	down := make(chan error, 1)
	go func() { down <- server.Shutdown(context.Background()) }()
	require.Eventually(t, func() bool {
		connection, err := net.Dial("tcp", listener.Addr().String())
		if err == nil {
			connection.Close()
		}
		return err != nil
	}, 10*time.Second, time.Millisecond, "nobody new is let in")
	_, err = probed.ReadByte()
	require.ErrorIs(t, err, io.EOF, "nor who is idle")
	for path, status := range map[string]int{"/healthz": http.StatusOK, "/readyz": http.StatusServiceUnavailable} {
		w := httptest.NewRecorder()
		server.Probes().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		require.Equal(t, status, w.Code, "%s: %s", path, w.Body)
	}
	close(proceed)
	r := <-replies
	require.Equal(t, http.StatusOK, r.status)
	require.True(t, r.last, "nothing more can be asked on its connection")
	require.NoError(t, <-down)
	require.NoError(t, <-served)
	require.Zero(t, store.open.Load())
}

// TestShutdownCutsWhatDoesNotArrive has a client that sends the head of a request and nothing more, for a server that
// waits as long as the work for a request may take, and for one that is to end at once.
func TestShutdownCutsWhatDoesNotArrive(t *testing.T) {
	shop := newShop(t)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx     context.Context
		timeout time.Duration
		status  int // 0 for no answer
	}{
		"waiting": {t.Context(), time.Millisecond, http.StatusRequestTimeout},
		"at once": {over, time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			options := shop.options()
			var log lockedBuilder
			options.Timeout, options.Logger = test.timeout, slog.New(slog.NewTextHandler(&log, nil))
			server, err := New(t.Context(), options)
			require.NoError(t, err)
			arrived, received := make(chan struct{}), server.app.Server().HeaderReceived
			server.app.Server().HeaderReceived = func(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
				defer close(arrived)
				return received(h)
			}
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			served := make(chan error, 1)
			go func() { served <- server.Serve(listener) }()
			client, err := net.Dial("tcp", listener.Addr().String())
			require.NoError(t, err)
			defer client.Close()
			_, err = io.WriteString(client, "POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{")
			require.NoError(t, err)
			<-arrived
			require.ErrorIs(t, server.Shutdown(test.ctx), test.ctx.Err())
			require.NoError(t, <-served)
			require.Contains(t, log.String(), "requests=1")
			response, err := http.ReadResponse(bufio.NewReader(client), nil)
			if test.status == 0 {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			defer response.Body.Close()
			require.Equal(t, test.status, response.StatusCode)
		})
	}
}

// slowListener is not yet listened on: Fiber asks for its address before it does that.
type slowListener struct {
	net.Listener
	once           sync.Once
	asked, proceed chan struct{}
}

func TestShutdownAsServeBegins(t *testing.T) {
	shop := newShop(t)
	server, err := New(t.Context(), shop.options())
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	slow := &slowListener{Listener: listener, asked: make(chan struct{}), proceed: make(chan struct{})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(slow) }()
	<-slow.asked
	require.NoError(t, server.Shutdown(t.Context()))
	close(slow.proceed)
	select {
	case err := <-served:
		require.NoError(t, err)
	case <-time.After(10 * time.Second):
		require.Fail(t, "it serves after it was shut down")
	}
}

func TestServeAfterShutdown(t *testing.T) {
	shop := newShop(t)
	server, err := New(t.Context(), shop.options())
	require.NoError(t, err)
	require.NoError(t, server.Shutdown(t.Context()))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, server.Serve(listener))
}
