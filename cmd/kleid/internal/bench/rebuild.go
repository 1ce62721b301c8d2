package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/vectors"
)

// RebuildFigures are what kleid bench rebuild prints with --json.
type RebuildFigures struct {
	Rows             int     `json:"rows"`
	Size             int     `json:"embedding_size"`
	StoreSeconds     float64 `json:"store_seconds"` // rows added, index built, published unless it is in --store, opened
	ParquetSeconds   float64 `json:"parquet_seconds"`
	ParquetMB        float64 `json:"parquet_mb"` // of the file
	ParquetMBPerSec  float64 `json:"parquet_mb_per_second"`
	SearchMS         float64 `json:"search_ms"` // median of a search for ten among all
	PeakRSS          float64 `json:"peak_rss_mb"`
	StoreRowsPerSec  float64 `json:"store_rows_per_second"`
	RebuildSeconds   float64 `json:"rebuild_seconds"` // store and Parquet
	RebuildRowPerSec float64 `json:"rebuild_rows_per_second"`
}

func rebuildCommand() *cli.Command {
	return &cli.Command{
		Name:  "rebuild",
		Usage: "rows a second into Parquet and a store, with embeddings given",
		Description: `Makes rows with random embeddings, and writes them to a Parquet file and to a store, as kleid index does when
all photos are embedded. The time in which rows are made up does not count. In a store that --store names, which
must have no index yet, the rows are not published, and they go at the end; no variable names it, since
KLEID_STORE is a shop's.

Examples:
  kleid bench rebuild --rows 100000
  kleid bench rebuild --rows 1000000 --json
  kleid bench rebuild --rows 20000 --store milvus://127.0.0.1:19530/bench`,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "rows", Value: 100_000, EnvVars: flags.Env("rows"), Usage: "`N` rows"},
			&cli.IntFlag{Name: "size", Value: 512, EnvVars: flags.Env("bench-rebuild-size"), Usage: "`N` numbers in each of the two embeddings"},
			&cli.StringFlag{Name: "store", DefaultText: "embedded, in a folder that goes again", Usage: "where the vectors are for a while: `URL` is " + open.StoreForms},
			flags.JSON(),
		},
		Action: runRebuild,
	}
}

func runRebuild(c *cli.Context) (err error) {
	if err := flags.Positive(c, "rows", "size"); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "kleid-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	store, drop, err := storeFor(c, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop()) }()
	p := terminal.NewProgress(c)
	defer p.End()
	f := RebuildFigures{Rows: c.Int("rows"), Size: c.Int("size")}
	if err := f.rebuild(c.Context, store, c.String("store") == "", filepath.Join(dir, "rows.parquet"), func(done int) { p.Show("rebuild", done, f.Rows, "") }); err != nil {
		return err
	}
	p.End()
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(f)
	}
	_, err = fmt.Fprintf(c.App.Writer, `%d rows with two embeddings of %d numbers
store    %7.1f s  %8.0f rows/s
Parquet  %7.1f s  %8.0f MB/s (%.0f MB)
both     %7.1f s  %8.0f rows/s
a search among all takes %.1f ms; peak memory %.0f MB
`, f.Rows, f.Size, f.StoreSeconds, f.StoreRowsPerSec, f.ParquetSeconds, f.ParquetMBPerSec, f.ParquetMB, f.RebuildSeconds, f.RebuildRowPerSec, f.SearchMS, f.PeakRSS)
	return err
}

// madeUpRun is the run that is made up, and made anew where one before was killed.
const madeUpRun = "bench"

// storeFor opens the store of --store, or one in dir. drop closes it when what was made there has gone; dir itself goes
// anyway.
func storeFor(c *cli.Context, dir string) (store vectors.Store, drop func() error, err error) {
	url := c.String("store")
	if url == "" {
		store, err = open.Store(c.Context, "embedded:"+dir)
		return store, func() error { return store.Close() }, err
	}
	if err := open.CheckStore(c, url); err != nil {
		return nil, nil, err
	}
	if store, err = open.Store(c.Context, url); err != nil {
		return nil, nil, err
	}
	current, err := store.CurrentRun(c.Context)
	if err == nil && current != "" {
		err = exit.WrongUsage(c, "%s has an index, run %s: name a store that has none, such as embedded:bench", open.StoreName(url), current)
	}
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	var made []string // folders, from the inmost to the outmost
	if folder, ok := strings.CutPrefix(url, "embedded:"); ok {
		made = missingFolders(filepath.Join(folder, "vectors"))
	}
	return store, func() error {
		// Also when the job was interrupted.
		err := store.Drop(context.WithoutCancel(c.Context), madeUpRun)
		for _, folder := range made {
			os.Remove(folder) // unless somebody else has put something there
		}
		return errors.Join(err, store.Close())
	}, nil
}

// missingFolders are the folder and those above it that are not there.
func missingFolders(folder string) []string {
	var missing []string
	for {
		if _, err := os.Lstat(folder); err == nil || folder == filepath.Dir(folder) {
			return missing
		}
		missing, folder = append(missing, folder), filepath.Dir(folder)
	}
}

