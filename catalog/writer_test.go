package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"
)

func TestWriteRefusesWhatContradictsTheMetadata(t *testing.T) {
	for name, c := range map[string]struct {
		row  Row
		want string
	}{
		"facet":        {Row{Status: StatusOK, Facets: map[string]FacetValue{"colour": {}}}, `facet "colour" is not among`},
		"label":        {Row{Status: StatusOK, Facets: map[string]FacetValue{"sleeve": {Label: "puffed"}}}, `no label "puffed"`},
		"unsupervised": {Row{Status: StatusOK, EmbeddingUnsupervised: []float32{1}}, "unsupervised embedding has 1 numbers, the metadata says 5"},
		"deeprank":     {Row{Status: StatusOK, EmbeddingDeepRank: []float32{1}}, "DeepRank embedding has 1 numbers, the metadata says 3"},
		"status":       {Row{Status: "fine"}, `status "fine"`},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			w, err := NewWriter(&b, testMetadata())
			require.NoError(t, err)
			good := Row{RowID: "good", Status: StatusNoDress, IndexedAt: time.UnixMilli(0).UTC()}
			require.ErrorContains(t, w.Write([]Row{good, c.row}), c.want)
			require.NoError(t, w.Write([]Row{good}), "the writer goes on")
			require.NoError(t, w.Close())
			_, rows := read(t, b.Bytes(), ReadOptions{})
			require.Equal(t, []Row{good}, rows)
		})
	}
}

func TestNewWriterRefusesFacetsThatCollide(t *testing.T) {
	for _, facets := range [][]Facet{
		{{Name: "sleeve"}, {Name: "sleeve"}},
		{{Name: "sleeve"}, {Name: "sleeve_source"}},
		{{Name: ""}},
		{{Name: "Sleeve length"}},
	} {
		_, err := NewWriter(io.Discard, Metadata{Facets: facets})
		require.Error(t, err, "%v", facets)
	}
}

// TestFacetsWithoutLabels take any: nothing says which there are.
func TestFacetsWithoutLabels(t *testing.T) {
	meta := testMetadata()
	meta.Facets = []Facet{{Name: "fabric"}}
	row := Row{Status: StatusOK, Facets: map[string]FacetValue{"fabric": {"silk", 1, Human}}, IndexedAt: time.UnixMilli(0).UTC()}
	_, rows := read(t, write(t, meta, []Row{row}), ReadOptions{})
	require.Equal(t, []Row{row}, rows)
}

// failing takes some bytes and then no more, like a full disk.
type failing struct{ left int }

var errFull = errors.New("no space left")

func (f *failing) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestWriterReportsAFullDisk(t *testing.T) {
	w, err := NewWriter(&failing{left: 1000}, testMetadata())
	require.NoError(t, err)
	require.NoError(t, w.Write(manyRows(testMetadata(), 3000)))
	require.ErrorIs(t, w.Close(), errFull)
	require.ErrorIs(t, w.Close(), errFull)
}

func TestTextThatIsNotUTF8(t *testing.T) {
	_, rows := read(t, write(t, testMetadata(), []Row{{Source: "a\xff.jpg", Status: StatusOK}}), ReadOptions{})
	require.Equal(t, "a\uFFFD.jpg", rows[0].Source)
}

func TestReadRefusesWhatIsNoIndex(t *testing.T) {
	whole := write(t, testMetadata(), manyRows(testMetadata(), 10))
	for name, file := range map[string][]byte{
		"empty":     {},
		"text":      []byte("PAR1 this is not a Parquet file PAR1"),
		"truncated": whole[:len(whole)/2],
	} {
		_, err := Read(bytes.NewReader(file), int64(len(file)))
		require.ErrorContains(t, err, "not a whole Parquet file", name)
	}
}

// TestReadRefusesOtherColumns, which have a name of the design and are of another type.
func TestReadRefusesOtherColumns(t *testing.T) {
	for name, node := range map[string]parquet.Node{
		"kind":     parquet.Optional(parquet.Leaf(parquet.Int64Type)),
		"null":     parquet.Leaf(parquet.DoubleType),
		"repeated": parquet.Repeated(parquet.Leaf(parquet.DoubleType)),
	} {
		t.Run(name, func(t *testing.T) {
			columns := columnsOf(testMetadata().Facets)
			price := slices.IndexFunc(columns, func(c column) bool { return c.name == "price" })
			columns[price].node = node
			var b bytes.Buffer
			w, err := newWriter(&b, testMetadata(), columns)
			require.NoError(t, err)
			require.NoError(t, w.Close())
			_, err = Read(bytes.NewReader(b.Bytes()), int64(b.Len()))
			require.ErrorContains(t, err, "column price is of type")
		})
	}
}

