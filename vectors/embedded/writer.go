package embedded

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/vectors"
)

// writer spools rows in the order in which they come; Finish writes them in order of row id. It keeps
// about 200 bytes a row in memory, and the disk needs room for the index twice while Finish runs.
type writer struct {
	partial, final string // folders
	meta           catalog.Metadata
	rows           []spooled
	byID           map[string]int // row id to its last place in rows
	products       interner
	photos         interner
	currencies     interner
	labels         []int32 // [rows spooled, facets]: number of the label, or noLabel
	json           spool
	unsupervised   spool
	deepRank       spool
	buffer         []byte
	err            error // the first failure, or errDone
	over           bool  // nothing is left for Abort to do
}

// spooled is where a row is.
type spooled struct {
	id             string
	product, photo uint32
	price          float64 // NaN: none
	currency       uint32
	jsonStart      int64
	jsonBytes      int32
}

const noLabel = -1

var errDone = errors.New("the index has been finished or aborted: nothing can be added")

// spool is a file that is appended to and then read at random.
type spool struct {
	file   *os.File
	buffer *bufio.Writer
	bytes  int64
}

func openSpool(path string) (spool, error) {
	f, err := os.Create(path)
	if err != nil {
		return spool{}, err
	}
	return spool{file: f, buffer: bufio.NewWriterSize(f, 1<<20)}, nil
}

func (s *spool) write(data []byte) error {
	n, err := s.buffer.Write(data)
	s.bytes += int64(n)
	return err
}

// interner gives texts numbers in the order in which they come.
type interner struct {
	texts   []string
	numbers map[string]uint32
}

func (in *interner) number(text string) uint32 {
	if n, ok := in.numbers[text]; ok {
		return n
	}
	n := uint32(len(in.texts))
	in.texts = append(in.texts, text)
	in.numbers[text] = n
	return n
}

func newWriter(partial, final string, meta catalog.Metadata) (_ *writer, err error) {
	w := &writer{
		partial:    partial,
		final:      final,
		meta:       meta,
		byID:       make(map[string]int),
		products:   interner{numbers: make(map[string]uint32)},
		photos:     interner{numbers: make(map[string]uint32)},
		currencies: interner{numbers: make(map[string]uint32)},
	}
	for name, s := range map[string]*spool{"rows.spool": &w.json, "unsupervised.spool": &w.unsupervised, "deeprank.spool": &w.deepRank} {
		if *s, err = openSpool(filepath.Join(partial, name)); err != nil {
			return nil, errors.Join(fmt.Errorf("embedded store: %w", err), w.closeSpools())
		}
	}
	return w, nil
}

func (w *writer) Add(ctx context.Context, rows []catalog.Row) error {
	if w.err != nil {
		return w.err
	}
	for i := range rows {
		if err := vectors.CheckRow(w.meta, &rows[i]); err != nil {
			return err
		}
	}
	for i := range rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.add(vectors.CleanText(rows[i])); err != nil {
			w.err = fmt.Errorf("embedded store: writing row %s: %w", rows[i].RowID, err)
			return w.err
		}
	}
	return nil
}

func (w *writer) add(row catalog.Row) error {
	w.buffer = appendNumbers(w.buffer[:0], vectors.Stored(row.EmbeddingUnsupervised))
	if err := w.unsupervised.write(w.buffer); err != nil {
		return err
	}
	w.buffer = appendNumbers(w.buffer[:0], vectors.Stored(row.EmbeddingDeepRank))
	if err := w.deepRank.write(w.buffer); err != nil {
		return err
	}
	row.EmbeddingUnsupervised, row.EmbeddingDeepRank = nil, nil
	data, err := json.Marshal(&row)
	if err != nil {
		return err
	}
	start := w.json.bytes
	if err := w.json.write(data); err != nil {
		return err
	}
	for _, facet := range w.meta.Facets {
		number := noLabel
		if value, ok := row.Facets[facet.Name]; ok {
			number = slices.Index(facet.Labels, value.Label)
		}
		w.labels = append(w.labels, int32(number))
	}
	price := math.NaN()
	if row.Price != nil {
		price = *row.Price
	}
	w.byID[row.RowID] = len(w.rows)
	w.rows = append(w.rows, spooled{
		id:        row.RowID,
		product:   w.products.number(row.ProductID),
		photo:     w.photos.number(row.PhotoID),
		price:     price,
		currency:  w.currencies.number(row.Currency),
		jsonStart: start,
		jsonBytes: int32(len(data)),
	})
	return nil
}

func (w *writer) closeSpools() error {
	var errs []error
	for _, s := range []*spool{&w.json, &w.unsupervised, &w.deepRank} {
		if s.file != nil {
			errs = append(errs, s.file.Close(), os.Remove(s.file.Name()))
			s.file = nil
		}
	}
	return errors.Join(errs...)
}

func (w *writer) Abort(context.Context) error {
	if w.over {
		return nil
	}
	w.err = errDone
	err := errors.Join(w.closeSpools(), os.RemoveAll(w.partial))
	w.over = err == nil
	return err
}

func (w *writer) Finish(ctx context.Context) error {
	if w.err != nil {
		return w.err
	}
	if err := w.finish(ctx); err != nil {
		w.err = fmt.Errorf("embedded store: finishing run %s: %w", w.meta.Run, err)
		return w.err
	}
	w.err, w.over = errDone, true
	return nil
}
