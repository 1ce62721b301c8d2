package indexer

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/indexer/source"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/vectors"
)

func TestRunOfEveryStatus(t *testing.T) {
	files := pictures(0, 5)
	files["twin/of-one.png"] = picture(ordinaryWidth, 1)
	files["nothing.png"] = picture(noDressWidth, 7)
	files["empty.jpg"] = nil
	files["notes.txt"] = []byte("no photo")
	b := newBench(t, files)
	var stages []string
	options := b.options()
	options.Progress = func(p Progress) {
		if len(stages) == 0 || stages[len(stages)-1] != p.Stage {
			stages = append(stages, p.Stage)
		}
		require.LessOrEqual(t, p.Done, max(p.Total, 0))
	}
	report, err := Run(t.Context(), options)
	require.NoError(t, err)
	b.requireConsistent(t, report)
	require.Equal(t, []string{StageScan, StageEmbed, StageWrite, StagePublish}, stages)
	require.ElementsMatch(t, stages, slices.Collect(maps.Keys(report.Stages)))
	require.Equal(t, []int{8, 6, 1, 1, 6, 8, 0}, []int{report.Photos, report.OK, report.NoDress, report.Unreadable, report.Embedded, report.Products, report.Repeated})
	require.Equal(t, 6, b.embedder.embeddings(t), "photos of the same bytes are embedded once")
	require.Positive(t, report.ImagesPerSecond)
	require.Empty(t, report.PreviousRun)

	_, rows := parquetRows(t, b.out, report.Run)
	require.True(t, slices.IsSortedFunc(rows, func(a, b catalog.Row) int { return strings.Compare(a.Source, b.Source) }))
	one, twin := bySource(t, rows, pictureName(1)), bySource(t, rows, "twin/of-one.png")
	require.Equal(t, "of-one", twin.ProductID)
	require.Equal(t, photo.ID(files[pictureName(1)]), one.PhotoID)
	require.Equal(t, one.PhotoID, twin.PhotoID)
	require.Equal(t, one.EmbeddingUnsupervised, twin.EmbeddingUnsupervised)
	image, err := photo.Decode(files[pictureName(1)], photo.DefaultLimits())
	require.NoError(t, err)
	want := b.embedder.answer(image)
	require.Equal(t, want.Unsupervised, one.EmbeddingUnsupervised)
	require.Equal(t, want.DeepRank, one.EmbeddingDeepRank)
	require.Equal(t, &catalog.Box{XMin: 1, YMin: 2, XMax: ordinaryWidth, YMax: 29}, one.Box)
	require.Equal(t, want.BoxConfidence, one.BoxConfidence)
	require.Equal(t, []int32{ordinaryWidth, 30}, []int32{one.Width, one.Height})
	require.Len(t, one.Facets, len(want.Facets))
	for _, p := range want.Facets {
		require.Equal(t, catalog.FacetValue{Label: p.Label, Probability: p.Probability, Source: catalog.Predicted}, one.Facets[p.Name])
	}
	empty := bySource(t, rows, "empty.jpg")
	require.Contains(t, empty.Error, "empty")
	require.Empty(t, empty.PhotoID)

	var written Report
	data, err := os.ReadFile(filepath.Join(b.out, "report.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &written))
	require.Equal(t, report, written)
	text, err := os.ReadFile(filepath.Join(b.out, "report.txt"))
	require.NoError(t, err)
	require.Equal(t, report.String(), string(text))
	require.Contains(t, string(text), `unreadable "empty.jpg"`)
	require.Contains(t, string(text), "files in the catalogue that are no photos: 1\n")
	require.Contains(t, string(text), "run "+report.Run+" is the current index")
}

// A second run embeds nothing, and its rows are the same.
func TestSecondRun(t *testing.T) {
	b := newBench(t, pictures(0, 7))
	first := b.run(t)
	second := b.run(t)
	require.Equal(t, 7, b.embedder.embeddings(t))
	require.Zero(t, second.Embedded)
	require.Equal(t, first.Run, second.PreviousRun)
	_, firstRows := parquetRows(t, b.out, first.Run)
	_, secondRows := parquetRows(t, b.out, second.Run)
	require.Equal(t, timeless(firstRows), timeless(secondRows))

	// A thumbnail that was lost comes again, without embedding.
	require.NoError(t, os.RemoveAll(ThumbnailsFolder(b.out)))
	require.Zero(t, b.run(t).Embedded)
}

func TestChangedCatalogue(t *testing.T) {
	b := newBench(t, pictures(0, 6))
	b.run(t)
	gone := catalog.NewRowID(strings.TrimSuffix(pictureName(0), ".png"), pictureName(0))
	require.NoError(t, os.Remove(filepath.Join(b.photos, pictureName(0))))
	writeFiles(t, b.photos, map[string][]byte{pictureName(1): picture(ordinaryWidth, 100), "new.png": picture(ordinaryWidth, 101)})
	report := b.run(t)
	require.Equal(t, 2, report.Embedded)
	require.Equal(t, 6, report.Photos)
	index, err := b.store.Current(t.Context())
	require.NoError(t, err)
	defer index.Close()
	_, err = index.Get(t.Context(), gone)
	require.ErrorIs(t, err, vectors.ErrNotFound)
	// A photo that comes back is still known.
	writeFiles(t, b.photos, pictures(0, 1))
	require.Zero(t, b.run(t).Embedded)
}

// All that decides what a model sees makes it look again, but for facets alone, which are read from what is kept;
// journals of other models go when its index is published.
func TestChangedModel(t *testing.T) {
	for _, test := range []struct {
		name     string
		embedded int
		change   func(*stub)
	}{
		{"embedding model", 4, func(s *stub) { s.meta.EmbeddingModel = "trunk-2" }},
		{"size", 4, func(s *stub) { s.meta.DeepRankSize = 6 }},
		{"cells", 4, func(s *stub) { s.meta.FacetModel, s.cells = "heads-2", "cells-2" }},
		{"facet model", 0, func(s *stub) { s.meta.FacetModel = "heads-2" }},
		{"facets", 0, func(s *stub) { s.meta.Facets = s.meta.Facets[:1] }},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, pictures(0, 4))
			b.run(t)
			b.embedder = newStub()
			test.change(b.embedder)
			report := b.run(t)
			require.Equal(t, test.embedded, report.Embedded)
			require.Equal(t, 4-test.embedded, report.FacetsRead)
			other := test.name == "embedding model" || test.name == "size"
			require.Equal(t, other, report.OtherModel)
			require.Equal(t, other, strings.Contains(report.String(), "searchers need it as well"))
			page, err := os.ReadFile(filepath.Join(b.out, "report.html"))
			require.NoError(t, err)
			require.Equal(t, other, strings.Contains(string(page), "not sought: the embedding model is another one"))
			journals, err := filepath.Glob(filepath.Join(escaped(b.out), "work", journalPrefix+"*"))
			require.NoError(t, err)
			require.Len(t, journals, 1)
			report = b.run(t)
			require.Equal(t, []int{0, 0}, []int{report.Embedded, report.FacetsRead})
		})
	}
}