func TestRowJSON(t *testing.T) {
	row := Row{
		RowID: "r", PhotoID: "p", ProductID: "d", Source: "1.jpg", Price: new(9.5), Status: StatusOK, Width: 4, Height: 5,
		Box: &Box{0, 1, 2, 3}, BoxConfidence: 0.5, Facets: map[string]FacetValue{"sleeve": {"long", 0.25, Predicted}},
		EmbeddingModel: "e", FacetModel: "f", IndexedAt: time.UnixMilli(1700000000123).UTC(),
	}
	text, err := json.Marshal(row)
	require.NoError(t, err)
	require.JSONEq(t, `{"row_id": "r", "photo_id": "p", "product_id": "d", "source": "1.jpg", "price": 9.5, "status": "ok",
		"width": 4, "height": 5, "box": {"x_min": 0, "y_min": 1, "x_max": 2, "y_max": 3}, "box_confidence": 0.5,
		"facets": {"sleeve": {"label": "long", "probability": 0.25, "source": "predicted"}},
		"embedding_model": "e", "facet_model": "f", "indexed_at": "2023-11-14T22:13:20.123Z"}`, string(text))
	var back Row
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, row, back)
}

func TestNewRowIDKeepsPairsApart(t *testing.T) {
	require.Equal(t, "59b271ae1bbcb1d31d41929817f4b16fb439eb4f31520b5ad1d5ce98920a7138", NewRowID("a", "b"))
	require.NotEqual(t, NewRowID("ab", "c"), NewRowID("a", "bc"))
	require.Len(t, NewRowID("", ""), 64)
}

// FuzzRead: whatever the bytes, Read and Batches return rows or an error.
func FuzzRead(f *testing.F) {
	whole := write(f, testMetadata(), manyRows(testMetadata(), 30))
	f.Add(whole)
	f.Add(whole[:len(whole)-8])
	f.Add([]byte("PAR1\x00\x00\x00\x00PAR1"))
	for i := 4; i < len(whole); i += len(whole) / 40 {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x55
		f.Add(damaged)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := Read(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			return
		}
		n := int64(0)
		for batch, err := range r.Batches(ReadOptions{}) {
			if n += int64(len(batch)); err != nil || n > 10_000 {
				return
			}
		}
		if n != r.NumRows() {
			t.Fatalf("%d rows without an error, the file says %d", n, r.NumRows())
		}
	})
}

// benchRows are rows as large as real ones: two embeddings of 512 and 128 numbers that do not compress.
func benchRows(n int) (Metadata, []Row, int64) {
	meta := testMetadata()
	meta.UnsupervisedSize, meta.DeepRankSize = 512, 128
	rows := manyRows(meta, n)
	seed := uint32(1)
	for i := range rows {
		for _, e := range [][]float32{rows[i].EmbeddingUnsupervised, rows[i].EmbeddingDeepRank} {
			for j := range e {
				seed = seed*1664525 + 1013904223
				e[j] = float32(int32(seed)) / (1 << 35)
			}
		}
	}
	return meta, rows, int64(n) * int64(4*(512+128)+300)
}

func BenchmarkWrite(b *testing.B) {
	meta, rows, size := benchRows(20_000)
	b.SetBytes(size)
	for b.Loop() {
		w, err := NewWriter(io.Discard, meta)
		require.NoError(b, err)
		require.NoError(b, w.Write(rows))
		require.NoError(b, w.Close())
	}
}

func BenchmarkRead(b *testing.B) {
	for name, options := range map[string]ReadOptions{"all": {}, "without embeddings": {WithoutEmbeddings: true}} {
		b.Run(name, func(b *testing.B) {
			meta, rows, size := benchRows(20_000)
			file := write(b, meta, rows)
			b.SetBytes(size)
			for b.Loop() {
				r, err := Read(bytes.NewReader(file), int64(len(file)))
				require.NoError(b, err)
				for _, err := range r.Batches(options) {
					require.NoError(b, err)
				}
			}
		})
	}
}
