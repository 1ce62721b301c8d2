package indexer

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/vectors"
	"github.com/kleid-search/kleid/vectors/embedded"
	"github.com/kleid-search/kleid/vectors/milvus"
	"github.com/kleid-search/kleid/vectors/milvus/milvustest"
)

// The environment of a child, which is this test binary run as a job that stops at a point.
const (
	childPoint   = "KLEID_TEST_INDEX_POINT" // where to stop: a name of a call, or "embed 3" for the third batch
	childPhotos  = "KLEID_TEST_INDEX_PHOTOS"
	childOut     = "KLEID_TEST_INDEX_OUT"
	childStore   = "KLEID_TEST_INDEX_STORE"   // URL
	childSeen    = "KLEID_TEST_INDEX_SEEN"    // file that each embedded photo is appended to
	stoppedThere = "the job has stopped here" // what a child prints
)

func TestMain(m *testing.M) {
	if os.Getenv(childPoint) != "" {
		if err := runChild(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// stop says that the child has come to its point and waits to be killed, or for its parent to be gone.
func stop() {
	fmt.Println(stoppedThere)
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(2)
}

func openStore(ctx context.Context, url string) (vectors.Store, error) {
	if folder, ok := strings.CutPrefix(url, "embedded:"); ok {
		return embedded.Open(folder)
	}
	return milvus.Open(ctx, url)
}

func runChild() error {
	ctx := context.Background()
	store, err := openStore(ctx, os.Getenv(childStore))
	if err != nil {
		return err
	}
	embedder, err := loggingStub(os.Getenv(childSeen))
	if err != nil {
		return err
	}
	point := os.Getenv(childPoint)
	log, batches := embedder.before, 0
	embedder.before = func(ctx context.Context, batch []embedding.Input) error {
		if batches++; point == "embed "+strconv.Itoa(batches) {
			stop()
		}
		return log(ctx, batch)
	}
	_, err = Run(ctx, Options{
		Catalogue: os.Getenv(childPhotos), Out: os.Getenv(childOut), Store: stoppingStore{store, point}, Embedder: embedder, MaxBad: 1, Keep: 2,
	})
	return err
}

// loggingStub is a stub that appends each photo to a file before it answers.
func loggingStub(path string) (*stub, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	s := newStub()
	s.batch = 2
	s.before = func(_ context.Context, batch []embedding.Input) error {
		for _, input := range batch {
			if _, err := fmt.Fprintln(f, pixelID(input.Image)); err != nil {
				return err
			}
		}
		return nil
	}
	return s, nil
}

// stoppingStore stops the process before or after a call.
type stoppingStore struct {
	vectors.Store
	point string
}

func (s stoppingStore) at(point string) {
	if s.point == point {
		stop()
	}
}

func (s stoppingStore) Create(ctx context.Context, meta catalog.Metadata) (vectors.Writer, error) {
	s.at("before create")
	w, err := s.Store.Create(ctx, meta)
	s.at("after create")
	return stoppingWriter{w, s}, err
}

func (s stoppingStore) Publish(ctx context.Context, run string) error {
	s.at("before publish")
	err := s.Store.Publish(ctx, run)
	s.at("after publish")
	return err
}

func (s stoppingStore) Drop(ctx context.Context, run string) error {
	s.at("before drop")
	err := s.Store.Drop(ctx, run)
	s.at("after drop")
	return err
}

type stoppingWriter struct {
	vectors.Writer
	stoppingStore
}

func (w stoppingWriter) Add(ctx context.Context, rows []catalog.Row) error {
	err := w.Writer.Add(ctx, rows)
	w.at("after add")
	return err
}

func (w stoppingWriter) Finish(ctx context.Context) error {
	w.at("before finish")
	err := w.Writer.Finish(ctx)
	w.at("after finish")
	return err
}

// killAt runs the job in a process of its own until it comes to a point, and kills it there.
func killAt(t *testing.T, point, photos, out, store, seen string) {
	program, err := os.Executable()
	require.NoError(t, err)
	child := exec.CommandContext(t.Context(), program)
	child.Env = append(os.Environ(), childPoint+"="+point, childPhotos+"="+photos, childOut+"="+out, childStore+"="+store, childSeen+"="+seen)
	child.Stderr = os.Stderr
	input, err := child.StdinPipe() // its end tells an orphan that this process is gone
	require.NoError(t, err)
	defer input.Close()
	output, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != stoppedThere {
		require.Fail(t, "the child did not come to its point", "%s: %q, %v: %v", point, line, err, child.Wait())
	}
	require.NoError(t, child.Process.Kill())
	require.ErrorContains(t, child.Wait(), "killed")
}

// embeddedOnce returns how many photos are in the log, and that none is there twice.
func embeddedOnce(t *testing.T, seen string) int {
	data, err := os.ReadFile(seen)
	require.NoError(t, err)
	times := make(map[string]int)
	for _, id := range strings.Fields(string(data)) {
		times[id]++
		require.Equal(t, 1, times[id], "a photo was embedded twice")
	}
	return len(times)
}

// After a kill at any step yesterday's index serves, or the new one where it was published, and the same
// command ends with the rows that it would have made at once, without embedding a finished photo again.
func testKills(t *testing.T, points []string, storeOf func(t *testing.T, out string) string) {
	const old, all = 3, 13
	catalogue := pictures(0, all)
	catalogue["bad.jpg"] = []byte("not a photo")
	reference := newBench(t, catalogue)
	_, want := parquetRows(t, reference.out, reference.run(t).Run)
	want = timeless(want)

	for _, point := range points {
		t.Run(point, func(t *testing.T) {
			ctx := t.Context()
			photos, out, seen := t.TempDir(), filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "seen")
			url := storeOf(t, out)
			store, err := openStore(ctx, url)
			require.NoError(t, err)
			defer store.Close()
			job := func() Report {
				embedder, err := loggingStub(seen)
				require.NoError(t, err)
				report, err := Run(ctx, Options{Catalogue: photos, Out: out, Store: store, Embedder: embedder, MaxBad: 1, Keep: 2})
				require.NoError(t, err)
				if _, local := strings.CutPrefix(url, "embedded:"); local {
					requireConsistent(t, out, store, embedder.meta, report)
				}
				return report
			}
			writeFiles(t, photos, pictures(0, old))
			yesterday := job()
			_, yesterdayRows := parquetRows(t, out, yesterday.Run)
			for range 2 { // so that there is a run to drop
				yesterday = job()
			}
			writeFiles(t, photos, catalogue)

			killAt(t, point, photos, out, url, seen)
			killed, err := readJob(out)
			require.NoError(t, err)
			published := point == "after publish" || strings.HasSuffix(point, " drop")
			current, err := store.CurrentRun(ctx)
			require.NoError(t, err)
			require.Equal(t, !published, current == yesterday.Run)
			index, err := store.Current(ctx)
			require.NoError(t, err)
			n, err := index.Count(ctx)
			require.NoError(t, err)
			require.NoError(t, index.Close())
			latest, err := Latest(out)
			require.NoError(t, err)
			_, latestRows := parquetRows(t, out, latest)
			switch {
			case !published:
				require.Equal(t, old, n)
				require.Equal(t, yesterday.Run, latest)
				require.Equal(t, timeless(yesterdayRows), timeless(latestRows))
			case point == "after publish":
				require.Equal(t, all, n)
				require.Equal(t, killed.Run, current)
				require.Equal(t, yesterday.Run, latest, "analysts see yesterday's rows, whole")
			default:
				require.Equal(t, all, n)
				require.Equal(t, current, latest)
				require.Equal(t, want, timeless(latestRows))
			}
			finished := embeddedOnce(t, seen)
			if batch, ok := strings.CutPrefix(point, "embed "); ok {
				batches, err := strconv.Atoi(batch)
				require.NoError(t, err)
				require.Equal(t, old+2*(batches-1), finished)
			} else {
				require.Equal(t, all, finished)
			}

			report := job()
			require.Equal(t, all, embeddedOnce(t, seen))
			require.Equal(t, all-finished, report.Embedded)
			_, rows := parquetRows(t, out, report.Run)
			require.Equal(t, want, timeless(rows))
			if published {
				require.Equal(t, current, report.PreviousRun)
				_, rows := parquetRows(t, out, current)
				require.Equal(t, want, timeless(rows), "what was committed was settled")
			} else {
				require.NoDirExists(t, filepath.Dir(ParquetPath(out, killed.Run)))
				_, err := store.Open(ctx, killed.Run)
				require.ErrorIs(t, err, vectors.ErrNoIndex)
			}
			got, err := store.Current(ctx)
			require.NoError(t, err)
			defer got.Close()
			for _, row := range rows {
				if row.Status == catalog.StatusOK {
					stored, err := got.Get(ctx, row.RowID)
					require.NoError(t, err)
					require.Equal(t, []catalog.Row{row}, timeless(stored))
				}
			}
		})
	}
}

func TestKill(t *testing.T) {
	points := []string{
		"embed 1", "embed 2", "embed 5", "before create", "after create", "after add", "before finish", "after finish",
		"before publish", "after publish", "before drop", "after drop",
	}
	testKills(t, points, func(_ *testing.T, out string) string { return "embedded:" + out })
}

func TestKillWithMilvus(t *testing.T) {
	address := milvustest.Start(t)
	places := 0
	testKills(t, []string{"embed 3", "after add", "after publish"}, func(*testing.T, string) string {
		places++
		return milvustest.URL(address, fmt.Sprintf("killed_%d", places))
	})
}
