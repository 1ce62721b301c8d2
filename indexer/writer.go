package indexer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/indexer/source"
	"github.com/kleid-search/kleid/storage"
	"github.com/kleid-search/kleid/vectors"
)

// rowsPerBatch is how many rows go to the Parquet file and to the store at once.
const rowsPerBatch = 1024

// rows makes the rows of a listing, in its order. After the embed stage each call gives the same rows.
type rows struct {
	entries   []source.Entry
	findings  []finding
	broken    map[photoKey]string
	journal   *journal
	meta      catalog.Metadata
	indexedAt time.Time
	watch     *stopwatch

	judgements Judgements // nil: nobody's
}

// at makes the row of an entry.
func (r *rows) at(i int) (catalog.Row, error) {
	e, f := &r.entries[i], &r.findings[i]
	row := catalog.Row{
		RowID: catalog.NewRowID(e.ProductID, e.Source), ProductID: e.ProductID, Source: e.Source,
		Title: e.Title, URL: e.URL, Price: e.Price, Currency: e.Currency, Attributes: e.Attributes,
		EmbeddingModel: r.meta.EmbeddingModel, FacetModel: r.meta.FacetModel, IndexedAt: r.indexedAt,
	}
	if f.hasKey {
		row.PhotoID = f.key.String()
	}
	if f.err != "" {
		row.Status, row.Error = catalog.StatusUnreadable, f.err
		return row, nil
	}
	if why, ok := r.broken[f.key]; ok {
		row.Status, row.Error = catalog.StatusUnreadable, why
		return row, nil
	}
	seen, ok, err := r.journal.Get(f.key)
	if err != nil {
		return row, err
	}
	if !ok {
		return row, fmt.Errorf("the photo %q is not in the journal", e.Source)
	}
	seen.heed(r.judgements)
	seen.fill(&row, r.meta.Facets)
	relabel(&row, r.judgements, r.meta.Facets)
	return row, nil
}

// known says whether an entry has a row: not if the embed stage ended before it.
func (r *rows) known(i int) bool {
	f := &r.findings[i]
	_, broken := r.broken[f.key]
	return f.err != "" || f.hasKey && (broken || r.journal.Has(f.key, false))
}

// tally counts rows.
type tally struct {
	ok, noDress, unreadable int
	judged                  int // rows with a label by people
	repeated                int // rows whose id an earlier row has
	bad                     []BadPhoto
	unsure, dressless       []UnsurePhoto
	described               map[string]int            // rows with a dress that have each of descriptions
	stored                  int                       // rows with a dress, each id once: those of the store
	labels                  map[string]map[string]int // how many of them have each facet's labels

	ids      map[[32]byte]bool // of the rows so far, and whether the store has it
	products map[string]bool
}

// add counts a row and says whether it is of the store, which has the first row with a dress of each id.
func (t *tally) add(row catalog.Row) (stored bool) {
	if t.ids == nil {
		t.ids, t.products, t.labels = make(map[[32]byte]bool), make(map[string]bool), make(map[string]map[string]int)
		t.described = make(map[string]int)
	}
	id := rowKey(row.RowID)
	was, repeated := t.ids[id]
	if repeated {
		t.repeated++
	}
	stored = row.Status == catalog.StatusOK && !was
	t.ids[id] = was || stored
	switch row.Status {
	case catalog.StatusOK:
		t.ok++
		if judged(&row) {
			t.judged++
		}
		for _, d := range descriptions {
			if d.of(&row) {
				t.described[d.name]++
			}
		}
		t.unsure = leastSure(t.unsure, row)
		if stored {
			t.stored++
			t.label(row.Facets)
		}
	case catalog.StatusNoDress:
		t.noDress++
		if len(t.dressless) < shownDressless {
			t.dressless = append(t.dressless, UnsurePhoto{Source: storage.WithoutSecrets(row.Source), ProductID: row.ProductID, PhotoID: row.PhotoID})
		}
	default:
		t.unreadable++
		t.bad = append(t.bad, BadPhoto{Source: storage.WithoutSecrets(row.Source), ProductID: row.ProductID, PhotoID: row.PhotoID, Error: row.Error})
	}
	t.products[row.ProductID] = true
	return stored
}

// How many photos a report shows.
const shownUnsure, shownDressless = 12, 12

// leastSure keeps the dresses of least confidence, each photo once.
func leastSure(kept []UnsurePhoto, row catalog.Row) []UnsurePhoto {
	confidence := float64(row.BoxConfidence)
	if len(kept) == shownUnsure && confidence >= kept[shownUnsure-1].Confidence ||
		slices.ContainsFunc(kept, func(u UnsurePhoto) bool { return u.PhotoID == row.PhotoID }) {
		return kept
	}
	at, _ := slices.BinarySearchFunc(kept, confidence, func(u UnsurePhoto, c float64) int { return cmp.Compare(u.Confidence, c) })
	kept = slices.Insert(kept, at, UnsurePhoto{storage.WithoutSecrets(row.Source), row.ProductID, row.PhotoID, true, confidence})
	return kept[:min(len(kept), shownUnsure)]
}