func escaped(path string) string { return strings.NewReplacer("[", `\[`).Replace(path) }

// What a model cannot digest costs that photo alone; a model that is broken ends the job.
func TestEmbedderFailures(t *testing.T) {
	files := pictures(0, 5)
	files["a-panic.png"] = picture(panicWidth, 1)
	files["b-failing.png"] = picture(failingWidth, 1)
	files["c-not-unit.png"] = picture(notUnitWidth, 1)
	files["d-not-unit.png"] = picture(notUnitWidth, 1)
	b := newBench(t, files)
	report := b.run(t)
	require.Equal(t, []int{5, 4, 5}, []int{report.OK, report.Unreadable, report.Embedded})
	for i, why := range []string{"index out of range", "the graph does not like it", "DeepRank embedding has length NaN", "DeepRank embedding has length NaN"} {
		require.Contains(t, report.Bad[i].Error, "cannot be embedded: ")
		require.Contains(t, report.Bad[i].Error, why)
	}
	writeFiles(t, b.photos, pictures(10, 2))
	b.embedder.broken = true
	_, err := Run(t.Context(), b.options())
	require.ErrorContains(t, err, "photos cannot be embedded: no memory")
	b.requireConsistentBut(t, report)
	b.embedder.broken = false
	require.Equal(t, 2, b.run(t).Embedded)
}

// liar is an embedder whose answers do not fit what it announces.
type liar struct {
	*stub
	change func([]embedding.Photo) []embedding.Photo
}

func (l liar) Locate(ctx context.Context, inputs []embedding.Input) ([]embedding.Photo, error) {
	photos, err := l.stub.Locate(ctx, inputs)
	return l.change(photos), err
}

