package embedded

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

// formatVersion is raised whenever older programs would misread an index.
const formatVersion = 1

// The files of a run's folder. Rows are in order of row id everywhere, so a row's number is its rank.
const (
	manifestFile     = "manifest.json"
	rowsFile         = "rows.table"       // [rows] JSON of catalog.Row without embeddings
	rowIDsFile       = "row_ids.table"    // [rows], in order
	productsFile     = "products.table"   // [products] product ids, in order
	photosFile       = "photos.table"     // [photos] photo ids, in order
	rowProductsFile  = "row_products.u32" // [rows] number of the product
	rowPhotosFile    = "row_photos.u32"   // [rows] number of the photo
	facetsFile       = "facets.table"     // [labels of all facets] roaring bitmap of the rows that have the label
	unsupervisedFile = "unsupervised.f32" // [rows, unsupervised size]
	deepRankFile     = "deeprank.f32"     // [rows, DeepRank size]
	pricesFile       = "prices.f64"       // [rows with a price] prices, currency after currency, in order
	priceRowsFile    = "price_rows.u32"   // [rows with a price] number of the row of each

	unsupervisedCodesFile  = "unsupervised.u8"         // [rows, unsupervised size] see codes
	unsupervisedScalesFile = "unsupervised_scales.f32" // [rows, 2]
	deepRankCodesFile      = "deeprank.u8"             // [rows, DeepRank size]
	deepRankScalesFile     = "deeprank_scales.f32"     // [rows, 2]
)

var (
	dataFiles = []string{rowsFile, rowIDsFile, productsFile, photosFile, rowProductsFile, rowPhotosFile, facetsFile, unsupervisedFile, deepRankFile}
	// priceFiles and codeFiles are not in indexes that were made before there were such files.
	priceFiles = []string{pricesFile, priceRowsFile}
	codeFiles  = []string{unsupervisedCodesFile, unsupervisedScalesFile, deepRankCodesFile, deepRankScalesFile}
	allFiles   = slices.Concat(dataFiles, priceFiles, codeFiles)
	// bulkFiles are those that opening an index does not read to the end.
	bulkFiles = append([]string{rowsFile, unsupervisedFile, deepRankFile}, codeFiles...)
)

// manifest describes a run's folder. It is the last file to be written.
type manifest struct {
	Format   int              `json:"format"`
	Metadata catalog.Metadata `json:"metadata"`
	Rows     int              `json:"rows"`
	Products int              `json:"products"`
	Photos   int              `json:"photos"` // distinct photo ids, the empty one included
	// Currencies are those of the prices, in order; nil where the index was made before prices could be filtered by.
	Currencies []currency           `json:"currencies"`
	Files      map[string]fileEntry `json:"files"`
}

type currency struct {
	Name string `json:"name"` // "" for prices without one
	Rows int    `json:"rows"`
}

type fileEntry struct {
	Bytes  int64  `json:"bytes"`
	CRC32C string `json:"crc32c"` // Castagnoli, 8 hex digits
}

// labels is the number of labels of all facets.
func (m *manifest) labels() int {
	n := 0
	for _, facet := range m.Metadata.Facets {
		n += len(facet.Labels)
	}
	return n
}

// priced is the number of rows with a price.
func (m *manifest) priced() int {
	n := 0
	for _, c := range m.Currencies {
		n += c.Rows
	}
	return n
}

// coded says whether there are codes of the vectors.
func (m *manifest) coded() bool {
	return slices.ContainsFunc(codeFiles, func(name string) bool { _, ok := m.Files[name]; return ok })
}

// files are the names of the files beside the manifest.
func (m *manifest) files() []string {
	files := slices.Clone(dataFiles)
	if m.Currencies != nil {
		files = append(files, priceFiles...)
	}
	if m.coded() {
		files = append(files, codeFiles...)
	}
	return files
}

// parseManifest reads a manifest and refuses one that contradicts itself.
func parseManifest(data []byte) (*manifest, error) {
	var m manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", manifestFile, err)
	}
	if m.Format != formatVersion {
		return nil, fmt.Errorf("the index has format %d, this program reads format %d: run `kleid index` again", m.Format, formatVersion)
	}
	if err := vectors.CheckMetadata(m.Metadata); err != nil {
		return nil, fmt.Errorf("%s: %w", manifestFile, err)
	}
	if m.Rows < 0 || m.Rows > math.MaxInt32 || m.Products < 0 || m.Products > m.Rows || m.Photos < 0 || m.Photos > m.Rows {
		return nil, fmt.Errorf("%s: %d rows of %d products and %d photos cannot be", manifestFile, m.Rows, m.Products, m.Photos)
	}
	left := m.Rows
	for _, c := range m.Currencies {
		if c.Rows < 0 || c.Rows > left {
			return nil, fmt.Errorf("%s: %d of %d rows with prices in %q cannot be", manifestFile, c.Rows, m.Rows, c.Name)
		}
		left -= c.Rows
	}
	sizes := map[string]int64{
		rowProductsFile:  4 * int64(m.Rows),
		rowPhotosFile:    4 * int64(m.Rows),
		unsupervisedFile: 4 * int64(m.Rows) * int64(m.Metadata.UnsupervisedSize),
		deepRankFile:     4 * int64(m.Rows) * int64(m.Metadata.DeepRankSize),
	}
	if m.coded() {
		sizes[unsupervisedCodesFile], sizes[unsupervisedScalesFile] = int64(m.Rows)*int64(m.Metadata.UnsupervisedSize), 8*int64(m.Rows)
		sizes[deepRankCodesFile], sizes[deepRankScalesFile] = int64(m.Rows)*int64(m.Metadata.DeepRankSize), 8*int64(m.Rows)
	}
	if m.Currencies != nil {
		sizes[pricesFile], sizes[priceRowsFile] = 8*int64(m.priced()), 4*int64(m.priced())
	}
	for file, bytes := range sizes {
		if got := m.Files[file].Bytes; got != bytes {
			return nil, fmt.Errorf("%s: %s has %d bytes, %d rows need %d", manifestFile, file, got, m.Rows, bytes)
		}
	}
	for _, file := range m.files() {
		if _, ok := m.Files[file]; !ok {
			return nil, fmt.Errorf("%s: there is no %s", manifestFile, file)
		}
	}
	return &m, nil
}

// readManifest reads the manifest of a folder.
func readManifest(folder string) (*manifest, error) {
	data, err := os.ReadFile(filepath.Join(folder, manifestFile))
	if err != nil {
		return nil, err
	}
	return parseManifest(data)
}