// rebuild writes the rows to a file and to a store, where they are published if publish says so.
func (f *RebuildFigures) rebuild(ctx context.Context, store vectors.Store, publish bool, file string, progress func(done int)) error {
	meta := catalog.Metadata{
		Run: madeUpRun, EmbeddingModel: "random", FacetModel: "random", Facets: datasets.Facets(),
		UnsupervisedSize: f.Size, DeepRankSize: f.Size, CreatedAt: time.Now().UTC().Truncate(time.Millisecond),
	}
	parquet, err := os.Create(file)
	if err != nil {
		return err
	}
	defer parquet.Close()
	rows, err := catalog.NewWriter(parquet, meta)
	if err != nil {
		return err
	}
	var inStore, inParquet time.Duration
	timed := func(spent *time.Duration, do func() error) error {
		begun := time.Now()
		defer func() { *spent += time.Since(begun) }()
		return do()
	}
	var index vectors.Writer
	if err := timed(&inStore, func() (err error) { index, err = store.Create(ctx, meta); return err }); err != nil {
		return err
	}
	defer func() { _ = index.Abort(context.WithoutCancel(ctx)) }() // what was finished stays
	random := rand.New(rand.NewPCG(1, 1))
	var probe catalog.Row
	const batch = 1024
	for at := 0; at < f.Rows; at += batch {
		if err := ctx.Err(); err != nil {
			return err
		}
		made := make([]catalog.Row, min(batch, f.Rows-at))
		for i := range made {
			made[i] = randomRow(random, meta, at+i)
		}
		probe = made[0]
		if err := timed(&inParquet, func() error { return rows.Write(made) }); err != nil {
			return err
		}
		if err := timed(&inStore, func() error { return index.Add(ctx, made) }); err != nil {
			return err
		}
		progress(at + len(made))
	}
	if err := timed(&inParquet, func() error {
		if err := rows.Close(); err != nil {
			return err
		}
		return parquet.Sync()
	}); err != nil {
		return err
	}
	var made vectors.Index
	if err := timed(&inStore, func() (err error) {
		if err = index.Finish(ctx); err == nil && publish {
			err = store.Publish(ctx, meta.Run)
		}
		if err == nil {
			made, err = store.Open(ctx, meta.Run)
		}
		return err
	}); err != nil {
		return err
	}
	defer made.Close()
	if f.SearchMS, err = searchTime(ctx, made, probe); err != nil {
		return err
	}
	info, err := parquet.Stat()
	if err != nil {
		return err
	}
	f.StoreSeconds, f.ParquetSeconds = inStore.Seconds(), inParquet.Seconds()
	f.ParquetMB = float64(info.Size()) / 1e6
	f.ParquetMBPerSec = f.ParquetMB / f.ParquetSeconds
	f.StoreRowsPerSec = float64(f.Rows) / f.StoreSeconds
	f.RebuildSeconds = f.StoreSeconds + f.ParquetSeconds
	f.RebuildRowPerSec = float64(f.Rows) / f.RebuildSeconds
	f.PeakRSS = float64(peakRSS()) / 1e6
	return nil
}

// searchTime is the median time of a few searches, in milliseconds.
func searchTime(ctx context.Context, index vectors.Index, probe catalog.Row) (float64, error) {
	const searches = 9
	var times [searches]float64
	for i := range times {
		begun := time.Now()
		if _, err := index.Search(ctx, vectors.Query{Embedding: vectors.DeepRank, Vector: probe.EmbeddingDeepRank, K: 10}); err != nil {
			return 0, err
		}
		times[i] = time.Since(begun).Seconds() * 1e3
	}
	slices.Sort(times[:])
	return times[searches/2], nil
}

// randomRow is the row of a photo with random embeddings and labels.
func randomRow(random *rand.Rand, meta catalog.Metadata, i int) catalog.Row {
	product := fmt.Sprintf("dress-%07d", i/3)
	source := fmt.Sprintf("photos/%s-%d.jpg", product, i%3)
	row := catalog.Row{
		RowID: catalog.NewRowID(product, source), ProductID: product, Source: source, Title: "A dress",
		Status: catalog.StatusOK, Width: 400, Height: 600, Box: &catalog.Box{XMin: 20, YMin: 30, XMax: 380, YMax: 590}, BoxConfidence: random.Float32(),
		Facets: map[string]catalog.FacetValue{}, EmbeddingModel: meta.EmbeddingModel, FacetModel: meta.FacetModel, IndexedAt: meta.CreatedAt,
		EmbeddingUnsupervised: randomUnit(random, meta.UnsupervisedSize), EmbeddingDeepRank: randomUnit(random, meta.DeepRankSize),
	}
	row.PhotoID = row.RowID
	for _, f := range meta.Facets {
		row.Facets[f.Name] = catalog.FacetValue{Label: f.Labels[random.IntN(len(f.Labels))], Probability: random.Float32(), Source: catalog.Predicted}
	}
	return row
}

func randomUnit(random *rand.Rand, size int) []float32 {
	v, sum := make([]float32, size), 0.0
	for i := range v {
		x := random.Float64() + random.Float64() + random.Float64() - 1.5 // nearly normal, and quick
		v[i], sum = float32(x), sum+x*x
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
	return v
}
