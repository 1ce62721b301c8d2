package indexer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/indexer/source"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
	"github.com/kleid-search/kleid/storage/storagetest"
	"github.com/kleid-search/kleid/vectors"
	"github.com/kleid-search/kleid/vectors/embedded"
)

// Photos of these widths get special answers from the stub.
const (
	noDressWidth  = 20
	panicWidth    = 21
	failingWidth  = 22
	notUnitWidth  = 23
	ordinaryWidth = 24
)

// stub is an embedder whose answer depends on the pixels alone.
type stub struct {
	meta  catalog.Metadata
	cells string // FacetCells
	batch int
	// facetsRead is how many dresses' facets were read from cells.
	facetsRead int
	// before is called with each batch before it is answered.
	before func(ctx context.Context, batch []embedding.Input) error
	// describe, if not nil, is called with each batch of dresses.
	describe func(inputs []embedding.Input, photos []embedding.Photo) error
	// broken answers no photo at all.
	broken bool

	mu   sync.Mutex
	seen map[string]int // how often each photo was embedded, by its pixels
}

func newStub() *stub {
	return &stub{
		meta: catalog.Metadata{
			EmbeddingModel: "trunk-1", FacetModel: "heads-1", UnsupervisedSize: 8, DeepRankSize: 4,
			Facets: []catalog.Facet{{Name: "neckline", Labels: []string{"round", "v-neck", "boat"}}, {Name: "sleeve", Labels: []string{"short", "long"}}},
		},
		cells: "cells-1", batch: 3, seen: make(map[string]int),
	}
}

func (s *stub) Metadata() catalog.Metadata { return s.meta }
func (s *stub) BatchSize() int             { return s.batch }

func (s *stub) Locate(ctx context.Context, inputs []embedding.Input) ([]embedding.Photo, error) {
	if s.before != nil {
		if err := s.before(ctx, inputs); err != nil {
			return nil, err
		}
	}
	if s.broken {
		return nil, errors.New("no memory")
	}
	photos := make([]embedding.Photo, len(inputs))
	for i, input := range inputs {
		switch input.Image.Width {
		case panicWidth:
			panic("index out of range")
		case failingWidth:
			return nil, errors.New("the graph does not like it")
		}
		photos[i] = s.answer(input.Image)
		if photos[i].Status == catalog.StatusNoDress && input.IsDress {
			photos[i] = s.dress(input.Image)
			photos[i].Told = true
		}
	}
	for _, input := range inputs {
		s.mu.Lock()
		s.seen[pixelID(input.Image)]++
		s.mu.Unlock()
	}
	return photos, nil
}

// Describe changes nothing: the answers of Locate are whole.
func (s *stub) Describe(_ context.Context, inputs []embedding.Input, photos []embedding.Photo) error {
	if s.describe != nil {
		return s.describe(inputs, photos)
	}
	return nil
}

func pixelID(m *photo.Image) string {
	sum := sha256.Sum256(m.Pix)
	return hex.EncodeToString(sum[:8])
}

func (s *stub) answer(m *photo.Image) embedding.Photo {
	if m.Width == noDressWidth {
		return embedding.Photo{Status: catalog.StatusNoDress}
	}
	return s.dress(m)
}

func (s *stub) dress(m *photo.Image) embedding.Photo {
	sum := sha256.Sum256(m.Pix)
	random := rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum[:]), 0))
	unit := func(size int) []float32 {
		v, length := make([]float32, size), 0.0
		for i := range v {
			v[i] = float32(random.NormFloat64())
			length += float64(v[i]) * float64(v[i])
		}
		for i := range v {
			v[i] /= float32(math.Sqrt(length))
		}
		return v
	}
	answer := embedding.Photo{
		Status: catalog.StatusOK, Box: photo.Box{XMin: 1, YMin: 2, XMax: m.Width, YMax: m.Height - 1}, BoxConfidence: random.Float32(),
		Unsupervised: unit(s.meta.UnsupervisedSize), DeepRank: unit(s.meta.DeepRankSize),
	}
	answer.Cells = embedding.Cells{float16.Frombits(binary.LittleEndian.Uint16(sum[:]) & 0x3fff), float16.Fromfloat32(1)}
	answer.Facets = slices.DeleteFunc(s.facets(answer.Cells), func(p embedding.Prediction) bool { return p.Label == "" })
	if colour := s.meta.Facets[len(s.meta.Facets)-1]; colour.Name == "colour" { // which is read from pixels
		answer.Facets = append(answer.Facets, embedding.Prediction{Name: colour.Name, Label: colour.Labels[int(sum[2])%len(colour.Labels)], Probability: 0.5})
	}
	if m.Width == notUnitWidth {
		answer.DeepRank[0] = float32(math.NaN())
	}
	return answer
}

