package embedded

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

func testMetadata(run string) catalog.Metadata {
	return catalog.Metadata{
		Run: run, UnsupervisedSize: 3, DeepRankSize: 2, CreatedAt: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
		Facets: []catalog.Facet{{Name: "neckline", Labels: []string{"round", "v-neck"}}, {Name: "sleeve", Labels: []string{"long"}}},
	}
}

func testRows(n int) []catalog.Row {
	rows := make([]catalog.Row, n)
	for i := range rows {
		rows[i] = catalog.Row{
			RowID: fmt.Sprintf("row-%03d", i), ProductID: fmt.Sprintf("product-%d", i/2), PhotoID: fmt.Sprintf("photo-%d", i), Status: catalog.StatusOK,
			EmbeddingUnsupervised: []float32{0, 0, 0}, EmbeddingDeepRank: []float32{0.6, 0.8},
			Facets: map[string]catalog.FacetValue{"neckline": {Label: []string{"round", "v-neck"}[i%2], Probability: 0.5}},
		}
		rows[i].EmbeddingUnsupervised[i%3] = 1
		if i > 0 {
			rows[i].Price, rows[i].Currency = new(float64(10*i)), []string{"EUR", "SEK"}[i%2]
		}
	}
	return rows
}

// finish makes a finished run in a folder.
func finish(t *testing.T, s vectors.Store, run string, rows int) {
	w, err := s.Create(t.Context(), testMetadata(run))
	require.NoError(t, err)
	require.NoError(t, w.Add(t.Context(), testRows(rows)))
	require.NoError(t, w.Finish(t.Context()))
}

// open returns a store in a new folder, in which the run "old" of 4 rows is current.
func open(t *testing.T) *store {
	s, err := Open(t.TempDir())
	require.NoError(t, err)
	finish(t, s, "old", 4)
	require.NoError(t, s.Publish(t.Context(), "old"))
	return s.(*store)
}

func requireServes(t *testing.T, s vectors.Store, run string, rows int) {
	x, err := s.Current(t.Context())
	require.NoError(t, err)
	defer x.Close()
	require.Equal(t, run, x.Metadata().Run)
	result, err := x.Search(t.Context(), vectors.Query{Vector: []float32{1, 2, 3}, Embedding: vectors.Unsupervised, K: 100})
	require.NoError(t, err)
	require.Len(t, result.Matches, rows)
	names, err := os.ReadDir(filepath.Join(s.(*store).folder, run))
	require.NoError(t, err)
	require.Len(t, names, 1+len(allFiles), "nothing but the index is left in its folder")
}

var damages = map[string]func(t *testing.T, path string, data []byte){
	"removed": func(t *testing.T, path string, _ []byte) { require.NoError(t, os.Remove(path)) },
	"empty":   func(t *testing.T, path string, _ []byte) { require.NoError(t, os.Truncate(path, 0)) },
	"torn": func(t *testing.T, path string, data []byte) {
		require.NoError(t, os.Truncate(path, int64(len(data)/2)))
	},
	"one short": func(t *testing.T, path string, data []byte) {
		require.NoError(t, os.Truncate(path, int64(len(data)-1)))
	},
	"longer": func(t *testing.T, path string, data []byte) {
		require.NoError(t, os.WriteFile(path, append(data, make([]byte, 8)...), 0o644))
	},
	"zeros": func(t *testing.T, path string, data []byte) {
		require.NoError(t, os.WriteFile(path, make([]byte, len(data)), 0o644))
	},
	"one bit": func(t *testing.T, path string, data []byte) {
		data[len(data)/2] ^= 4
		require.NoError(t, os.WriteFile(path, data, 0o644))
	},
}

