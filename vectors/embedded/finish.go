package embedded

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/kleid-search/kleid/storage"
)

// finish turns the spools into the files of the index, in order of row id, and gives the folder its
// name when all of them are on the disk.
func (w *writer) finish(ctx context.Context) error {
	for _, s := range []*spool{&w.json, &w.unsupervised, &w.deepRank} {
		if err := s.buffer.Flush(); err != nil {
			return err
		}
	}
	order := w.order()
	products, productNumbers := w.ranked(&w.products, order, func(r *spooled) uint32 { return r.product })
	photos, photoNumbers := w.ranked(&w.photos, order, func(r *spooled) uint32 { return r.photo })
	m := &manifest{
		Format:   formatVersion,
		Metadata: w.meta,
		Rows:     len(order),
		Products: len(products),
		Photos:   len(photos),
		Files:    make(map[string]fileEntry),
	}
	byPrice := w.byPrice(order)
	m.Currencies = w.currenciesOf(order, byPrice)
	bitmaps, err := w.bitmaps(order)
	if err != nil {
		return err
	}
	steps := []func() error{
		func() error { return w.writeRows(m, order) },
		func() error {
			return w.writeTable(m, rowIDsFile, len(order), func(i int) []byte { return []byte(w.rows[order[i]].id) })
		},
		func() error {
			return w.writeTable(m, productsFile, len(products), func(i int) []byte { return []byte(products[i]) })
		},
		func() error {
			return w.writeTable(m, photosFile, len(photos), func(i int) []byte { return []byte(photos[i]) })
		},
		func() error {
			return w.writeTable(m, facetsFile, len(bitmaps), func(i int) []byte { return bitmaps[i] })
		},
		func() error { return w.writeFile(m, rowProductsFile, appendNumbers(nil, productNumbers)) },
		func() error { return w.writeFile(m, rowPhotosFile, appendNumbers(nil, photoNumbers)) },
		func() error { return w.writeFile(m, pricesFile, appendNumbers(nil, w.pricesOf(order, byPrice))) },
		func() error { return w.writeFile(m, priceRowsFile, appendNumbers(nil, byPrice)) },
		func() error {
			return w.writeMatrix(m, unsupervisedFiles, &w.unsupervised, w.meta.UnsupervisedSize, order)
		},
		func() error { return w.writeMatrix(m, deepRankFiles, &w.deepRank, w.meta.DeepRankSize, order) },
	}
	for _, step := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := step(); err != nil {
			return err
		}
	}
	if err := w.closeSpools(); err != nil {
		return err
	}
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := placeFile(filepath.Join(w.partial, manifestFile), data); err != nil {
		return err
	}
	return w.reveal(len(order))
}

// reveal checks the index and gives it its name.
func (w *writer) reveal(rows int) error {
	index, err := openIndex(w.partial)
	if err != nil {
		return err
	}
	defer index.Close()
	if index.manifest.Rows != rows {
		return fmt.Errorf("%d rows were added, %d are there", rows, index.manifest.Rows)
	}
	if err := index.Close(); err != nil { // before the rename, which Windows refuses for open files
		return err
	}
	if err := os.Rename(w.partial, w.final); err != nil {
		return err
	}
	return storage.SyncFolder(filepath.Dir(w.final))
}

// order returns the places of the rows that were not replaced, by row id.
func (w *writer) order() []int {
	order := make([]int, 0, len(w.byID))
	for i := range w.rows {
		if w.byID[w.rows[i].id] == i {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(w.rows[a].id, w.rows[b].id) })
	return order
}

// ranked returns the texts that the rows use, in order, and for each row the number of its own.
func (w *writer) ranked(in *interner, order []int, of func(*spooled) uint32) (texts []string, rowNumbers []uint32) {
	used := make([]bool, len(in.texts))
	for _, i := range order {
		used[of(&w.rows[i])] = true
	}
	var first []uint32 // numbers of the texts in use, by text
	for n := range in.texts {
		if used[n] {
			first = append(first, uint32(n))
		}
	}
	slices.SortFunc(first, func(a, b uint32) int { return cmp.Compare(in.texts[a], in.texts[b]) })
	rank := make([]uint32, len(in.texts))
	texts = make([]string, len(first))
	for r, n := range first {
		texts[r], rank[n] = in.texts[n], uint32(r)
	}
	rowNumbers = make([]uint32, len(order))
	for row, i := range order {
		rowNumbers[row] = rank[of(&w.rows[i])]
	}
	return texts, rowNumbers
}

// bitmaps returns the rows of each label of each facet, serialised.
func (w *writer) bitmaps(order []int) ([][]byte, error) {
	var all [][]byte
	facets := len(w.meta.Facets)
	for f, facet := range w.meta.Facets {
		rows := make([]*roaring.Bitmap, len(facet.Labels))
		for i := range rows {
			rows[i] = roaring.New()
		}
		for row, i := range order {
			if label := w.labels[i*facets+f]; label != noLabel {
				rows[label].Add(uint32(row))
			}
		}
		for _, bitmap := range rows {
			bitmap.RunOptimize()
			data, err := bitmap.ToBytes()
			if err != nil {
				return nil, err
			}
			all = append(all, data)
		}
	}
	return all, nil
}

func (w *writer) writeRows(m *manifest, order []int) error {
	file, err := createFile(filepath.Join(w.partial, rowsFile))
	if err != nil {
		return err
	}
	out := newTableWriter(file)
	var buffer []byte
	for _, i := range order {
		row := &w.rows[i]
		buffer = slices.Grow(buffer[:0], int(row.jsonBytes))[:row.jsonBytes]
		if _, err := w.json.file.ReadAt(buffer, row.jsonStart); err != nil {
			file.file.Close()
			return err
		}
		if err := out.add(buffer); err != nil {
			file.file.Close()
			return err
		}
	}
	err = out.finish()
	m.Files[rowsFile] = file.describe()
	return err
}

func (w *writer) writeTable(m *manifest, name string, n int, at func(int) []byte) error {
	file, err := createFile(filepath.Join(w.partial, name))
	if err != nil {
		return err
	}
	out := newTableWriter(file)
	for i := range n {
		if err := out.add(at(i)); err != nil {
			file.file.Close()
			return err
		}
	}
	err = out.finish()
	m.Files[name] = file.describe()
	return err
}

func (w *writer) writeFile(m *manifest, name string, data []byte) error {
	file, err := createFile(filepath.Join(w.partial, name))
	if err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		file.file.Close()
		return err
	}
	err = file.finish()
	m.Files[name] = file.describe()
	return err
}
