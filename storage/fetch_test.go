package storage

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// trust makes a fetcher accept the certificate of a test server and dial the addresses that allowed says.
func trust(t *testing.T, options FetchOptions, server *httptest.Server, allowed func(netip.AddrPort) bool) *Fetcher {
	f := NewFetcher(options)
	t.Cleanup(func() { f.Close() })
	f.client = newHTTPClient(&f.options, allowed)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	transport := f.client.Transport.(*http.Transport)
	transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	transport.TLSClientConfig.RootCAs = roots
	return f
}

func anywhere(netip.AddrPort) bool { return true }

func TestFetchFiles(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "photos"), 0o700))
	name := filepath.Join(dir, "photos", "größe 1.jpg")
	require.NoError(t, os.WriteFile(name, []byte("photo"), 0o600))
	t.Chdir(dir)
	f := NewFetcher(FetchOptions{Limit: 5})
	for _, source := range []string{"photos/größe 1.jpg", name, "file://" + name, (&url.URL{Scheme: "file", Path: filepath.ToSlash(name)}).String()} {
		data, err := f.Fetch(t.Context(), source)
		require.NoError(t, err, source)
		require.Equal(t, "photo", string(data))
	}
	_, err := f.Fetch(t.Context(), "photos/2.jpg")
	require.ErrorIs(t, err, ErrNotExist)
	_, err = f.Fetch(t.Context(), "photos")
	require.ErrorContains(t, err, "a folder, not a file")
	_, err = f.Fetch(t.Context(), "gopher://x/y")
	require.ErrorContains(t, err, "use a path, file://, s3:// or https://")
	_, err = Fetch(t.Context(), name, FetchOptions{Limit: 4})
	require.ErrorIs(t, err, ErrTooLarge)
}

func TestFetchFromS3(t *testing.T) {
	fakeS3(t)
	b, err := Open(t.Context(), "s3://shop/photos")
	require.NoError(t, err)
	put(t, b, "1.jpg", "photo")
	f := NewFetcher(FetchOptions{Limit: 5})
	for range 2 {
		data, err := f.Fetch(t.Context(), "s3://shop/photos/1.jpg")
		require.NoError(t, err)
		require.Equal(t, "photo", string(data))
	}
	_, err = f.Fetch(t.Context(), "s3://shop/photos/2.jpg")
	require.ErrorIs(t, err, ErrNotExist)
	_, err = f.Fetch(t.Context(), "s3://other/photos/2.jpg")
	require.ErrorIs(t, err, ErrNotExist)
	require.ErrorContains(t, err, "no such bucket")
	_, err = Fetch(t.Context(), "s3://shop/photos/1.jpg", FetchOptions{Limit: 4})
	require.ErrorIs(t, err, ErrTooLarge)
}

func TestFetchHTTPS(t *testing.T) {
	release := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/photo", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "photo") })
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "photo, much too large") })
	mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 4096)); err != nil {
				return
			}
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "9")
		io.WriteString(w, "pho")
	})
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/slow-body", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "p")
		w.(http.Flusher).Flush()
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/denied", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	mux.HandleFunc("/gone", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) })
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	mux.HandleFunc("/hops/{left}", func(w http.ResponseWriter, r *http.Request) {
		left, err := strconv.Atoi(r.PathValue("left"))
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if left == 0 {
			io.WriteString(w, "photo")
			return
		}
		http.Redirect(w, r, fmt.Sprintf("/hops/%d", left-1), http.StatusFound)
	})
	mux.HandleFunc("/to-http", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://example.com/photo", http.StatusFound)
	})
	mux.HandleFunc("/to-file", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "file:///etc/passwd")
		w.WriteHeader(http.StatusFound)
	})
	server := httptest.NewTLSServer(mux)
	defer server.Close()
	defer close(release)

	f := trust(t, FetchOptions{Limit: 5, AllowPrivate: true}, server, anywhere)
	for _, path := range []string{"/photo", "/hops/0", "/hops/3"} {
		data, err := f.Fetch(t.Context(), server.URL+path)
		require.NoError(t, err, path)
		require.Equal(t, "photo", string(data))
	}
	for path, want := range map[string]error{
		"/missing": ErrNotExist, "/gone": ErrNotExist, "/denied": ErrPermission, "/large": ErrTooLarge, "/endless": ErrTooLarge,
		"/to-http": ErrForbidden, "/to-file": ErrForbidden,
	} {
		_, err := f.Fetch(t.Context(), server.URL+path)
		require.ErrorIs(t, err, want, path)
		require.ErrorContains(t, err, server.URL+path)
	}
	for path, want := range map[string]string{"/broken": "502", "/hops/4": "more than 3 redirects"} {
		_, err := f.Fetch(t.Context(), server.URL+path)
		require.ErrorContains(t, err, want, path)
	}
	wide := trust(t, FetchOptions{AllowPrivate: true}, server, anywhere)
	_, err := wide.Fetch(t.Context(), server.URL+"/cut")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.ErrorContains(t, err, "cut off after 3 bytes")

	hasty := trust(t, FetchOptions{Timeout: 50 * time.Millisecond}, server, anywhere)
	for _, path := range []string{"/slow", "/slow-body"} {
		_, err := hasty.Fetch(t.Context(), server.URL+path)
		require.ErrorContains(t, err, "no answer within 50ms", path)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = f.Fetch(ctx, server.URL+"/slow")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotContains(t, err.Error(), "no answer within")
}

