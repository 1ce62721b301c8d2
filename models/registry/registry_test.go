package registry

import (
	"bytes"
	"context"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/storage"
)

// aModel is a file with one weight, which makes its version.
func aModel(t *testing.T, weight float32, labels ...string) []byte {
	if len(labels) == 0 {
		labels = []string{"round"}
	}
	config := models.DefaultConfig()
	config.Facets = []models.FacetConfig{{Facet: catalog.Facet{Name: "neckline", Labels: labels}, Temperature: 1}}
	tensor := models.NewTensor(1)
	tensor.Data[0] = weight
	var file bytes.Buffer
	require.NoError(t, (&models.Model{Config: config, Weights: models.Weights{"trunk.weight": tensor}}).Encode(&file, models.Float32))
	return file.Bytes()
}

// s3Server is a server in this process whose answers a test can change on the way.
type s3Server struct {
	intercept atomic.Pointer[func(w http.ResponseWriter, r *http.Request, next http.Handler)]
}

func (s *s3Server) with(f func(w http.ResponseWriter, r *http.Request, next http.Handler)) {
	s.intercept.Store(&f)
}

func startS3(t *testing.T) *s3Server {
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket("shop"))
	next := gofakes3.New(backend).Server()
	s := &s3Server{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := s.intercept.Load(); f != nil {
			(*f)(w, r, next)
			return
		}
		next.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "tester")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "of the registry")
	return s
}

func open(t *testing.T, location string) *Registry {
	r, err := Open(t.Context(), location, t.TempDir())
	require.NoError(t, err)
	return r
}

func everywhere(t *testing.T, test func(t *testing.T, r *Registry)) {
	t.Run("folder", func(t *testing.T) { test(t, open(t, t.TempDir()+"/not there yet")) })
	t.Run("s3", func(t *testing.T) { startS3(t); test(t, open(t, "s3://shop/models")) })
}

func TestPushPullPromote(t *testing.T) {
	everywhere(t, func(t *testing.T, r *Registry) {
		ctx := t.Context()
		list, err := r.List(ctx)
		require.NoError(t, err)
		require.Empty(t, list)
		_, err = r.Pull(ctx, "")
		require.ErrorIs(t, err, ErrNoVersion)
		require.ErrorContains(t, err, "no version is promoted yet")

		first, err := r.Push(ctx, aModel(t, 1, "v-neck", "scoop"), About{Dataset: "autumn", Metrics: map[string]float64{"facets.f1": 0.5}})
		require.NoError(t, err)
		require.Equal(t, "kleid-s", first.Backbone)
		require.Equal(t, []catalog.Facet{{Name: "neckline", Labels: []string{"v-neck", "scoop"}}}, first.Facets)
		second, err := r.Push(ctx, aModel(t, 2, "v-neck"), About{Parent: first.Version[:5], Metrics: map[string]float64{"facets.f1": 0.4}})
		require.NoError(t, err)
		require.Equal(t, first.Version, second.Parent)
		require.NotEqual(t, first.Version, second.Version)
		again, err := r.Push(ctx, aModel(t, 1, "v-neck", "scoop"), About{Dataset: "autumn", Metrics: map[string]float64{"facets.f1": 0.5}})
		require.NoError(t, err)
		require.Equal(t, first.Version, again.Version)
		again, err = r.Push(ctx, aModel(t, 1, "v-neck", "scoop"), About{Comment: "good"})
		require.NoError(t, err)
		require.Equal(t, "autumn", again.Dataset, "what was said before stays")
		require.Equal(t, first.Metrics, again.Metrics)
		list, err = r.List(ctx)
		require.NoError(t, err)
		require.Len(t, list, 2)

		_, err = r.Promote(ctx, first.Version, 0)
		require.NoError(t, err)
		path, err := r.Pull(ctx, "")
		require.NoError(t, err)
		file, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, aModel(t, 1, "v-neck", "scoop"), file)

		_, err = r.Promote(ctx, second.Version, 0.01)
		require.ErrorIs(t, err, ErrWorse)
		require.ErrorContains(t, err, "facets.f1 0.4 instead of 0.5")
		promoted, err := r.Promoted(ctx)
		require.NoError(t, err)
		require.Equal(t, []string{first.Version}, promoted, "what is worse changes nothing")
		_, err = r.Promote(ctx, second.Version, -1)
		require.NoError(t, err)
		promoted, err = r.Promoted(ctx)
		require.NoError(t, err)
		require.Equal(t, []string{second.Version, first.Version}, promoted)
		_, err = r.Promote(ctx, first.Version, 0)
		require.NoError(t, err)
		_, err = r.Promote(ctx, second.Version, 0)
		require.NoError(t, err, "a promotion is taken back, though what was before is worse")
	})
}

