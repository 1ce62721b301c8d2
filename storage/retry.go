package storage

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/minio/minio-go/v7"
)

// passing is an error that may be gone if the server is asked again.
type passing struct {
	err   error
	after time.Duration // that the server asks to wait for, 0 where it does not
	slow  bool          // the server wants to be asked less
}

func (p *passing) Error() string { return p.err.Error() }
func (p *passing) Unwrap() error { return p.err }

// How long to wait before a server is asked again: twice as long each time, or as long as it says, if it says so in
// seconds. Others' photos wait meanwhile.
const firstPause, longestPause = 500 * time.Millisecond, 5 * time.Second

// slowPause is the first one where S3 is asked too much: it takes its time to make room, and asking it sooner does not help.
const slowPause = 10 * time.Second

// Retry says how often a server is asked that does not answer, ends an answer before it is whole, or is busy or broken.
type Retry struct {
	// Attempts are how many there are at most; 0 is one.
	Attempts int
	// Wait pauses between two; nil for the package's own, which only tests replace.
	Wait func(ctx context.Context, pause time.Duration) error
}

// ReadAll is ReadAll of the package, asking S3 again, from the beginning; what a folder says stays so.
func (r Retry) ReadAll(ctx context.Context, b Bucket, key string, limit int64) (data []byte, err error) {
	if _, remote := b.(*s3); !remote || checkKey("get", key) != nil {
		return ReadAll(ctx, b, key, limit)
	}
	err = r.insist(ctx, func() error {
		data, err = ReadAll(ctx, b, key, limit)
		return passingOfS3(err)
	})
	return data, err
}

// insist asks until it is answered, but no more often than Attempts.
func (r Retry) insist(ctx context.Context, ask func() error) error {
	wait := r.Wait
	if wait == nil {
		wait = waitFor
	}
	pause, slow := firstPause, slowPause
	for attempt := 1; ; attempt++ {
		err := ask()
		var again *passing
		if err == nil || attempt >= r.Attempts || ctx.Err() != nil || !errors.As(err, &again) {
			return err
		}
		this := min(max(pause, again.after), longestPause)
		if again.slow {
			this, slow = slow, 2*slow
		}
		if wait(ctx, this) != nil {
			return err
		}
		pause *= 2
	}
}

func waitFor(ctx context.Context, pause time.Duration) error {
	select {
	case <-time.After(pause):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// isPassing says whether a failed exchange may go well the next time: not if the address, the host or the answer is not
// to be had at all.
func isPassing(err error) bool {
	var certificate *tls.CertificateVerificationError
	var name *net.DNSError
	switch {
	case errors.Is(err, ErrForbidden), errors.Is(err, ErrTooLarge), errors.Is(err, errRedirects):
		return false
	case errors.As(err, &certificate), errors.As(err, &name) && name.IsNotFound:
		return false
	}
	return true
}

// passingOfS3 marks what may be gone if S3 is asked again.
func passingOfS3(err error) error {
	var answer minio.ErrorResponse
	switch {
	case err == nil, errors.Is(err, ErrUnchanged), !isPassing(err), errors.Is(err, ErrNotExist), errors.Is(err, ErrPermission):
		return err
	case errors.As(err, &answer):
		slow := answer.StatusCode == http.StatusServiceUnavailable || answer.StatusCode == http.StatusTooManyRequests
		if !slow && answer.StatusCode < 500 && answer.Code != "RequestTimeout" {
			return err
		}
		return &passing{err: err, slow: slow}
	}
	return &passing{err: err} // the connection
}

// retryAfter reads the header of that name (RFC 9110), in either form.
func retryAfter(header http.Header) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(seconds, 3600)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return time.Until(at)
	}
	return 0
}