// A server that is busy or broken for a moment does not cost a photo.
func TestFetchAsksAgain(t *testing.T) {
	var answers []func(w http.ResponseWriter)
	asked := 0
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		if asked <= len(answers) {
			answers[asked-1](w)
			return
		}
		io.WriteString(w, "photo")
	}))
	defer server.Close()
	says := func(status int, after string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			if after != "" {
				w.Header().Set("Retry-After", after)
			}
			w.WriteHeader(status)
		}
	}
	hangUp := func(http.ResponseWriter) { panic(http.ErrAbortHandler) }
	cut := func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "9")
		io.WriteString(w, "pho")
	}
	later := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	tests := map[string]struct {
		answers []func(http.ResponseWriter)
		asked   int
		pauses  []time.Duration
		says    string // "" for the photo
	}{
		"busy once":              {[]func(http.ResponseWriter){says(503, "")}, 2, []time.Duration{firstPause}, ""},
		"too many requests":      {[]func(http.ResponseWriter){says(429, "2"), says(429, "")}, 3, []time.Duration{2 * time.Second, 2 * firstPause}, ""},
		"busy for long":          {[]func(http.ResponseWriter){says(503, "86400"), says(503, later)}, 3, []time.Duration{longestPause, longestPause}, ""},
		"a connection that ends": {[]func(http.ResponseWriter){hangUp}, 2, []time.Duration{firstPause}, ""},
		"a body that is cut":     {[]func(http.ResponseWriter){cut, cut}, 3, []time.Duration{firstPause, 2 * firstPause}, ""},
		"broken":                 {[]func(http.ResponseWriter){says(500, ""), says(502, "soon"), says(504, "")}, 3, []time.Duration{firstPause, 2 * firstPause}, "the server says 504"},
		"gone":                   {[]func(http.ResponseWriter){says(404, "")}, 1, nil, "404"},
		"refused":                {[]func(http.ResponseWriter){says(400, "")}, 1, nil, "400"},
		"too large":              {[]func(http.ResponseWriter){func(w http.ResponseWriter) { io.WriteString(w, "photo, much too large") }}, 1, nil, "too large"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			answers, asked = test.answers, 0
			f := trust(t, FetchOptions{AllowPrivate: true, Limit: 9, Attempts: 3}, server, anywhere)
			var pauses []time.Duration
			f.wait = func(_ context.Context, pause time.Duration) error {
				pauses = append(pauses, pause)
				return nil
			}
			data, err := f.Fetch(t.Context(), server.URL)
			require.Equal(t, test.asked, asked)
			require.Equal(t, test.pauses, pauses)
			if test.says != "" {
				require.ErrorContains(t, err, test.says)
				return
			}
			require.NoError(t, err)
			require.Equal(t, "photo", string(data))
		})
	}
	// Nobody asks again who is not waited for.
	answers, asked = []func(http.ResponseWriter){says(503, "")}, 0
	f := trust(t, FetchOptions{AllowPrivate: true, Attempts: 3}, server, anywhere)
	f.wait = func(context.Context, time.Duration) error { return context.Canceled }
	_, err := f.Fetch(t.Context(), server.URL)
	require.ErrorContains(t, err, "503")
	require.Equal(t, 1, asked)
	// What the guard refuses it refuses once.
	tries := 0
	f = trust(t, FetchOptions{Attempts: 3}, server, func(netip.AddrPort) bool { tries++; return false })
	_, err = f.Fetch(t.Context(), server.URL)
	require.ErrorIs(t, err, ErrForbidden)
	require.Equal(t, 1, tries)
}

func TestFetchAsksHTTPSOnly(t *testing.T) {
	for address, want := range map[string]bool{"https://cdn.example.com/1.jpg": true, "http://cdn.example.com/1.jpg": false, "https:///1.jpg": false} {
		u, err := url.Parse(address)
		require.NoError(t, err)
		err = new(FetchOptions).checkURL(u)
		require.Equal(t, want, err == nil, "%s: %v", address, err)
		if !want {
			require.ErrorIs(t, err, ErrForbidden)
		}
	}
}