// TestFiguresAddUp: a second push adds its figures to those of the first, and replaces those that both have.
func TestFiguresAddUp(t *testing.T) {
	r, file := open(t, t.TempDir()), aModel(t, 1, "v-neck")
	for _, metrics := range []map[string]float64{{"facets.f1": 0.5, "home.missed": 0.1}, {"shop.recall": 0.7, "facets.f1": 0.6}, nil} {
		_, err := r.Push(t.Context(), file, About{Metrics: metrics})
		require.NoError(t, err)
	}
	list, err := r.List(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, map[string]float64{"facets.f1": 0.6, "home.missed": 0.1, "shop.recall": 0.7}, list[0].Metrics)
}

func TestVersionsThatAreNone(t *testing.T) {
	r := open(t, t.TempDir())
	for _, version := range []string{"latest", "../../etc", "0123456789abcdef", "0123456789abcdef0", "ab"} {
		_, err := r.Pull(t.Context(), version)
		require.ErrorIs(t, err, ErrNoVersion, version)
	}
	_, err := r.Push(t.Context(), []byte("no model"), About{})
	require.Error(t, err)
	for _, parent := range []string{"abc", "0123456789abcdef"} {
		_, err = r.Push(t.Context(), aModel(t, 1), About{Parent: parent})
		require.ErrorContains(t, err, "parent")
		require.ErrorIs(t, err, ErrNoVersion)
	}
}

func TestAFileIsPulledOnce(t *testing.T) {
	s := startS3(t)
	r := open(t, "s3://shop/models")
	m, err := r.Push(t.Context(), aModel(t, 1), About{})
	require.NoError(t, err)
	var gets atomic.Int64
	s.with(func(w http.ResponseWriter, req *http.Request, next http.Handler) {
		if req.Method == http.MethodGet && strings.HasSuffix(req.URL.Path, weightsName) {
			gets.Add(1)
		}
		next.ServeHTTP(w, req)
	})
	path, err := r.Pull(t.Context(), m.Version)
	require.NoError(t, err)
	_, err = r.Pull(t.Context(), m.Version)
	require.NoError(t, err)
	once := gets.Load()
	require.Positive(t, once)

	// A damaged file in the cache is pulled anew.
	require.NoError(t, os.WriteFile(path, []byte("cut"), 0o644))
	_, err = r.Pull(t.Context(), m.Version)
	require.NoError(t, err)
	require.Greater(t, gets.Load(), once)
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, aModel(t, 1), file)
}

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

func TestDiff(t *testing.T) {
	r := open(t, t.TempDir())
	a, err := r.Push(t.Context(), aModel(t, 1, "v-neck", "scoop"), About{Metrics: map[string]float64{"f1": 0.5, "iou": 0.8}})
	require.NoError(t, err)
	b, err := r.Push(t.Context(), aModel(t, 2, "boat", "v-neck"), About{Metrics: map[string]float64{"f1": 0.75, "recall": 0.9}})
	require.NoError(t, err)
	lines := strings.Join(Diff(a, b), "\n")
	for _, want := range []string{
		"embedding_model: " + a.EmbeddingModel + " → " + b.EmbeddingModel,
		`facet neckline: labels gone: ["scoop"]`, `facet neckline: labels new: ["boat"]`,
		"f1: 0.5 → 0.75 (+0.25)", "iou: 0.8 → none", "recall: none → 0.9",
	} {
		require.Contains(t, lines, want)
	}
	require.Empty(t, Diff(a, a))
	c, err := r.Push(t.Context(), aModel(t, 1, "scoop", "v-neck"), About{Metrics: a.Metrics})
	require.NoError(t, err)
	require.Contains(t, Diff(a, c), "facet neckline: the order of labels")
}