func TestEmbedderOfAnotherForm(t *testing.T) {
	for name, change := range map[string]func([]embedding.Photo) []embedding.Photo{
		"fewer answers": func(p []embedding.Photo) []embedding.Photo { return p[:len(p)-1] },
		"short vector": func(p []embedding.Photo) []embedding.Photo {
			p[0].Unsupervised = p[0].Unsupervised[1:]
			return p
		},
		"unknown label": func(p []embedding.Photo) []embedding.Photo { p[0].Facets[0].Label = "lapel"; return p },
		"no status":     func(p []embedding.Photo) []embedding.Photo { p[0].Status = ""; return p },
	} {
		b := newBench(t, pictures(0, 3))
		options := b.options()
		options.Embedder = liar{b.embedder, change}
		_, err := Run(t.Context(), options)
		require.ErrorContains(t, err, "embedder", name)
		_, err = b.store.Current(t.Context())
		require.ErrorIs(t, err, vectors.ErrNoIndex)
	}
	b := newBench(t, pictures(0, 3))
	b.embedder.meta.UnsupervisedSize = 0
	_, err := Run(t.Context(), b.options())
	require.ErrorContains(t, err, "embedding sizes")
}

// One job at a time works in a folder, and the second says who is in its way.
func TestLock(t *testing.T) {
	b := newBench(t, pictures(0, 2))
	inside, leave := make(chan struct{}), make(chan struct{})
	b.embedder.before = func(context.Context, []embedding.Input) error {
		inside <- struct{}{}
		<-leave
		return nil
	}
	done := make(chan error)
	go func() {
		_, err := Run(t.Context(), b.options())
		done <- err
	}()
	<-inside
	second := b.options()
	second.Embedder = newStub()
	_, err := Run(t.Context(), second)
	require.ErrorContains(t, err, "another job is writing to "+b.out)
	require.ErrorContains(t, err, fmt.Sprintf("process %d on ", os.Getpid()))
	require.ErrorContains(t, err, "wait until it is done, or name another --out")
	close(leave)
	require.NoError(t, <-done)
	b.embedder.before = nil
	b.run(t)
}

