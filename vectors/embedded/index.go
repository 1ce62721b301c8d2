package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

// index is a run's folder, mapped into memory.
type index struct {
	folder       string
	manifest     *manifest
	rows         table
	rowIDs       table
	products     table
	photos       table
	rowProducts  []uint32 // [rows]
	productRows  groups
	photoRows    groups
	bitmaps      []*roaring.Bitmap // of the labels of all facets, one facet after the other
	unsupervised matrix
	deepRank     matrix
	prices       prices
	files        map[string][]byte // mapped, by name

	closing sync.RWMutex // read-held while the mapped memory is in use
	unmap   []func() error
	closed  bool
}

var errClosed = errors.New("the index has been closed")

// openIndex maps a run's folder and checks all that searching relies on, the checksums of the rows and
// vectors aside: those would read every byte (see verify).
func openIndex(folder string) (_ *index, err error) {
	m, err := readManifest(folder)
	if err != nil {
		return nil, err
	}
	x := &index{folder: folder, manifest: m, files: make(map[string][]byte)}
	defer func() {
		if err != nil {
			x.Close()
		}
	}()
	for _, name := range m.files() {
		data, unmap, err := mapFile(filepath.Join(folder, name))
		if err != nil {
			return nil, err
		}
		x.unmap = append(x.unmap, unmap)
		if int64(len(data)) != m.Files[name].Bytes {
			return nil, fmt.Errorf("%s is damaged: it has %d bytes instead of %d", filepath.Join(folder, name), len(data), m.Files[name].Bytes)
		}
		x.files[name] = data
		if !slices.Contains(bulkFiles, name) {
			if err := x.compareSum(name, crc32.Checksum(data, castagnoli)); err != nil {
				return nil, err
			}
		}
	}
	if err := x.parse(x.files); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", folder, err)
	}
	return x, nil
}