// TestPromotionsAreCompared with the parent, even where it is not the promoted one, and refused where figures of
// either are missing.
func TestPromotionsAreCompared(t *testing.T) {
	r, ctx := open(t, t.TempDir()), t.Context()
	push := func(seed float32, about About) string {
		m, err := r.Push(ctx, aModel(t, seed, "v-neck"), about)
		require.NoError(t, err)
		return m.Version
	}
	parent := push(1, About{Metrics: map[string]float64{"f1": 0.8}})
	child := push(2, About{Parent: parent, Metrics: map[string]float64{"f1": 0.7}})
	_, err := r.Promote(ctx, child, 0.01)
	require.ErrorIs(t, err, ErrWorse)
	require.ErrorContains(t, err, "its parent")
	_, err = r.Promote(ctx, parent, 0.01)
	require.NoError(t, err)
	for _, about := range []About{{}, {Metrics: map[string]float64{"recall": 0.9}}} {
		unmeasured := push(3, about)
		_, err = r.Promote(ctx, unmeasured, 0.01)
		require.ErrorIs(t, err, ErrNotMeasured)
		promoted, err := r.Promoted(ctx)
		require.NoError(t, err)
		require.Equal(t, []string{parent}, promoted)
	}
	better := push(4, About{Parent: parent, Metrics: map[string]float64{"f1": 0.81, "home.missed": 0.1, "home.dresses": 20}})
	_, err = r.Promote(ctx, better, 0.01)
	require.NoError(t, err)

	// What the promoted one was measured on and this one was not.
	half := push(5, About{Parent: parent, Metrics: map[string]float64{"f1": 0.9}})
	_, err = r.Promote(ctx, half, 0.01)
	require.ErrorIs(t, err, ErrNotMeasured)
	require.ErrorContains(t, err, "the promoted one, "+better+": push it again with the figures home.missed")
	push(5, About{Metrics: map[string]float64{"home.missed": 0.1}})
	_, err = r.Promote(ctx, half, math.NaN())
	require.ErrorContains(t, err, "not a number")
	_, err = r.Promote(ctx, half, 0.01)
	require.NoError(t, err)

	// A parent that has figures of its own.
	measured := push(6, About{Metrics: map[string]float64{"shop.recall": 0.9}})
	other := push(7, About{Parent: measured, Metrics: map[string]float64{"f1": 0.9, "home.missed": 0.1}})
	_, err = r.Promote(ctx, other, 0.01)
	require.ErrorIs(t, err, ErrNotMeasured)
	require.ErrorContains(t, err, "its parent, "+measured)
	_, err = r.Promote(ctx, other, -1)
	require.NoError(t, err)
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

// TestPromotedIsNotThere: who is meant, and what to do, is said where the promoted version is gone or cannot be read; and
// one that cannot be read, alone, is an empty list beside its error.
func TestPromotedIsNotThere(t *testing.T) {
	r, ctx := open(t, t.TempDir()), t.Context()
	m, err := r.Push(ctx, aModel(t, 1), About{})
	require.NoError(t, err)
	require.NoError(t, r.bucket.Put(ctx, promotedKey, strings.NewReader("feedbeef\n")))
	_, err = r.Promote(ctx, m.Version, 0.01)
	require.ErrorIs(t, err, ErrNoVersion)
	require.ErrorContains(t, err, "cannot be compared with the promoted one: ")
	require.ErrorContains(t, err, "--force")
	_, err = r.Pull(ctx, "")
	require.ErrorContains(t, err, "the promoted version cannot be read: ")
	require.ErrorContains(t, err, "--force")
	_, err = r.Promote(ctx, m.Version, -1)
	require.NoError(t, err)
	_, err = r.Pull(ctx, "")
	require.NoError(t, err)

	require.NoError(t, r.bucket.Put(ctx, key(m.Version, manifestName), strings.NewReader("{")))
	list, err := r.List(ctx)
	require.ErrorIs(t, err, ErrDamaged)
	require.NotNil(t, list)
	require.Empty(t, list)
}

// TestFirstDigitsOfSeveral asks for more of them.
func TestFirstDigitsOfSeveral(t *testing.T) {
	r, ctx := open(t, t.TempDir()), t.Context()
	for _, version := range []string{"6a00000000000000", "6b00000000000000"} {
		require.NoError(t, r.bucket.Put(ctx, key(version, manifestName), strings.NewReader("{}")))
	}
	_, err := r.Resolve(ctx, "6")
	require.ErrorIs(t, err, ErrSeveralVersions)
	require.ErrorContains(t, err, `several versions begin with "6", 6a00000000000000 and 6b00000000000000 among them: give more digits`)
	require.NotErrorIs(t, err, ErrNoVersion)
}

// TestPromotionsReadTheRegistry, not what was pulled from it while it was whole.
func TestPromotionsReadTheRegistry(t *testing.T) {
	location := t.TempDir()
	r := open(t, location)
	m, err := r.Push(t.Context(), aModel(t, 1, "v-neck"), About{})
	require.NoError(t, err)
	_, err = r.Pull(t.Context(), m.Version)
	require.NoError(t, err)
	file := filepath.Join(location, "versions", m.Version, weightsName)
	require.NoError(t, os.WriteFile(file, []byte("cut"), 0o600))
	_, err = r.Promote(t.Context(), m.Version, -1)
	require.ErrorIs(t, err, ErrDamaged)
	require.NoError(t, os.Remove(file))
	_, err = r.Promote(t.Context(), m.Version, -1)
	require.ErrorIs(t, err, storage.ErrNotExist)
	promoted, err := r.Promoted(t.Context())
	require.NoError(t, err)
	require.Empty(t, promoted)
}

// TestAFileSaysWhereItComesFrom: its notes stand in where nothing else is said.
func TestAFileSaysWhereItComesFrom(t *testing.T) {
	r, ctx := open(t, t.TempDir()), t.Context()
	parent, err := r.Push(ctx, aModel(t, 1, "v-neck"), About{})
	require.NoError(t, err)
	file := func(parent string) []byte {
		m, err := models.Decode(aModel(t, 2, "v-neck"))
		require.NoError(t, err)
		m.Config.Notes = map[string]string{models.NoteParent: parent, models.NoteDataset: "autumn", models.NoteCode: "v1.2"}
		var b bytes.Buffer
		require.NoError(t, m.Encode(&b, models.Float32))
		return b.Bytes()
	}
	m, err := r.Push(ctx, file(parent.SHA256), About{})
	require.NoError(t, err)
	require.Equal(t, About{Parent: parent.Version, Dataset: "autumn", Code: "v1.2"}, m.About)
	m, err = r.Push(ctx, file(parent.SHA256), About{Dataset: "winter"})
	require.NoError(t, err)
	require.Equal(t, "winter", m.Dataset)
	m, err = r.Push(ctx, file(strings.Repeat("ab", 32)), About{})
	require.NoError(t, err, "a parent that is elsewhere is no error")
	require.Empty(t, m.Parent)
}

// TestAVersionInTheCacheNeedsNobody: the service may be away.
func TestAVersionInTheCacheNeedsNobody(t *testing.T) {
	location, cache := t.TempDir(), t.TempDir()
	r, err := Open(t.Context(), location, cache)
	require.NoError(t, err)
	m, err := r.Push(t.Context(), aModel(t, 1, "v-neck"), About{})
	require.NoError(t, err)
	local, err := r.Pull(t.Context(), m.Version)
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(location))
	again, err := r.Pull(t.Context(), m.Version)
	require.NoError(t, err)
	require.Equal(t, local, again)
	require.NoError(t, os.WriteFile(local, []byte("damaged"), 0o600))
	_, err = r.Pull(t.Context(), m.Version)
	require.ErrorIs(t, err, ErrNoVersion)
}