// A job that is cancelled leaves the old index, and the next one goes on where it stopped.
func TestCancelled(t *testing.T) {
	b := newBench(t, pictures(0, 3))
	old := b.run(t)
	writeFiles(t, b.photos, pictures(3, 12))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	batches := 0
	b.embedder.before = func(ctx context.Context, _ []embedding.Input) error {
		if batches++; batches == 3 {
			cancel()
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	_, err := Run(ctx, b.options())
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 3+2*b.embedder.batch, b.embedder.embeddings(t))
	b.requireConsistentBut(t, old)
	b.embedder.before = nil
	report := b.run(t)
	require.Equal(t, 12-2*b.embedder.batch, report.Embedded)
	require.Equal(t, 15, b.embedder.embeddings(t))

	// Cancelled in every later stage.
	for _, stage := range []string{StageScan, StageWrite, StagePublish} {
		ctx, cancel := context.WithCancel(t.Context())
		options := b.options()
		options.Progress = func(p Progress) {
			if p.Stage == stage {
				cancel()
			}
		}
		_, err := Run(ctx, options)
		require.ErrorIs(t, err, context.Canceled, stage)
		b.requireConsistentBut(t, report)
	}
	require.Zero(t, b.run(t).Embedded)
}

// requireConsistentBut is requireConsistent after a job that was interrupted and left its traces.
func (b *bench) requireConsistentBut(t *testing.T, report Report) {
	require.FileExists(t, jobPath(b.out))
	aside := filepath.Join(b.out, "aside")
	require.NoError(t, os.Rename(layout{b.out}.work(), aside))
	b.requireConsistent(t, report)
	require.NoError(t, os.Rename(aside, layout{b.out}.work()))
}

func TestCatalogueFiles(t *testing.T) {
	b := newBench(t, pictures(0, 4))
	csv := filepath.Join(b.photos, "catalogue.csv")
	writeFiles(t, b.photos, map[string][]byte{
		"catalogue.csv": []byte("product_id,photo,title,price,colour\n" +
			"p1," + pictureName(0) + ",\"A \"\"red\"\" one\",19.5,red\n" +
			"p1," + pictureName(1) + ",,,\n" +
			"p2," + pictureName(0) + ",the same photo,cheap,\n" +
			"p2," + pictureName(0) + ",the same row,,\n" +
			"p3,gone.jpg,,,\n" +
			",,no photo,,\n"),
		"catalogue.jsonl": []byte(`{"product_id": 7, "image": "` + pictureName(2) + `", "price": 3, "attributes": {"fabric": "silk"}}` + "\n{broken\n"),
	})
	options := b.options()
	options.Catalogue = csv
	report, err := Run(t.Context(), options)
	require.NoError(t, err)
	b.requireConsistent(t, report)
	require.Equal(t, []int{6, 4, 2, 2, 1}, []int{report.Photos, report.OK, report.Unreadable, report.Embedded, report.Repeated})
	_, rows := parquetRows(t, b.out, report.Run)
	require.Equal(t, `A "red" one`, rows[0].Title)
	require.Equal(t, new(19.5), rows[0].Price)
	require.Equal(t, map[string]string{"colour": "red"}, rows[0].Attributes)
	require.Equal(t, map[string]string{"price": "cheap"}, rows[2].Attributes)
	require.Equal(t, rows[2].RowID, rows[3].RowID)
	require.Contains(t, report.String(), "1 rows repeat")
	require.Contains(t, rows[4].Error, "cannot be read")
	require.NotContains(t, rows[4].Error, b.photos, "the path is in the row already")
	require.Equal(t, "catalogue.csv:7", rows[5].Source)

	options.Catalogue = filepath.Join(b.photos, "catalogue.jsonl")
	report, err = Run(t.Context(), options)
	require.NoError(t, err)
	b.requireConsistent(t, report)
	_, rows = parquetRows(t, b.out, report.Run)
	require.Equal(t, "7", rows[0].ProductID)
	require.Equal(t, map[string]string{"fabric": "silk"}, rows[0].Attributes)
	require.Equal(t, "catalogue.jsonl:2", rows[1].Source)
}

// The folder of the index may lie in the catalogue: its thumbnails are no photos of it.
func TestOutInsideCatalogue(t *testing.T) {
	b := newBench(t, pictures(0, 3))
	options := b.options()
	options.Out = filepath.Join(b.photos, "index")
	for range 2 {
		report, err := Run(t.Context(), options)
		require.NoError(t, err)
		require.Equal(t, 3, report.Photos)
	}
}

func TestRefusedOptions(t *testing.T) {
	b := newBench(t, pictures(0, 1))
	for name, change := range map[string]func(*Options){
		"no catalogue":         func(o *Options) { o.Catalogue = "" },
		"no folder":            func(o *Options) { o.Out = "" },
		"no store":             func(o *Options) { o.Store = nil },
		"no embedder":          func(o *Options) { o.Embedder = nil },
		"share of bad photos":  func(o *Options) { o.MaxBad = 1.5 },
		"must not be negative": func(o *Options) { o.Keep = -1 },
		"cannot be opened":     func(o *Options) { o.Catalogue = filepath.Join(b.photos, "gone") },
		"neither a folder nor": func(o *Options) { o.Catalogue = filepath.Join(b.photos, pictureName(0)) },
		"has no photos":        func(o *Options) { o.Catalogue = t.TempDir() },
		"not a directory":      func(o *Options) { o.Out = filepath.Join(b.photos, pictureName(0)) },
		"between 0 and 1":      func(o *Options) { o.MaxBad = -0.1 },
		"the catalogue itself": func(o *Options) { o.Out = filepath.Join(o.Catalogue, ".") },
	} {
		options := b.options()
		change(&options)
		_, err := Run(t.Context(), options)
		require.ErrorContains(t, err, name)
	}
	_, err := b.store.Current(t.Context())
	require.ErrorIs(t, err, vectors.ErrNoIndex)
	require.NoDirExists(t, filepath.Join(b.photos, "work"))
}

func TestReportBrief(t *testing.T) {
	report := Report{Photos: 5, Unreadable: 3, Bad: []BadPhoto{{Source: "a\nb"}, {Source: "c"}, {Source: "d"}}, Skipped: []source.Skipped{{Source: "x", Reason: "a loop"}, {Source: "y", Reason: ""}}}
	brief := report.Brief(1)
	require.Equal(t, 2, brief.BadLeftOut)
	require.Equal(t, 1, brief.SkippedLeftOut)
	require.Len(t, report.Bad, 3)
	require.Contains(t, brief.String(), `unreadable "a\nb"`)
	require.Contains(t, brief.String(), "… and 2 more unreadable photos")
	require.Contains(t, brief.String(), "… and 1 more skipped")
	require.Equal(t, report, report.Brief(5))
}

// A journal whose end was lost costs the photos that were in it, and no more.
func TestRunWithTornJournal(t *testing.T) {
	b := newBench(t, pictures(0, 6))
	first := b.run(t)
	journal := filepath.Join(b.out, "work", journalName(b.embedder.meta))
	files, err := os.ReadDir(journal)
	require.NoError(t, err)
	files = slices.DeleteFunc(files, func(f os.DirEntry) bool { return filepath.Ext(f.Name()) != ".log" })
	require.Len(t, files, 1)
	segment := filepath.Join(journal, files[0].Name())
	info, err := os.Stat(segment)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(segment, info.Size()-1))
	b.embedder.seen = make(map[string]int)
	second := b.run(t)
	require.Equal(t, 1, second.Embedded)
	_, firstRows := parquetRows(t, b.out, first.Run)
	_, secondRows := parquetRows(t, b.out, second.Run)
	require.Equal(t, timeless(firstRows), timeless(secondRows))
}