func (t *tally) label(facets map[string]catalog.FacetValue) {
	for name, f := range facets {
		if t.labels[name] == nil {
			t.labels[name] = make(map[string]int)
		}
		t.labels[name][f.Label]++
	}
}

// written is what the write stage did.
type written struct {
	tally
	exact *exact // what is truly nearest to some of those in the store
}

// sample makes at most n rows of those that the store gets, about at even distances.
func (r *rows) sample(n int) ([]catalog.Row, error) {
	type name struct{ product, source string }
	wanted := make(map[name]bool)
	next := 0
	for i := range r.entries {
		if i < next || r.findings[i].err != "" {
			continue
		}
		row, err := r.at(i)
		if err != nil {
			return nil, err
		}
		if row.Status != catalog.StatusOK {
			continue
		}
		wanted[name{row.ProductID, row.Source}] = true
		if len(wanted) == n {
			break
		}
		next = i + max(len(r.entries)/n, 1)
	}
	// Of rows with the same id the store has the first.
	var sample []catalog.Row
	for i := range r.entries {
		if len(wanted) == 0 {
			break
		}
		of := name{r.entries[i].ProductID, r.entries[i].Source}
		if !wanted[of] || r.findings[i].err != "" {
			continue
		}
		row, err := r.at(i)
		if err != nil {
			return nil, err
		}
		if row.Status == catalog.StatusOK {
			sample = append(sample, row)
			delete(wanted, of)
		}
	}
	return sample, nil
}

// write puts all rows into a Parquet file, which is durable on return, and the readable ones with a dress
// into the store.
func (r *rows) write(ctx context.Context, parquet string, store vectors.Writer, progress func(done int)) (written, error) {
	var w written
	file, err := os.Create(parquet)
	if err != nil {
		return w, err
	}
	defer file.Close()
	out, err := catalog.NewWriter(file, r.meta)
	if err != nil {
		return w, err
	}
	probed, err := r.sample(probes)
	if err != nil {
		return w, err
	}
	w.exact = newExact(probed)
	for begin := 0; begin < len(r.entries); begin += rowsPerBatch {
		if err := ctx.Err(); err != nil {
			return w, err
		}
		end := min(begin+rowsPerBatch, len(r.entries))
		at := time.Now()
		batch := make([]catalog.Row, 0, end-begin)
		stored := make([]catalog.Row, 0, end-begin)
		for i := begin; i < end; i++ {
			row, err := r.at(i)
			if err != nil {
				return w, err
			}
			batch = append(batch, row)
			if w.add(row) {
				stored = append(stored, row)
			}
		}
		if err := out.Write(batch); err != nil {
			return w, fmt.Errorf("the Parquet file: %w", err)
		}
		at = r.watch.lap(WorkParquet, at)
		if len(stored) > 0 {
			if err := store.Add(ctx, stored); err != nil {
				return w, fmt.Errorf("the store: %w", err)
			}
		}
		at = r.watch.lap(WorkStore, at)
		w.exact.add(stored)
		r.watch.lap(WorkVerify, at)
		progress(end)
	}
	at := time.Now()
	if err := errors.Join(out.Close(), file.Sync(), file.Close()); err != nil {
		return w, fmt.Errorf("the Parquet file: %w", err)
	}
	r.watch.lap(WorkParquet, at)
	return w, nil
}

// bad lists the entries that will become unreadable rows.
func (r *rows) bad() []BadPhoto {
	var bad []BadPhoto
	for i, f := range r.findings {
		why, broken := r.broken[f.key]
		if f.err != "" || f.hasKey && broken {
			bad = append(bad, BadPhoto{Source: storage.WithoutSecrets(r.entries[i].Source), ProductID: r.entries[i].ProductID, Error: cmp.Or(f.err, why)})
		}
	}
	return bad
}

// write makes the Parquet file and the new index, and verifies it.
func (r *runner) write(ctx context.Context, rows *rows) (err error) {
	r.begin(StageWrite)
	store, err := r.Store.Create(ctx, r.meta)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			// The context may be done already, but what was written should go.
			err = errors.Join(err, store.Abort(context.WithoutCancel(ctx)))
		}
	}()
	written, err := rows.write(ctx, r.unpublished(), store, func(done int) {
		r.Progress(Progress{Stage: StageWrite, Done: done, Total: len(r.entries)})
	})
	if err != nil {
		return err
	}
	at := time.Now()
	if err := store.Finish(ctx); err != nil {
		return fmt.Errorf("the new index: %w", err)
	}
	r.watch.lap(WorkStore, at)
	r.report.count(written.tally)
	if err := r.judge(ctx, written); err != nil {
		return errors.Join(err, r.Store.Drop(context.WithoutCancel(ctx), r.meta.Run))
	}
	r.end(StageWrite)
	return nil
}
