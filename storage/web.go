package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

const maxRedirects = 3

var errRedirects = fmt.Errorf("more than %d redirects", maxRedirects)

// newHTTPClient returns a client that asks allowed hosts only. It uses no proxy: the guard has to see
// the address of the host itself.
func newHTTPClient(options *FetchOptions, allowed func(netip.AddrPort) bool) *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Control: guard(allowed)}
	dial := dialer.DialContext
	if beside := addressOf(options.PrivateBeside); beside != "" {
		free := *dialer
		free.Control = nil
		dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if strings.EqualFold(address, beside) { // by its name: another one may lead to its address as well
				return free.DialContext(ctx, network, address)
			}
			return dialer.DialContext(ctx, network, address)
		}
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext:           dial,
			ForceAttemptHTTP2:     true,
			DisableCompression:    true, // photos are compressed, and a bomb must not unpack
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: options.silence(),
			MaxIdleConnsPerHost:   16,
			IdleConnTimeout:       30 * time.Second,
		},
		CheckRedirect: func(request *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return errRedirects
			}
			return options.checkURL(request.URL)
		},
	}
}

// addressOf is the host and port of an https URL, "" of what is none.
func addressOf(location string) string {
	u, err := url.Parse(location)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" {
		return ""
	}
	return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "443"))
}

// silence is how long a server may take to begin its answer, also where all of it may take longer.
func (o *FetchOptions) silence() time.Duration { return min(o.Timeout, time.Minute) }

// checkURL refuses what can be refused before asking.
func (o *FetchOptions) checkURL(u *url.URL) error {
	if u.Scheme != "https" && (u.Scheme != "http" || !o.AllowHTTP) {
		return fmt.Errorf("%w: %s:// addresses are not fetched, only https://", ErrForbidden, u.Scheme)
	}
	if strings.TrimSuffix(u.Hostname(), ".") == "" {
		return fmt.Errorf("%w: the address has no host", ErrForbidden)
	}
	return nil
}

func (f *Fetcher) web(ctx context.Context, source string, known Info) (data []byte, now Info, err error) {
	err = f.retry().insist(ctx, func() error {
		data, now, err = f.ask(ctx, source, known)
		return err
	})
	return data, now, err
}

// ask asks a server once.
func (f *Fetcher) ask(ctx context.Context, source string, known Info) ([]byte, Info, error) {
	u, err := url.Parse(source)
	if err != nil {
		return nil, Info{}, fmt.Errorf("fetch %s: not an address", WithoutSecrets(source))
	}
	bounded, cancel := context.WithTimeout(ctx, f.options.Timeout)
	defer cancel()
	fail := func(err error) ([]byte, Info, error) {
		return nil, Info{}, fmt.Errorf("fetch %s: %w", WithoutSecrets(source), err)
	}
	failed := func(err error) ([]byte, Info, error) { // of an exchange
		var asked *url.Error
		if errors.As(err, &asked) {
			err = asked.Err // the address is said once
		}
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			limit := f.options.Timeout
			if bounded.Err() == nil {
				limit = f.options.silence()
			}
			err = fmt.Errorf("no answer within %v: %w", limit, err)
		}
		if isPassing(err) {
			err = &passing{err: err}
		}
		return fail(err)
	}
	if err := f.options.checkURL(u); err != nil {
		return fail(err)
	}
	request, err := http.NewRequestWithContext(bounded, http.MethodGet, source, nil)
	if err != nil {
		return fail(err)
	}
	request.Header.Set("User-Agent", "kleid")
	request.Header.Set("Accept", "image/jpeg, image/png, image/webp, image/*;q=0.8, */*;q=0.1")
	if known.ETag != "" {
		request.Header.Set("If-None-Match", known.ETag)
	}
	response, err := f.client.Do(request)
	if err != nil {
		return failed(err)
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusNotModified && known.ETag != "":
		return nil, known, ErrUnchanged
	case response.StatusCode == http.StatusNotFound, response.StatusCode == http.StatusGone:
		return fail(fmt.Errorf("the server says %s: %w", response.Status, fs.ErrNotExist))
	case response.StatusCode == http.StatusUnauthorized, response.StatusCode == http.StatusForbidden:
		return fail(fmt.Errorf("the server says %s: %w", response.Status, fs.ErrPermission))
	case response.StatusCode == http.StatusTooManyRequests, response.StatusCode >= 500:
		return fail(&passing{err: fmt.Errorf("the server says %s", response.Status), after: retryAfter(response.Header)})
	case response.StatusCode != http.StatusOK:
		return fail(fmt.Errorf("the server says %s", response.Status))
	case response.ContentLength > f.options.Limit:
		return fail(fmt.Errorf("%w: %d bytes, more than the %d allowed", ErrTooLarge, response.ContentLength, f.options.Limit))
	}
	data, err := readLimited(response.Body, f.options.Limit)
	if err == nil {
		// A server may end the body when it sees that nobody waits any more: that is not all of it.
		err = bounded.Err()
	}
	if err != nil {
		return failed(err)
	}
	now := Info{Size: int64(len(data)), ETag: response.Header.Get("ETag")}
	if !strings.HasPrefix(now.ETag, `"`) { // a weak one may stand for other bytes
		now = Info{}
	}
	return data, now, nil
}