// A damaged run is not published, with an error that names the file, and the old one goes on serving.
func TestDamagedRunIsNotPublished(t *testing.T) {
	whole := open(t)
	finish(t, whole, "new", 6)
	for _, name := range append([]string{manifestFile}, allFiles...) {
		for damage, do := range damages {
			if name == manifestFile && damage == "one bit" {
				continue // the manifest has no checksum of its own
			}
			t.Run(name+" "+damage, func(t *testing.T) {
				dir := t.TempDir()
				require.NoError(t, os.CopyFS(filepath.Join(dir, vectorsFolder), os.DirFS(whole.folder)))
				s := &store{filepath.Join(dir, vectorsFolder)}
				path := filepath.Join(s.runFolder("new"), name)
				data, err := os.ReadFile(path)
				require.NoError(t, err)
				do(t, path, data)
				require.ErrorContains(t, s.Publish(t.Context(), "new"), name)
				requireServes(t, s, "old", 4)
			})
		}
	}
	require.NoError(t, whole.Publish(t.Context(), "new"))
	requireServes(t, whole, "new", 6)
}

// An index that is damaged after its publishing is refused where searching would go wrong.
func TestDamagedCurrentIndex(t *testing.T) {
	for _, name := range append([]string{manifestFile}, allFiles...) {
		s := open(t)
		path := filepath.Join(s.runFolder("old"), name)
		require.NoError(t, os.Truncate(path, 4))
		_, err := s.Current(t.Context())
		require.ErrorContains(t, err, name)
		require.ErrorContains(t, err, "run old")
		require.NotErrorIs(t, err, vectors.ErrNoIndex)
	}
	for _, test := range []struct{ content, message string }{
		{"", "CURRENT"},
		{"../old", "CURRENT"},
		{"gone\n", "run gone"},
	} {
		s := open(t)
		require.NoError(t, os.WriteFile(filepath.Join(s.folder, currentFile), []byte(test.content), 0o644))
		_, err := s.Current(t.Context())
		require.ErrorContains(t, err, test.message)
		require.NotErrorIs(t, err, vectors.ErrNoIndex)
	}
	s := open(t)
	path := filepath.Join(s.runFolder("old"), manifestFile)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(data), `"format": 1`, `"format": 2`, 1)), 0o644))
	_, err = s.Current(t.Context())
	require.ErrorContains(t, err, "format 2")
}

// A process that dies between any two steps leaves the old index serving, and the run can be made anew.
func TestDeathBetweenSteps(t *testing.T) {
	for name, die := range map[string]func(t *testing.T, s *store){
		"before the first row": func(t *testing.T, s *store) {
			_, err := s.Create(t.Context(), testMetadata("new"))
			require.NoError(t, err)
		},
		"with all files but the name": func(t *testing.T, s *store) {
			finish(t, s, "new", 6)
			require.NoError(t, os.Rename(s.runFolder("new"), s.partialFolder("new")))
		},
		"without the manifest": func(t *testing.T, s *store) {
			finish(t, s, "new", 6)
			require.NoError(t, os.Rename(s.runFolder("new"), s.partialFolder("new")))
			require.NoError(t, os.Remove(filepath.Join(s.partialFolder("new"), manifestFile)))
		},
		"while the run was removed": func(t *testing.T, s *store) {
			finish(t, s, "new", 6)
			require.NoError(t, os.Rename(s.runFolder("new"), s.partialFolder("new")))
			require.NoError(t, os.Remove(filepath.Join(s.partialFolder("new"), rowsFile)))
		},
		"before CURRENT was swapped": func(t *testing.T, s *store) {
			finish(t, s, "new", 6)
			require.NoError(t, os.WriteFile(filepath.Join(s.folder, "CURRENT.1.tmp"), []byte("ne"), 0o644))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			die(t, s)
			requireServes(t, s, "old", 4)
			finish(t, s, "new", 8)
			require.NoFileExists(t, s.partialFolder("new"))
			requireServes(t, s, "old", 4)
			require.NoError(t, s.Publish(t.Context(), "new"))
			requireServes(t, s, "new", 8)
			require.NoError(t, s.Drop(t.Context(), "old"))
			require.NoFileExists(t, s.runFolder("old"))
		})
	}
}

