package storage

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// s3Silence is how long S3 may neither send a byte nor take one. How long all of a blob takes is its own affair: it may be
// of gigabytes.
var s3Silence = time.Minute

// impatient ends exchanges in which nothing moves any more. A connection may stay open for ever with nobody at its other
// end, and a transport's own limits are for the headers alone.
type impatient struct {
	http.RoundTripper
	limit time.Duration
}

func (t impatient) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(request.Context())
	e := &exchange{limit: t.limit, cancel: cancel}
	e.timer = time.AfterFunc(t.limit, func() {
		e.silent.Store(true)
		cancel()
	})
	request = request.WithContext(ctx)
	if body := request.Body; body != nil && body != http.NoBody {
		request.Body = &sentBody{body, e}
	}
	if again := request.GetBody; again != nil {
		request.GetBody = func() (io.ReadCloser, error) {
			body, err := again()
			if err != nil || body == http.NoBody {
				return body, err
			}
			return &sentBody{body, e}, nil
		}
	}
	response, err := t.RoundTripper.RoundTrip(request)
	e.timer.Stop()
	if err != nil {
		cancel()
		return nil, e.explain(err)
	}
	response.Body = &receivedBody{response.Body, e}
	return response, nil
}

// exchange is a request and its answer. Its timer runs while S3 is waited for, and not while whoever wants the answer
// does something else.
type exchange struct {
	limit  time.Duration
	cancel context.CancelFunc
	timer  *time.Timer
	silent atomic.Bool
}

func (e *exchange) explain(err error) error {
	if err != nil && err != io.EOF && e.silent.Load() {
		return fmt.Errorf("no byte came or went for %v: %w", e.limit, os.ErrDeadlineExceeded)
	}
	return err
}

// sentBody is what is uploaded: that more of it is wanted shows that S3 took what came before.
type sentBody struct {
	io.ReadCloser
	exchange *exchange
}

func (b *sentBody) Read(p []byte) (int, error) {
	b.exchange.timer.Stop()
	defer b.exchange.timer.Reset(b.exchange.limit)
	return b.ReadCloser.Read(p)
}

type receivedBody struct {
	io.ReadCloser
	exchange *exchange
}

func (b *receivedBody) Read(p []byte) (int, error) {
	b.exchange.timer.Reset(b.exchange.limit)
	defer b.exchange.timer.Stop()
	n, err := b.ReadCloser.Read(p)
	return n, b.exchange.explain(err)
}

func (b *receivedBody) Close() error {
	defer b.exchange.cancel()
	return b.ReadCloser.Close()
}
