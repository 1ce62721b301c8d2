package indexer

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/vectors"
)

// requireRefused finds that a run was refused for one reason, and that it left nothing.
func requireRefused(t *testing.T, report Report, check, detail string) {
	t.Helper()
	require.False(t, report.Published)
	require.Len(t, report.Gate.Reasons, 1, "%v", report.Gate.Reasons)
	require.Equal(t, check, report.Gate.Reasons[0].Check)
	require.Contains(t, report.Gate.Reasons[0].Detail, detail)
	require.Contains(t, report.String(), detail)
	require.NoDirExists(t, filepath.Join(report.Index, runPrefix+report.Run))
	require.NoFileExists(t, layout{report.Index}.unpublished())
	require.NoFileExists(t, layout{report.Index}.unpublishedReport())
}

// Each reason of the gate is made to happen: yesterday's index stays, the run can be forced, and what it found out is
// in the report.
func TestGate(t *testing.T) {
	const photos = 40
	for _, c := range []struct {
		check, detail string
		// break changes the catalogue or the options after a first run.
		breaks func(t *testing.T, b *bench, o *Options)
	}{
		{CheckUnreadable, "25.0% of the photos are unreadable, and 0.0% were", func(t *testing.T, b *bench, o *Options) {
			o.MaxBad = 0.5
			for i := range photos / 4 {
				writeFiles(t, b.photos, map[string][]byte{pictureName(i): []byte("no photo")})
			}
			o.Gate.MinRows = 0
		}},
		{CheckRows, "20 photos show a dress, and 40 did", func(t *testing.T, b *bench, o *Options) {
			for i := range photos / 2 {
				require.NoError(t, os.Remove(filepath.Join(b.photos, pictureName(i))))
			}
			o.Gate.MaxDrift = 1
		}},
		{CheckCatalogue, "0 of 40 products are those of the run before, which had 40", func(t *testing.T, b *bench, o *Options) {
			renamed := filepath.Join(b.photos, "other") // as by another product_id
			require.NoError(t, os.Mkdir(renamed, 0o755))
			for i := range photos {
				require.NoError(t, os.Rename(filepath.Join(b.photos, pictureName(i)), filepath.Join(renamed, "new-"+pictureName(i))))
			}
		}},
		{CheckDrift, "the labels of sleeve have moved by", func(t *testing.T, b *bench, o *Options) {
			b.embedder.meta.FacetModel, b.embedder.cells = "heads-that-see-long-sleeves-only", "other cells"
			b.embedder.describe = func(_ []embedding.Input, photos []embedding.Photo) error {
				for i := range photos {
					for f := range photos[i].Facets {
						if p := &photos[i].Facets[f]; p.Name == "sleeve" {
							p.Label = "long"
						}
					}
				}
				return nil
			}
		}},
		{CheckProbes, "40 of 40 photos of yesterday no longer find their own product", func(t *testing.T, b *bench, o *Options) {
			o.Store = changedStore{b.store, func(_ context.Context, q vectors.Query, r *vectors.Result) {
				if q.OnePerProduct { // as the probes of yesterday ask
					r.Matches = nil
				}
			}}
		}},
		{CheckRecall, "of the truly nearest rows", func(t *testing.T, b *bench, o *Options) {
			o.Store = changedStore{b.store, func(_ context.Context, q vectors.Query, r *vectors.Result) {
				if q.K == recallDepth && !q.OnePerProduct {
					r.Matches = append(r.Matches[:5], vectors.Match{Similarity: -1})
				}
			}}
		}},
		{CheckContent, "its own unsupervised vector finds nothing", func(t *testing.T, b *bench, o *Options) {
			o.Store = changedStore{b.store, func(_ context.Context, q vectors.Query, r *vectors.Result) {
				if q.K == 1 {
					r.Matches = nil
				}
			}}
		}},
		{CheckContent, "rows with the sleeve long, and should have", func(t *testing.T, b *bench, o *Options) {
			o.Store = changedStore{b.store, func(_ context.Context, q vectors.Query, r *vectors.Result) {
				if len(q.Where["sleeve"]) == 1 && q.Where["sleeve"][0] == "long" {
					r.TotalMatches--
				}
			}}
		}},
	} {
		t.Run(c.check, func(t *testing.T) {
			b := newBench(t, pictures(0, photos))
			first := b.run(t)
			require.Empty(t, first.Gate.Reasons)
			options := b.options()
			options.Gate = DefaultGate()
			c.breaks(t, b, &options)
			refused, err := Run(t.Context(), options)
			require.NoError(t, err)
			requireRefused(t, refused, c.check, c.detail)
			run, err := b.store.CurrentRun(t.Context())
			require.NoError(t, err)
			require.Equal(t, first.Run, run)
			latest, err := Latest(b.out)
			require.NoError(t, err)
			require.Equal(t, first.Run, latest)

			options.Force = true
			forced, err := Run(t.Context(), options)
			require.NoError(t, err)
			require.True(t, forced.Published)
			require.True(t, forced.Gate.Forced)
			require.Equal(t, refused.Gate.Reasons, forced.Gate.Reasons)
			require.Contains(t, forced.String(), "in spite of the gate")
			kept, err := ReadReport(b.out, forced.Run)
			require.NoError(t, err)
			require.Equal(t, forced, kept)
		})
	}
}