// When the disk fails, the writer says so until it is given up, and leaves nothing.
func TestDiskFailure(t *testing.T) {
	for _, step := range []string{"add", "finish"} {
		s := open(t)
		made, err := s.Create(t.Context(), testMetadata("new"))
		require.NoError(t, err)
		w := made.(*writer)
		if step == "add" {
			// More rows than the buffer takes reach the file.
			w.json.buffer.Reset(w.json.file)
			require.NoError(t, w.json.file.Close())
			rows := testRows(1)
			rows[0].Title = strings.Repeat("x", 2<<20)
			require.ErrorIs(t, w.Add(t.Context(), rows), os.ErrClosed)
			require.ErrorIs(t, w.Add(t.Context(), testRows(1)), os.ErrClosed)
		} else {
			require.NoError(t, w.Add(t.Context(), testRows(3)))
			require.NoError(t, w.deepRank.file.Close())
		}
		require.ErrorIs(t, w.Finish(t.Context()), os.ErrClosed)
		require.ErrorIs(t, w.Finish(t.Context()), os.ErrClosed)
		_ = w.Abort(t.Context()) // it may complain about the closed file, but cleans up
		require.NoFileExists(t, s.partialFolder("new"))
		require.Error(t, s.Publish(t.Context(), "new"))
		requireServes(t, s, "old", 4)
	}
}

func TestCancelled(t *testing.T) {
	s := open(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	w, err := s.Create(t.Context(), testMetadata("new"))
	require.NoError(t, err)
	require.ErrorIs(t, w.Add(gone, testRows(1)), context.Canceled)
	require.NoError(t, w.Add(t.Context(), testRows(2)))
	require.ErrorIs(t, w.Finish(gone), context.Canceled)
	require.NoError(t, w.Abort(gone))
	finish(t, s, "new", 3)
	require.ErrorIs(t, s.Publish(gone, "new"), context.Canceled)
	requireServes(t, s, "old", 4)
	x, err := s.Current(t.Context())
	require.NoError(t, err)
	defer x.Close()
	_, err = x.Search(gone, vectors.Query{Vector: []float32{1, 2, 3}, Embedding: vectors.Unsupervised, K: 1})
	require.ErrorIs(t, err, context.Canceled)
}

// Readers keep a run that was dropped under them.
func TestReadersOutliveDrop(t *testing.T) {
	s := open(t)
	x, err := s.Current(t.Context())
	require.NoError(t, err)
	finish(t, s, "new", 6)
	require.NoError(t, s.Publish(t.Context(), "new"))
	require.NoError(t, s.Drop(t.Context(), "old"))
	rows, err := x.Get(t.Context(), "row-003")
	require.NoError(t, err)
	require.Equal(t, testRows(4)[3:], rows)
	require.NoError(t, x.Close())
}

// Closing waits for those who read; later ones get an error, not the unmapped memory.
func TestCloseDuringReads(t *testing.T) {
	s := open(t)
	for range 20 {
		x, err := s.Current(t.Context())
		require.NoError(t, err)
		var wait sync.WaitGroup
		started := make(chan struct{}, 4)
		for i := range 4 {
			wait.Go(func() {
				for n := 0; ; n++ {
					var err error
					switch i {
					case 0:
						_, err = x.Search(t.Context(), vectors.Query{Vector: []float32{1, 2, 3}, Embedding: vectors.Unsupervised, K: 3, OnePerProduct: true})
					case 1:
						_, err = x.Get(t.Context(), "row-001")
					case 2:
						_, err = x.ByProduct(t.Context(), "product-1")
					default:
						_, err = x.Count(t.Context())
					}
					if n == 0 {
						started <- struct{}{}
					}
					if err != nil || i == 3 && n > 10 {
						return
					}
				}
			})
		}
		for range 4 {
			<-started
		}
		require.NoError(t, x.Close())
		require.NoError(t, x.Close())
		wait.Wait()
		_, err = x.ByPhoto(t.Context(), "photo-1")
		require.ErrorIs(t, err, errClosed)
	}
}

func TestOpenRefuses(t *testing.T) {
	_, err := Open("")
	require.ErrorContains(t, err, "needs a folder")
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	_, err = Open(file)
	require.ErrorContains(t, err, "is not a folder")
	_, err = Open(filepath.Join(file, "below"))
	require.ErrorContains(t, err, "embedded store")
}
