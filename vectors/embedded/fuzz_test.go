package embedded

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kleid-search/kleid/vectors"
)

// validIndex returns the manifest and the files of a small index.
func validIndex(f *testing.F) (*manifest, map[string][]byte) {
	s, err := Open(f.TempDir())
	require.NoError(f, err)
	w, err := s.Create(f.Context(), testMetadata("r"))
	require.NoError(f, err)
	require.NoError(f, w.Add(f.Context(), testRows(5)))
	require.NoError(f, w.Finish(f.Context()))
	opened, err := s.Open(f.Context(), "r")
	require.NoError(f, err)
	x := opened.(*index)
	files := make(map[string][]byte)
	for name, data := range x.files {
		files[name] = slices.Clone(data)
	}
	m := *x.manifest
	require.NoError(f, x.Close())
	return &m, files
}

// What the manifest promises about itself holds, whatever its bytes.
func FuzzManifest(f *testing.F) {
	m, _ := validIndex(f)
	data, err := json.Marshal(m)
	require.NoError(f, err)
	f.Add(data)
	f.Add([]byte(`{"format":1,"rows":2147483647,"metadata":{"run":"r","embedding_unsupervised_size":2147483648,"embedding_deeprank_size":1}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseManifest(data)
		if err != nil {
			return
		}
		require.LessOrEqual(t, m.Products, m.Rows)
		require.LessOrEqual(t, m.Photos, m.Rows)
		require.LessOrEqual(t, m.priced(), m.Rows)
		require.GreaterOrEqual(t, m.labels(), len(m.Metadata.Facets))
		require.NoError(t, vectors.CheckMetadata(m.Metadata))
		require.Equal(t, int64(m.Rows), m.Files[unsupervisedFile].Bytes/4/int64(m.Metadata.UnsupervisedSize))
		require.Equal(t, int64(m.Rows), m.Files[deepRankFile].Bytes/4/int64(m.Metadata.DeepRankSize))
	})
}

// Every text of a table that was taken can be read.
func FuzzTable(f *testing.F) {
	m, files := validIndex(f)
	f.Add(files[rowIDsFile], m.Rows)
	f.Add(files[facetsFile], m.labels())
	f.Add(make([]byte, 8), 0)
	f.Add(make([]byte, 32), 1<<40)
	f.Add([]byte{}, -1)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		parsed, err := parseTable(data, n)
		if err != nil {
			return
		}
		require.Equal(t, n, parsed.len())
		total := 0
		for i := range n {
			total += len(parsed.at(i))
		}
		require.LessOrEqual(t, total, len(data))
		parsed.find("row-003")
	})
}

// An index with one file of other bytes, whose checksum is right all the same, is refused or answers: it
// never reads beyond its memory.
func FuzzFiles(f *testing.F) {
	m, files := validIndex(f)
	for i, name := range allFiles {
		f.Add(i, files[name])
		f.Add(i, make([]byte, len(files[name])))
	}
	f.Fuzz(func(t *testing.T, which int, data []byte) {
		name := allFiles[uint(which)%uint(len(allFiles))]
		changed := make(map[string][]byte)
		for other, content := range files {
			changed[other] = content
		}
		// openIndex refuses other lengths before it looks at the bytes.
		changed[name] = make([]byte, len(files[name]))
		copy(changed[name], data)
		x := &index{manifest: m}
		if x.parse(changed) != nil {
			return
		}
		for _, q := range []vectors.Query{
			{Vector: []float32{1, 2, 3}, Embedding: vectors.Unsupervised, K: 10, OnePerProduct: true, Where: vectors.Filter{"neckline": {"round"}}},
			{Vector: []float32{1, 2}, Embedding: vectors.DeepRank, K: 3, Offset: 1, ExcludeProduct: "product-1"},
			{Vector: []float32{1, 2}, Embedding: vectors.DeepRank, K: 3, Price: vectors.PriceRange{Min: new(10.0), Max: new(20.0)}},
		} {
			_, _ = x.Search(t.Context(), q)
		}
		_, _ = x.Get(t.Context(), "row-003")
		_, _ = x.ByProduct(t.Context(), "product-1")
		_, _ = x.ByPhoto(t.Context(), "photo-2")
	})
}
