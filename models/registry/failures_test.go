package registry

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/storage"
)

func TestFailuresOfTheService(t *testing.T) {
	weights := func(r *http.Request) bool {
		return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, weightsName)
	}
	for name, test := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		asked  int64 // how often a pull asks for the file
		check  func(t *testing.T, err error)
	}{
		"cut off in the middle": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "100000")
				w.Header().Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
				w.Header().Set("ETag", `"x"`)
				io.WriteString(w, "half")
			},
			readAttempts,
			func(t *testing.T, err error) { require.ErrorIs(t, err, io.ErrUnexpectedEOF) },
		},
		"wrong checksum": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
				w.Header().Set("ETag", `"x"`)
				io.WriteString(w, "other bytes")
			},
			wholeAttempts,
			func(t *testing.T, err error) {
				require.ErrorIs(t, err, ErrDamaged)
				require.ErrorContains(t, err, "push it again")
			},
		},
		"access denied": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusForbidden)
				io.WriteString(w, `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`)
			},
			1,
			func(t *testing.T, err error) { require.ErrorIs(t, err, storage.ErrPermission) },
		},
		"slow": {
			func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			1,
			func(t *testing.T, err error) { require.ErrorIs(t, err, context.DeadlineExceeded) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := startS3(t)
			cache := t.TempDir()
			r, err := Open(t.Context(), "s3://shop/models", cache)
			require.NoError(t, err)
			r.retry.Wait = impatient
			m, err := r.Push(t.Context(), aModel(t, 1), About{})
			require.NoError(t, err)
			var asked atomic.Int64
			s.with(func(w http.ResponseWriter, req *http.Request, next http.Handler) {
				if weights(req) {
					asked.Add(1)
					test.answer(w, req)
					return
				}
				next.ServeHTTP(w, req)
			})
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			if name != "slow" {
				ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
			}
			defer cancel()
			_, err = r.Pull(ctx, m.Version)
			test.check(t, err)
			require.Equal(t, test.asked, asked.Load())
			entries, err := os.ReadDir(cache)
			require.NoError(t, err)
			require.Empty(t, entries, "nothing half is kept")
			_, err = r.Promote(ctx, m.Version, 0)
			require.Error(t, err, "what cannot be pulled is not promoted")
		})
	}
}

// impatient waits for nothing, as long as somebody wants the answer.
func impatient(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// TestFailuresThatPass: what is cut off, broken or damaged on the way once is asked for again.
func TestFailuresThatPass(t *testing.T) {
	s := startS3(t)
	r := open(t, "s3://shop/models")
	r.retry.Wait = impatient
	m, err := r.Push(t.Context(), aModel(t, 1), About{})
	require.NoError(t, err)
	_, err = r.Promote(t.Context(), m.Version, 0)
	require.NoError(t, err)
	begin := func(w http.ResponseWriter) {
		w.Header().Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
		w.Header().Set("ETag", `"x"`)
	}
	for name, answer := range map[string]func(w http.ResponseWriter){
		"cut off": func(w http.ResponseWriter) {
			begin(w)
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, "half")
		},
		"gone": func(w http.ResponseWriter) {
			begin(w)
			w.Header().Set("Content-Length", "1000")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		},
	} {
		for _, file := range []string{promotedKey, manifestName, weightsName} {
			r.cache = t.TempDir()
			var asked atomic.Int64
			s.with(func(w http.ResponseWriter, req *http.Request, next http.Handler) {
				if req.Method == http.MethodGet && strings.HasSuffix(req.URL.Path, file) && asked.Add(1) < readAttempts {
					answer(w)
					return
				}
				next.ServeHTTP(w, req)
			})
			path, err := r.Pull(t.Context(), "")
			require.NoError(t, err, "%s: %s", name, file)
			got, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, aModel(t, 1), got)
			require.Equal(t, int64(readAttempts), asked.Load())
		}
	}
	r.cache = t.TempDir()
	var damaged atomic.Bool
	s.with(func(w http.ResponseWriter, req *http.Request, next http.Handler) {
		if req.Method == http.MethodGet && strings.HasSuffix(req.URL.Path, weightsName) && damaged.CompareAndSwap(false, true) {
			begin(w)
			io.WriteString(w, "other bytes")
			return
		}
		next.ServeHTTP(w, req)
	})
	_, err = r.Pull(t.Context(), m.Version)
	require.NoError(t, err)
	require.True(t, damaged.Load())
}