// What the guard is for: no way leads to an address that is not public.
func TestFetchDoesNotReachPrivateAddresses(t *testing.T) {
	asked := 0
	private := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer private.Close()
	port := private.URL[strings.LastIndex(private.URL, ":")+1:]
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "0x7f000001", "127.1"} {
		_, err := Fetch(t.Context(), "https://"+host+":"+port+"/", FetchOptions{Timeout: 5 * time.Second})
		require.Error(t, err, host)
		if strings.ContainsAny(host, ":l") || strings.Count(host, ".") == 3 {
			require.ErrorIs(t, err, ErrForbidden, host)
		}
	}
	require.Zero(t, asked)

	// A server that counts as public sends us on to one that does not.
	public := httptest.NewTLSServer(http.RedirectHandler(private.URL, http.StatusFound))
	defer public.Close()
	home := netip.MustParseAddrPort(strings.TrimPrefix(public.URL, "https://"))
	f := trust(t, FetchOptions{}, public, func(at netip.AddrPort) bool { return at == home || isPublic(at.Addr()) })
	_, err := f.Fetch(t.Context(), public.URL)
	require.ErrorIs(t, err, ErrForbidden)
	require.ErrorContains(t, err, "127.0.0.1 is not an address of the public internet")
	require.Zero(t, asked)
}

// What lies beside a document that the operator named is reached where that is, and nothing else there.
func TestFetchReachesThePrivateHostOfTheDocument(t *testing.T) {
	asked := 0
	other := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer other.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("/photo", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "photo") })
	mux.Handle("/again", http.RedirectHandler("/photo", http.StatusFound))
	mux.Handle("/other", http.RedirectHandler(other.URL, http.StatusFound))
	own := httptest.NewTLSServer(mux)
	defer own.Close()
	public := func(at netip.AddrPort) bool { return isPublic(at.Addr()) }
	f := trust(t, FetchOptions{PrivateBeside: own.URL + "/feeds/catalogue.csv?key=1"}, own, public)
	for _, path := range []string{"/photo", "/again"} {
		data, err := f.Fetch(t.Context(), own.URL+path)
		require.NoError(t, err, path)
		require.Equal(t, "photo", string(data))
	}
	for _, source := range []string{
		other.URL, own.URL + "/other", // another port
		strings.Replace(own.URL, "127.0.0.1", "localhost", 1) + "/photo", // another name for the same place
		strings.Replace(own.URL, "127.0.0.1", "[::ffff:127.0.0.1]", 1) + "/photo",
		"http" + strings.TrimPrefix(own.URL, "https") + "/photo",
	} {
		_, err := f.Fetch(t.Context(), source)
		require.ErrorIs(t, err, ErrForbidden, source)
	}
	require.Zero(t, asked)
	for _, document := range []string{"", "/srv/catalogue.csv", "s3://shop/catalogue.csv", "http" + strings.TrimPrefix(own.URL, "https"), other.URL, "https://127.0.0.1/c.csv"} {
		f := trust(t, FetchOptions{PrivateBeside: document}, own, public)
		_, err := f.Fetch(t.Context(), own.URL+"/photo")
		require.ErrorIs(t, err, ErrForbidden, document)
	}
	require.Equal(t, "shop.example:443", addressOf("HTTPS://shop.example/c.csv"))
}

// A blob that is still what is known of it is not read.
func TestFetchChanged(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "1.jpg")
	require.NoError(t, os.WriteFile(name, []byte("photo"), 0o600))
	fakeS3(t)
	bucket, err := Open(t.Context(), "s3://shop")
	require.NoError(t, err)
	require.NoError(t, bucket.Put(t.Context(), "1.jpg", strings.NewReader("photo")))
	tag := `"one"`
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tag != "" {
			w.Header().Set("ETag", tag)
		}
		http.ServeContent(w, r, "1.jpg", time.Time{}, strings.NewReader("photo"))
	}))
	defer server.Close()
	f := trust(t, FetchOptions{AllowPrivate: true}, server, anywhere)
	old := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(name, old, old))
	for source, change := range map[string]func(){
		name: func() { require.NoError(t, os.Chtimes(name, old.Add(time.Second), old.Add(time.Second))) },
		"s3://shop/1.jpg": func() {
			require.NoError(t, bucket.Put(t.Context(), "1.jpg", strings.NewReader("another")))
		},
		server.URL: func() { tag = `"two"` },
	} {
		data, known, err := f.FetchChanged(t.Context(), source, Info{})
		require.NoError(t, err, source)
		require.Equal(t, "photo", string(data))
		require.NotZero(t, known, source)
		data, again, err := f.FetchChanged(t.Context(), source, known)
		require.ErrorIs(t, err, ErrUnchanged, source)
		require.Empty(t, data)
		require.True(t, again.Same(known), source)
		change()
		_, changed, err := f.FetchChanged(t.Context(), source, known)
		require.NoError(t, err, source)
		require.False(t, changed.Same(known), source)
	}

	// What would not tell it from a later version is not given.
	for _, tag = range []string{"", `W/"weak"`} {
		_, known, err := f.FetchChanged(t.Context(), server.URL, Info{})
		require.NoError(t, err)
		require.Zero(t, known, tag)
	}
	require.NoError(t, os.WriteFile(name, []byte("fresh"), 0o600))
	_, known, err := f.FetchChanged(t.Context(), name, Info{})
	require.NoError(t, err)
	require.Zero(t, known)
	require.False(t, Info{}.Same(Info{}), "of nothing known nothing is the same")
}