// parse checks the structure of the files.
func (x *index) parse(files map[string][]byte) error {
	m := x.manifest
	var facets table
	for _, t := range []struct {
		name string
		n    int
		to   *table
	}{
		{rowsFile, m.Rows, &x.rows},
		{rowIDsFile, m.Rows, &x.rowIDs},
		{productsFile, m.Products, &x.products},
		{photosFile, m.Photos, &x.photos},
		{facetsFile, m.labels(), &facets},
	} {
		var err error
		if *t.to, err = parseTable(files[t.name], t.n); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	var err error
	if x.rowProducts, x.productRows, err = parseGroups(files[rowProductsFile], m.Rows, m.Products); err != nil {
		return fmt.Errorf("%s: %w", rowProductsFile, err)
	}
	if _, x.photoRows, err = parseGroups(files[rowPhotosFile], m.Rows, m.Photos); err != nil {
		return fmt.Errorf("%s: %w", rowPhotosFile, err)
	}
	if x.unsupervised, err = parseMatrix(files, unsupervisedFiles, m.Metadata.UnsupervisedSize); err != nil {
		return err
	}
	if x.deepRank, err = parseMatrix(files, deepRankFiles, m.Metadata.DeepRankSize); err != nil {
		return err
	}
	if m.Currencies != nil {
		if x.prices, err = parsePrices(files[pricesFile], files[priceRowsFile], m); err != nil {
			return err
		}
	}
	x.bitmaps = make([]*roaring.Bitmap, facets.len())
	for i := range x.bitmaps {
		if x.bitmaps[i], err = parseBitmap(facets.at(i), m.Rows); err != nil {
			return fmt.Errorf("%s: label %d: %w", facetsFile, i, err)
		}
	}
	return nil
}

// parseBitmap copies a bitmap out of the file, as bitmaps are shared with whatever is made of them.
func parseBitmap(data []byte, rows int) (*roaring.Bitmap, error) {
	bitmap := roaring.New()
	if err := bitmap.UnmarshalBinary(data); err != nil {
		return nil, err
	}
	if err := bitmap.Validate(); err != nil {
		return nil, err
	}
	if !bitmap.IsEmpty() && uint64(bitmap.Maximum()) >= uint64(rows) {
		return nil, fmt.Errorf("row %d of %d", bitmap.Maximum(), rows)
	}
	return bitmap, nil
}

// groups is which rows belong to each product or photo.
type groups struct {
	start []uint32 // [groups+1] into rows
	rows  []uint32 // [rows], by group, then in order
}

func (g groups) of(i int) []uint32 { return g.rows[g.start[i]:g.start[i+1]] }

// parseGroups reads the group of each row and turns it around by counting.
func parseGroups(data []byte, rows, n int) ([]uint32, groups, error) {
	groupOf, err := numbers[uint32](data)
	if err != nil {
		return nil, groups{}, err
	}
	if len(groupOf) != rows {
		return nil, groups{}, fmt.Errorf("%d numbers for %d rows", len(groupOf), rows)
	}
	g := groups{make([]uint32, n+1), make([]uint32, rows)}
	for row, group := range groupOf {
		if int(group) >= n {
			return nil, groups{}, fmt.Errorf("row %d has number %d of %d", row, group, n)
		}
		g.start[group+1]++
	}
	for i := range n {
		g.start[i+1] += g.start[i]
	}
	next := slices.Clone(g.start)
	for row, group := range groupOf {
		g.rows[next[group]] = uint32(row)
		next[group]++
	}
	return groupOf, g, nil
}

// use keeps the memory mapped until release is called.
func (x *index) use() (release func(), err error) {
	x.closing.RLock()
	if x.closed {
		x.closing.RUnlock()
		return nil, errClosed
	}
	return x.closing.RUnlock, nil
}

// Close waits for running searches. Closing twice is no error.
func (x *index) Close() error {
	x.closing.Lock()
	defer x.closing.Unlock()
	x.closed = true
	var errs []error
	for _, unmap := range x.unmap {
		errs = append(errs, unmap())
	}
	x.unmap, x.files = nil, nil
	return errors.Join(errs...)
}

func (x *index) Metadata() catalog.Metadata { return x.manifest.Metadata }

func (x *index) Count(context.Context) (int, error) { return x.manifest.Rows, nil }

// HasPrices implements vectors.Index.
func (x *index) HasPrices(context.Context) (bool, error) { return x.manifest.priced() > 0, nil }

// verify reads the bytes that openIndex did not, and compares the checksums. It reads the files and not the memory that
// they are mapped to, of which all would count as this program's.
func (x *index) verify(ctx context.Context) error {
	for _, name := range bulkFiles {
		if _, ok := x.files[name]; !ok {
			continue
		}
		sum, err := sumOf(ctx, filepath.Join(x.folder, name))
		if err == nil {
			err = x.compareSum(name, sum)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sumOf reads a file for its checksum.
func sumOf(ctx context.Context, path string) (uint32, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	sum, buffer := uint32(0), make([]byte, 1<<20)
	for {
		n, err := file.Read(buffer)
		sum = crc32.Update(sum, castagnoli, buffer[:n])
		switch {
		case errors.Is(err, io.EOF):
			return sum, nil
		case err != nil:
			return 0, err
		case ctx.Err() != nil:
			return 0, ctx.Err()
		}
	}
}

func (x *index) compareSum(name string, sum uint32) error {
	if got, want := checksumText(sum), x.manifest.Files[name].CRC32C; got != want {
		return fmt.Errorf("%s is damaged: its checksum is %s instead of %s", filepath.Join(x.folder, name), got, want)
	}
	return nil
}

func (x *index) Get(ctx context.Context, rowIDs ...string) ([]catalog.Row, error) {
	release, err := x.use()
	if err != nil {
		return nil, err
	}
	defer release()
	rows := make([]catalog.Row, len(rowIDs))
	for i, id := range rowIDs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		number, ok := x.rowIDs.find(vectors.CleanID(id))
		if !ok {
			return nil, fmt.Errorf("row %s: %w", id, vectors.ErrNotFound)
		}
		if rows[i], err = x.whole(uint32(number)); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func (x *index) ByPhoto(ctx context.Context, photoID string) ([]catalog.Row, error) {
	return x.group(ctx, &x.photos, &x.photoRows, photoID)
}

func (x *index) ByProduct(ctx context.Context, productID string) ([]catalog.Row, error) {
	return x.group(ctx, &x.products, &x.productRows, productID)
}

func (x *index) group(ctx context.Context, texts *table, members *groups, id string) ([]catalog.Row, error) {
	release, err := x.use()
	if err != nil {
		return nil, err
	}
	defer release()
	number, ok := texts.find(vectors.CleanID(id))
	if !ok || id == "" {
		return nil, nil
	}
	var rows []catalog.Row
	for _, row := range members.of(number) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		whole, err := x.whole(row)
		if err != nil {
			return nil, err
		}
		rows = append(rows, whole)
	}
	return rows, nil
}

// whole returns a row with its embeddings, copied out of the mapped memory.
func (x *index) whole(number uint32) (catalog.Row, error) {
	row, err := x.row(number)
	row.EmbeddingUnsupervised = slices.Clone(x.unsupervised.at(number))
	row.EmbeddingDeepRank = slices.Clone(x.deepRank.at(number))
	return row, err
}

// row returns a row without its embeddings.
func (x *index) row(number uint32) (catalog.Row, error) {
	var row catalog.Row
	if err := json.Unmarshal(x.rows.at(int(number)), &row); err != nil {
		return catalog.Row{}, fmt.Errorf("%s: row %d: %w", filepath.Join(x.folder, rowsFile), number, err)
	}
	return row, nil
}