// TestAStalledAnswerIsNotWaitedFor: headers and a few bytes, then nothing.
func TestAStalledAnswerIsNotWaitedFor(t *testing.T) {
	s := startS3(t)
	r := open(t, "s3://shop/models")
	m, err := r.Push(t.Context(), aModel(t, 1), About{})
	require.NoError(t, err)
	_, err = r.Promote(t.Context(), m.Version, 0)
	require.NoError(t, err)
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	for stalled, call := range map[string]func() error{
		weightsName:  func() error { _, err := r.Pull(t.Context(), m.Version); return err },
		manifestName: func() error { _, err := r.Manifest(t.Context(), m.Version); return err },
		promotedKey:  func() error { _, err := r.Promoted(t.Context()); return err },
	} {
		s.with(func(w http.ResponseWriter, req *http.Request, next http.Handler) {
			if req.Method != http.MethodGet || !strings.HasSuffix(req.URL.Path, stalled) {
				next.ServeHTTP(w, req)
				return
			}
			w.Header().Set("Content-Length", "1000")
			w.Header().Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
			w.Header().Set("ETag", `"x"`)
			io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			<-over
		})
		r.modelPatience, r.textPatience = time.Minute, time.Minute
		if stalled == weightsName {
			r.modelPatience = 200 * time.Millisecond
		} else {
			r.textPatience = 200 * time.Millisecond
		}
		err := call()
		require.ErrorIs(t, err, context.DeadlineExceeded, stalled)
		require.ErrorContains(t, err, "not read in 200ms", stalled)
	}
}

// TestManifestsThatCannotBeRead are not written, hide no other version, and a push puts them right.
func TestManifestsThatCannotBeRead(t *testing.T) {
	everywhere(t, func(t *testing.T, r *Registry) {
		ctx := t.Context()
		long := About{Comment: strings.Repeat("worth knowing ", textLimit/14+1)}
		_, err := r.Push(ctx, aModel(t, 1), long)
		require.ErrorIs(t, err, storage.ErrTooLarge)
		for info, err := range r.bucket.List(ctx, "") {
			require.NoError(t, err)
			t.Fatal(info.Key, "was written before it was refused")
		}
		good, err := r.Push(ctx, aModel(t, 1), About{})
		require.NoError(t, err)
		for text, want := range map[string]error{"{": ErrDamaged, long.Comment: storage.ErrTooLarge} {
			bad, err := r.Push(ctx, aModel(t, 2), About{})
			require.NoError(t, err)
			require.NoError(t, r.bucket.Put(ctx, key(bad.Version, manifestName), strings.NewReader(text)))
			list, err := r.List(ctx)
			require.ErrorIs(t, err, want)
			require.ErrorContains(t, err, bad.Version)
			require.Equal(t, []Manifest{good}, list)
			_, err = r.Push(ctx, aModel(t, 2), About{})
			require.NoError(t, err)
			list, err = r.List(ctx)
			require.NoError(t, err)
			require.Len(t, list, 2)
		}
	})
}

// TestManifestsOfOthers: a manifest stands at its version, and its hash is one, since the file in the cache is named by it.
func TestManifestsOfOthers(t *testing.T) {
	r, ctx := open(t, t.TempDir()), t.Context()
	good, err := r.Push(ctx, aModel(t, 1), About{})
	require.NoError(t, err)
	for name, change := range map[string]func(m *Manifest){
		"version":       func(m *Manifest) { m.Version = strings.Repeat("a", versionLength) },
		"another hash":  func(m *Manifest) { m.SHA256 = strings.Repeat("a", len(m.SHA256)) },
		"short hash":    func(m *Manifest) { m.SHA256 = m.Version },
		"path":          func(m *Manifest) { m.SHA256 = m.Version + "/../../x" },
		"no hash":       func(m *Manifest) { m.SHA256 = "" },
		"not all digit": func(m *Manifest) { m.SHA256 = m.SHA256[:len(m.SHA256)-1] + "/" },
	} {
		bad := good
		change(&bad)
		text, err := bad.text()
		require.NoError(t, err)
		require.NoError(t, r.bucket.Put(ctx, key(good.Version, manifestName), bytes.NewReader(text)))
		_, err = r.Manifest(ctx, good.Version)
		require.ErrorIs(t, err, ErrDamaged, name)
	}
}

// TestWhatIsNoVersion: whoever may write to a registry names no versions that do something to a terminal, or lie elsewhere.
func TestWhatIsNoVersion(t *testing.T) {
	everywhere(t, func(t *testing.T, r *Registry) {
		ctx := t.Context()
		good, err := r.Push(ctx, aModel(t, 1), About{})
		require.NoError(t, err)
		put := func(key, text string) { require.NoError(t, r.bucket.Put(ctx, key, strings.NewReader(text))) }
		const loud = "\u009b2J"
		put(key(loud, manifestName), `{"version": "`+loud+`", "sha256": "`+loud+`"}`)
		list, err := r.List(ctx)
		require.Equal(t, []Manifest{good}, list)
		require.ErrorIs(t, err, ErrNoVersion)
		require.NotContains(t, err.Error(), loud)

		put("elsewhere/manifest.json", `{"version": "../elsewhere", "sha256": "../elsewhere"}`)
		put(promotedKey, "../elsewhere\n")
		_, err = r.Manifest(ctx, "")
		require.ErrorIs(t, err, ErrNoVersion)

		put(key(good.Version, manifestName), `{"version": "`+good.Version+`", "sha256": "`+good.Version+loud+`"}`)
		_, err = r.Manifest(ctx, good.Version)
		require.ErrorIs(t, err, ErrDamaged)
	})
}