// TestCacheThatCannotBe says where models are kept, and by which variable.
func TestCacheThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	r, err := Open(t.Context(), t.TempDir(), filepath.Join(file, "models"))
	require.NoError(t, err)
	m, err := r.Push(t.Context(), aModel(t, 1, "v-neck"), About{})
	require.NoError(t, err)
	_, err = r.Pull(t.Context(), m.Version)
	require.ErrorContains(t, err, "XDG_CACHE_HOME")
}

// TestOneThatMakesNoIndexIsNotPromoted in place of one that does, unless by force.
func TestOneThatMakesNoIndexIsNotPromoted(t *testing.T) {
	r, ctx := open(t, t.TempDir()), t.Context()
	shipped, err := models.Default()
	require.NoError(t, err)
	pushed := func(weights models.Weights) string {
		var file bytes.Buffer
		require.NoError(t, (&models.Model{Config: shipped.Config, Weights: weights}).Encode(&file, models.Float16))
		m, err := r.Push(ctx, file.Bytes(), About{})
		require.NoError(t, err)
		return m.Version
	}
	trunk := models.Weights{}
	trunk.Merge("trunk.", shipped.Weights.Sub("trunk."))
	_, err = r.Promote(ctx, pushed(trunk), 0)
	require.NoError(t, err, "a trunk is something to train from")
	whole := pushed(shipped.Weights)
	_, err = r.Promote(ctx, whole, 0)
	require.NoError(t, err)
	for _, head := range []string{"unsupervised.weight", "location.out.weight"} {
		less := maps.Clone(shipped.Weights)
		delete(less, head)
		version := pushed(less)
		_, err = r.Promote(ctx, version, 0)
		require.ErrorIs(t, err, ErrWorse, head)
		_, err = r.Promote(ctx, version, -1)
		require.NoError(t, err)
		_, err = r.Promote(ctx, whole, 0)
		require.NoError(t, err)
	}
}

// TestPromotedAgainIsLookedAt: a file that was damaged since is not vouched for.
func TestPromotedAgainIsLookedAt(t *testing.T) {
	dir := t.TempDir()
	r, ctx := open(t, dir), t.Context()
	m, err := r.Push(ctx, aModel(t, 1), About{})
	require.NoError(t, err)
	_, err = r.Promote(ctx, m.Version, 0)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(filepath.Join(dir, key(m.Version, weightsName)), 40))
	_, err = r.Promote(ctx, m.Version, 0)
	require.ErrorIs(t, err, ErrDamaged)
}