// facets are read from cells: another facet model sees others in them.
func (s *stub) facets(cells embedding.Cells) []embedding.Prediction {
	var read []embedding.Prediction
	random := rand.New(rand.NewPCG(uint64(cells[0].Bits()), uint64(crc32.ChecksumIEEE([]byte(s.meta.FacetModel)))))
	for i, facet := range s.meta.Facets {
		if facet.Name == "colour" {
			continue
		}
		if i == 1 && random.IntN(4) == 0 { // a facet of which the model has no opinion
			read = append(read, embedding.Prediction{Name: facet.Name})
			continue
		}
		read = append(read, embedding.Prediction{Name: facet.Name, Label: facet.Labels[random.IntN(len(facet.Labels))], Probability: random.Float32()})
	}
	return read
}

func (s *stub) FacetCells() string { return s.cells }

func (s *stub) ReadFacets(_ context.Context, dresses []embedding.Cells) ([][]embedding.Prediction, error) {
	var all [][]embedding.Prediction
	for _, cells := range dresses {
		all = append(all, s.facets(cells))
		s.facetsRead++
	}
	return all, nil
}

// embeddings is how many photos were embedded in all; none must have been embedded twice.
func (s *stub) embeddings(t *testing.T) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, times := range s.seen {
		require.Equal(t, 1, times, "photo %s", id)
	}
	return len(s.seen)
}

// picture is a PNG file whose pixels depend on the number.
func picture(width, number int) []byte {
	m := image.NewRGBA(image.Rect(0, 0, width, 30))
	random := rand.New(rand.NewPCG(uint64(number), uint64(width)))
	for i := 0; i < len(m.Pix); i += 4 {
		m.Pix[i], m.Pix[i+1], m.Pix[i+2], m.Pix[i+3] = uint8(random.Uint32()), uint8(number), 100, 255
	}
	return encodePNG(m)
}

func encodePNG(m image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func deepPicture() []byte {
	m := image.NewRGBA64(image.Rect(0, 0, ordinaryWidth, 30))
	m.SetRGBA64(3, 4, color.RGBA64{R: 0x1234, G: 0xffff, A: 0xffff})
	return encodePNG(m)
}

func writeFiles(t testing.TB, dir string, files map[string][]byte) {
	for name, data := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, data, 0o644))
	}
}

// bench is a catalogue folder with the folder of its index.
type bench struct {
	photos, out string
	store       vectors.Store
	embedder    *stub
}

func newBench(t *testing.T, files map[string][]byte) *bench {
	b := &bench{photos: t.TempDir(), out: filepath.Join(t.TempDir(), "index [1]"), embedder: newStub()}
	writeFiles(t, b.photos, files)
	var err error
	b.store, err = embedded.Open(b.out)
	require.NoError(t, err)
	return b
}

func (b *bench) options() Options {
	return Options{Catalogue: b.photos, Out: b.out, Store: b.store, Embedder: b.embedder, MaxBad: 1, Keep: 1}
}

func (b *bench) run(t *testing.T) Report {
	report, err := Run(t.Context(), b.options())
	require.NoError(t, err)
	b.requireConsistent(t, report)
	return report
}

// pictures makes n ordinary photos, numbered from first.
func pictures(first, n int) map[string][]byte {
	files := make(map[string][]byte)
	for i := first; i < first+n; i++ {
		files[pictureName(i)] = picture(ordinaryWidth, i)
	}
	return files
}

func pictureName(i int) string {
	return "dress-" + string(rune('a'+i/26)) + string(rune('a'+i%26)) + ".png"
}

// parquetRows reads the rows of a run.
func parquetRows(t *testing.T, out, run string) (catalog.Metadata, []catalog.Row) {
	f, err := os.Open(ParquetPath(out, run))
	require.NoError(t, err)
	defer f.Close()
	info, err := f.Stat()
	require.NoError(t, err)
	reader, err := catalog.Read(f, info.Size())
	require.NoError(t, err)
	rows, err := reader.All(catalog.ReadOptions{})
	require.NoError(t, err)
	return reader.Metadata(), rows
}