// changedStore answers searches in runs otherwise than its store.
type changedStore struct {
	vectors.Store
	change func(context.Context, vectors.Query, *vectors.Result)
}

func (s changedStore) Open(ctx context.Context, run string) (vectors.Index, error) {
	index, err := s.Store.Open(ctx, run)
	return changedIndex{index, s.change}, err
}

type changedIndex struct {
	vectors.Index
	change func(context.Context, vectors.Query, *vectors.Result)
}

func (i changedIndex) Search(ctx context.Context, q vectors.Query) (vectors.Result, error) {
	r, err := i.Index.Search(ctx, q)
	if err == nil {
		i.change(ctx, q, &r)
	}
	return r, err
}

// What changes from night to night passes: a few products come and go, and a photo is broken.
func TestGateLetsAUsualNightPass(t *testing.T) {
	b := newBench(t, pictures(0, 60))
	b.run(t)
	for i := range 5 {
		require.NoError(t, os.Remove(filepath.Join(b.photos, pictureName(i))))
	}
	writeFiles(t, b.photos, pictures(60, 7))
	writeFiles(t, b.photos, map[string][]byte{"broken.jpg": []byte("no photo")})
	options := b.options()
	options.MaxBad = 0.1
	report, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.True(t, report.Published)
	require.Empty(t, report.Gate.Reasons)
	require.Equal(t, 55, report.Gate.Sought)
	require.Zero(t, report.Gate.Lost)
	require.Equal(t, 1.0, report.Gate.Recall)
	require.Equal(t, 2*probes, report.Gate.Probed)
	require.Len(t, report.Gate.Drift, 2)
}

func TestForceInSpiteOfBadPhotos(t *testing.T) {
	files := pictures(0, 3)
	b := newBench(t, files)
	b.run(t)
	writeFiles(t, b.photos, map[string][]byte{"bad.jpg": []byte("no photo")})
	options := b.options()
	options.MaxBad = 0.1
	report, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.True(t, report.TooManyBad)
	require.False(t, report.Published)
	options.Force = true
	report, err = Run(t.Context(), options)
	require.NoError(t, err)
	require.True(t, report.Published)
}

func TestGateIsChecked(t *testing.T) {
	b := newBench(t, pictures(0, 1))
	options := b.options()
	options.Gate = DefaultGate()
	options.Gate.MinRecall = 1.5
	_, err := Run(t.Context(), options)
	require.ErrorContains(t, err, "the gate's bar for recall is 1.5")
}

