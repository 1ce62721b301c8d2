package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
	"golang.org/x/sync/errgroup"
)

// The keys of a Parquet file's key-value metadata. metadataKey holds Metadata as JSON and is what Read
// reads; the others say the same to people and to tools that know nothing of Kleid.
const (
	metadataKey = "kleid.metadata"
	keyPrefix   = "kleid."
)

// Sizes of a file's parts. A row group of about 64 MiB is what DuckDB and Spark spread over cores, and
// what a Writer keeps in memory; a page is what readers fetch at once.
const (
	rowGroupBytes   = 64 << 20
	maxRowsPerGroup = 50_000
	minRowsPerGroup = 1_024
	pageBytes       = 1 << 20
	rowsPerWrite    = 16 // rows whose values are laid out at a time
)

// Writer writes rows to a Parquet file with the columns of the design, one set of three for each facet
// of the metadata. It is not safe for concurrent use. Nothing that it wrote is readable before Close.
type Writer struct {
	meta     Metadata
	columns  []column
	file     *parquet.GenericWriter[any]
	leaves   []*parquet.ColumnWriter
	perGroup int                        // rows in a full row group
	inGroup  int                        // rows in the current one
	buffers  sync.Pool                  // of *[]parquet.Value
	labels   map[string]map[string]bool // facet name to its labels
	err      error                      // the first failure: the file is then of no use
}

// NewWriter starts a Parquet file. It writes in one pass, so w may be a pipe or an upload.
func NewWriter(w io.Writer, meta Metadata) (*Writer, error) {
	if err := CheckFacets(meta.Facets); err != nil {
		return nil, err
	}
	return newWriter(w, meta, columnsOf(meta.Facets))
}

func newWriter(w io.Writer, meta Metadata, columns []column) (*Writer, error) {
	options := []parquet.WriterOption{
		schemaOf(columns),
		parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest}),
		parquet.PageBufferSize(pageBytes),
		parquet.DataPageVersion(1), // every reader knows it
		parquet.DictionaryMaxBytes(pageBytes),
		parquet.CreatedBy("kleid", "1", ""),
		// The smallest and largest number of all vectors' elements help nobody.
		parquet.SkipPageBounds(columnUnsupervised, "list", "element"),
		parquet.SkipPageBounds(columnDeepRank, "list", "element"),
	}
	pairs, err := keyValues(meta)
	if err != nil {
		return nil, err
	}
	for key, value := range pairs {
		options = append(options, parquet.KeyValueMetadata(key, value))
	}
	rowBytes := 512 + 4*(meta.UnsupervisedSize+meta.DeepRankSize)
	file := parquet.NewGenericWriter[any](w, options...)
	labels := make(map[string]map[string]bool)
	for _, f := range meta.Facets {
		labels[f.Name] = make(map[string]bool)
		for _, label := range f.Labels {
			labels[f.Name][label] = true
		}
	}
	return &Writer{
		buffers:  sync.Pool{New: func() any { return new([]parquet.Value) }},
		meta:     meta,
		columns:  columns,
		file:     file,
		leaves:   file.ColumnWriters(),
		perGroup: min(max(rowGroupBytes/rowBytes, minRowsPerGroup), maxRowsPerGroup),
		labels:   labels,
	}, nil
}

func keyValues(meta Metadata) (map[string]string, error) {
	all, err := json.Marshal(meta)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	facets, err := json.Marshal(meta.Facets)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	return map[string]string{
		metadataKey:                              string(all),
		keyPrefix + "run":                        meta.Run,
		keyPrefix + "embedding_model":            meta.EmbeddingModel,
		keyPrefix + "facet_model":                meta.FacetModel,
		keyPrefix + "facets":                     string(facets),
		keyPrefix + columnUnsupervised + "_size": strconv.Itoa(meta.UnsupervisedSize),
		keyPrefix + columnDeepRank + "_size":     strconv.Itoa(meta.DeepRankSize),
		keyPrefix + "created_at":                 meta.CreatedAt.UTC().Format(time.RFC3339),
	}, nil
}

// Write appends rows. Text that is not valid UTF-8 is written with replacement characters. A row that
// contradicts the metadata (an unknown facet or label, an embedding of another size) is an error, and
// none of the rows given is then written.
func (w *Writer) Write(rows []Row) error {
	if w.err != nil {
		return w.err
	}
	for i := range rows {
		if err := w.check(&rows[i]); err != nil {
			return err
		}
	}
	for len(rows) > 0 {
		n := min(len(rows), w.perGroup-w.inGroup)
		if w.err = w.write(rows[:n]); w.err != nil {
			return w.err
		}
		rows = rows[n:]
		if w.inGroup += n; w.inGroup == w.perGroup {
			if w.err = w.file.Flush(); w.err != nil {
				return w.err
			}
			w.inGroup = 0
		}
	}
	return nil
}

// write lays out the rows column by column, on all cores: laying out and compressing the numbers of embeddings takes
// far longer than storing them. Columns share nothing until the row group is flushed.
func (w *Writer) write(rows []Row) error {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	index := len(w.leaves)
	for _, c := range slices.Backward(w.columns) { // embeddings, which take longest, are behind the facets
		for _, l := range slices.Backward(c.leaves) {
			index--
			at := index
			group.Go(func() error {
				if err := w.writeLeaf(at, l, rows); err != nil {
					return fmt.Errorf("column %s: %w", c.name, err)
				}
				return nil
			})
		}
	}
	return group.Wait()
}

func (w *Writer) writeLeaf(index int, l leaf, rows []Row) error {
	values := w.buffers.Get().(*[]parquet.Value)
	defer w.buffers.Put(values)
	for len(rows) > 0 {
		part := rows[:min(rowsPerWrite, len(rows))]
		rows = rows[len(part):]
		*values = (*values)[:0]
		for i := range part {
			*values = l.write(*values, index, &part[i])
		}
		if _, err := w.leaves[index].WriteRowValues(*values); err != nil {
			return err
		}
	}
	clear(*values) // they hold on to the rows' strings
	return nil
}

func (w *Writer) check(r *Row) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("row %s (%s): %s", r.RowID, r.Source, fmt.Sprintf(format, args...))
	}
	for name, v := range r.Facets {
		labels, ok := w.labels[name]
		if !ok {
			return bad("facet %q is not among those of the metadata", name)
		}
		if len(labels) > 0 && !labels[v.Label] {
			return bad("facet %q has no label %q", name, v.Label)
		}
	}
	if n := len(r.EmbeddingUnsupervised); n != 0 && n != w.meta.UnsupervisedSize {
		return bad("the unsupervised embedding has %d numbers, the metadata says %d", n, w.meta.UnsupervisedSize)
	}
	if n := len(r.EmbeddingDeepRank); n != 0 && n != w.meta.DeepRankSize {
		return bad("the DeepRank embedding has %d numbers, the metadata says %d", n, w.meta.DeepRankSize)
	}
	if !slices.Contains([]Status{StatusOK, StatusNoDress, StatusUnreadable}, r.Status) {
		return bad("the status %q is none of ok, no_dress, unreadable", r.Status)
	}
	return nil
}

// Close writes what is left and the footer. It does not close the underlying writer.
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	if w.err = w.file.Close(); w.err != nil {
		return w.err
	}
	w.err = errors.New("the Parquet writer is closed")
	return nil
}