// requireConsistent checks that Parquet, store, thumbnails and report say the same.
func (b *bench) requireConsistent(t *testing.T, report Report) {
	requireConsistent(t, b.out, b.store, b.embedder.meta, report)
}

func requireConsistent(t *testing.T, out string, store vectors.Store, model catalog.Metadata, report Report) {
	ctx := t.Context()
	require.True(t, report.Published, "%v", report.Gate.Reasons)
	latest, err := Latest(out)
	require.NoError(t, err)
	require.Equal(t, report.Run, latest)
	current, err := store.CurrentRun(ctx)
	require.NoError(t, err)
	require.Equal(t, report.Run, current)
	require.Equal(t, ParquetPath(out, report.Run), report.Parquet)
	require.NoFileExists(t, jobPath(out))
	require.NoFileExists(t, layout{out}.unpublished())
	meta, rows := parquetRows(t, out, report.Run)
	require.Equal(t, report.Run, meta.Run)
	require.Equal(t, model.EmbeddingModel, meta.EmbeddingModel)
	require.Equal(t, model.FacetModel, meta.FacetModel)
	require.Len(t, rows, report.Photos)
	require.Equal(t, report.Photos, report.OK+report.NoDress+report.Unreadable)
	index, err := store.Current(ctx)
	require.NoError(t, err)
	defer index.Close()
	require.Equal(t, meta, index.Metadata())
	counts := make(map[catalog.Status]int)
	stored := make(map[string]bool)
	for _, row := range rows {
		counts[row.Status]++
		require.Equal(t, catalog.NewRowID(row.ProductID, row.Source), row.RowID)
		require.Equal(t, []string{meta.EmbeddingModel, meta.FacetModel}, []string{row.EmbeddingModel, row.FacetModel})
		require.Equal(t, meta.CreatedAt, row.IndexedAt)
		require.Equal(t, row.Status == catalog.StatusUnreadable, row.Error != "")
		if row.Status != catalog.StatusUnreadable {
			require.FileExists(t, filepath.Join(ThumbnailsFolder(out), ThumbnailPath(row.PhotoID)))
			require.NotZero(t, row.Width)
		}
		if row.Status != catalog.StatusOK {
			require.Nil(t, row.Box)
			require.Nil(t, row.Facets)
			require.Nil(t, row.EmbeddingUnsupervised)
			require.Nil(t, row.EmbeddingDeepRank)
			_, err := index.Get(ctx, row.RowID)
			require.ErrorIs(t, err, vectors.ErrNotFound)
			continue
		}
		if !stored[row.RowID] {
			got, err := index.Get(ctx, row.RowID)
			require.NoError(t, err)
			require.Equal(t, []catalog.Row{row}, got)
		}
		stored[row.RowID] = true
	}
	require.Equal(t, map[catalog.Status]int{catalog.StatusOK: report.OK, catalog.StatusNoDress: report.NoDress, catalog.StatusUnreadable: report.Unreadable},
		map[catalog.Status]int{catalog.StatusOK: counts[catalog.StatusOK], catalog.StatusNoDress: counts[catalog.StatusNoDress], catalog.StatusUnreadable: counts[catalog.StatusUnreadable]})
	n, err := index.Count(ctx)
	require.NoError(t, err)
	require.Equal(t, len(stored), n)
	require.Len(t, report.Bad, report.Unreadable)
}

// timeless returns the rows without the one column that two runs may differ in.
func timeless(rows []catalog.Row) []catalog.Row {
	for i := range rows {
		rows[i].IndexedAt = catalog.Row{}.IndexedAt
	}
	return rows
}

// bySource finds a row.
func bySource(t *testing.T, rows []catalog.Row, source string) catalog.Row {
	for _, row := range rows {
		if row.Source == source {
			return row
		}
	}
	require.Fail(t, "no row", "source %q", source)
	return catalog.Row{}
}

// fakeS3 starts an S3-compatible server with a bucket called shop, and puts files below a prefix of it.
func fakeS3(t *testing.T, prefix string, files map[string][]byte) storage.Bucket {
	t.Helper()
	storagetest.S3(t, "shop")
	bucket, err := storage.Open(t.Context(), "s3://shop/"+prefix)
	require.NoError(t, err)
	for name, data := range files {
		require.NoError(t, bucket.Put(t.Context(), name, bytes.NewReader(data)))
	}
	return bucket
}

func sources(skipped []source.Skipped) []string {
	var all []string
	for _, s := range skipped {
		all = append(all, s.Source)
	}
	return all
}