// TestDrift is the total variation distance, over the labels of both days.
func TestDrift(t *testing.T) {
	old := FacetCounts{Name: "sleeve", Labels: []string{"short", "long", "cap"}, Counts: []int{500, 300, 200}}
	now := FacetCounts{Name: "sleeve", Labels: []string{"long", "short", "none"}, Counts: []int{300, 500, 200}}
	drift, chance := now.drift(&old)
	require.InDelta(t, 0.2, drift, 1e-9, "a fifth was cap and is none")
	require.InDelta(t, 0.0618, chance, 1e-3)
	require.Equal(t, "none from 0% to 20%", now.largestChange(&old))
	drift, _ = now.drift(&now)
	require.Zero(t, drift)
	drift, chance = now.drift(&FacetCounts{Labels: []string{"long"}, Counts: []int{0}})
	require.Zero(t, drift+chance)
}

// TestExactNearest keeps the highest similarities of all that is added.
func TestExactNearest(t *testing.T) {
	row := func(x float32) catalog.Row {
		return catalog.Row{EmbeddingUnsupervised: []float32{x, 0}, EmbeddingDeepRank: []float32{-x}}
	}
	e := newExact([]catalog.Row{row(1)})
	for i := range 30 {
		e.add([]catalog.Row{row(float32(i) / 100), row(float32(29-i) / 100)})
	}
	require.InDeltaSlice(t, []float32{0.29, 0.29, 0.28, 0.28, 0.27, 0.27, 0.26, 0.26, 0.25, 0.25}, e.nearest[vectors.Unsupervised][0], 1e-6)
	require.InDeltaSlice(t, []float32{0.29, 0.29, 0.28}, e.nearest[vectors.DeepRank][0][:3], 1e-6, "each embedding by itself")
}

// A new folder for a store that has an index, as after the loss of a disk, has nothing that a new index could be compared
// with: it takes the place of that one only by force.
func TestNewFolderForAStoreWithAnIndex(t *testing.T) {
	b := newBench(t, pictures(0, 26))
	report := b.run(t)
	for i := 2; i < 26; i++ {
		require.NoError(t, os.Remove(filepath.Join(b.photos, pictureName(i))))
	}
	options := b.options()
	options.Out = t.TempDir()
	_, err := Run(t.Context(), options)
	require.ErrorContains(t, err, "the store has an index already, run "+report.Run)
	require.ErrorContains(t, err, "name the --out that it was made in, or publish one here by --force")
	require.ErrorIs(t, err, ErrUsage)
	b.requireConsistent(t, report)

	options.Force = true
	forced, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.True(t, forced.Published)
	options.Force = false
	next, err := Run(t.Context(), options)
	require.NoError(t, err)
	require.Equal(t, forced.Run, next.PreviousRun)
}

// A run that is served, and whose machine was lost before it could put it into S3, is no reason to compare with nothing.
func TestCurrentRunThatIsNotInS3(t *testing.T) {
	b := newBench(t, pictures(0, 26))
	bucket := fakeS3(t, "index", nil)
	night := func(change func(*Options)) (Report, error) {
		options := b.options() // with one store
		options.Out, options.Scratch = "s3://shop/index", filepath.Join(t.TempDir(), "scratch")
		change(&options)
		return Run(t.Context(), options)
	}
	first, err := night(func(*Options) {})
	require.NoError(t, err)
	lost, err := night(func(o *Options) { o.Out = o.Scratch; o.Force = true })
	require.NoError(t, err)
	requireThere(t, bucket, first.Run)
	var log bytes.Buffer
	for i := 2; i < 26; i++ {
		require.NoError(t, os.Remove(filepath.Join(b.photos, pictureName(i))))
	}
	refused, err := night(func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	require.NoError(t, err)
	require.Equal(t, lost.Run, refused.PreviousRun)
	requireRefused(t, refused, CheckRows, "2 photos show a dress, and 26 did")
	require.Contains(t, log.String(), "is not in S3")
	requireThere(t, bucket, first.Run)
}
