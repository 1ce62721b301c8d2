package catalog

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/parquet-go/parquet-go"
)

// Reader reads the rows of a Parquet file that a Writer wrote.
type Reader struct {
	file    *parquet.File
	meta    Metadata
	columns []column
	leaves  []int // the leaf's index in the file, for each leaf of columns
}

// ReadOptions say what of the rows to read. The zero value reads all.
type ReadOptions struct {
	// WithoutEmbeddings leaves the embeddings nil, and their bytes unread.
	WithoutEmbeddings bool
	// Columns are those to read, by name, where not all are needed: nil is all. The fields of others stay zero.
	Columns   []string
	batchSize int // rows of a batch, the last one of a file aside; 0 means 1024
}

// Read opens a Parquet file of size bytes and checks that it has the columns of the design. Columns
// that others have added are ignored.
func Read(r io.ReaderAt, size int64) (reader *Reader, err error) {
	defer RecoverParquet(&err)
	file, err := openParquet(r, size, parquet.ReadBufferSize(256<<10))
	if err != nil {
		return nil, fmt.Errorf("not a whole Parquet file (%w): run the index again", err)
	}
	text, ok := file.Lookup(metadataKey)
	if !ok {
		return nil, errors.New("the Parquet file was not written by Kleid: it has no " + metadataKey)
	}
	reader = &Reader{file: file}
	if err := json.Unmarshal([]byte(text), &reader.meta); err != nil {
		return nil, fmt.Errorf("the Parquet file's %s: %w", metadataKey, err)
	}
	if err := CheckFacets(reader.meta.Facets); err != nil {
		return nil, fmt.Errorf("the Parquet file's %s: %w", metadataKey, err)
	}
	reader.columns = slices.DeleteFunc(columnsOf(reader.meta.Facets), func(c column) bool {
		return c.name == columnColours && !slices.ContainsFunc(file.Root().Columns(), func(has *parquet.Column) bool { return has.Name() == c.name })
	})
	schema := schemaOf(reader.columns)
	for _, path := range schema.Columns() {
		want, _ := schema.Lookup(path...)
		got, ok := file.Schema().Lookup(path...)
		if !ok {
			return nil, fmt.Errorf("the Parquet file lacks the column %s", path[0])
		}
		if got.Node.Type().Kind() != want.Node.Type().Kind() || got.MaxDefinitionLevel != want.MaxDefinitionLevel || got.MaxRepetitionLevel != want.MaxRepetitionLevel {
			return nil, fmt.Errorf("the Parquet file's column %s is of type %v, not %v", path[0], got.Node, want.Node)
		}
		reader.leaves = append(reader.leaves, got.ColumnIndex)
	}
	return reader, nil
}

// Metadata describes the index that the file belongs to.
func (r *Reader) Metadata() Metadata { return r.meta }

// NumRows is the number of rows that the file says it has.
func (r *Reader) NumRows() int64 { return r.file.NumRows() }

// Batches yields the rows in the order of the file. Each batch is the receiver's to keep. After an
// error, which comes with no rows, there is nothing more.
func (r *Reader) Batches(options ReadOptions) iter.Seq2[[]Row, error] {
	size := cmp.Or(options.batchSize, 1024)
	return func(yield func([]Row, error) bool) {
		for _, group := range r.file.RowGroups() {
			cursors := r.open(group, options)
			for left := group.NumRows(); left > 0; {
				batch, err := r.batch(cursors, int(min(left, int64(size))))
				if err != nil {
					closeAll(cursors)
					yield(nil, err)
					return
				}
				left -= int64(len(batch))
				if !yield(batch, nil) {
					closeAll(cursors)
					return
				}
			}
			closeAll(cursors)
		}
	}
}

// All returns all rows.
func (r *Reader) All(options ReadOptions) ([]Row, error) {
	var rows []Row
	for batch, err := range r.Batches(options) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, batch...)
	}
	return rows, nil
}

func (o ReadOptions) wants(column string) bool {
	if o.Columns != nil {
		return slices.Contains(o.Columns, column)
	}
	return !o.WithoutEmbeddings || column != columnUnsupervised && column != columnDeepRank
}

// open returns a cursor for each leaf of a row group; nil where it is not to be read.
func (r *Reader) open(group parquet.RowGroup, options ReadOptions) []*cursor {
	chunks := group.ColumnChunks()
	cursors := make([]*cursor, len(r.leaves))
	i := 0
	for _, c := range r.columns {
		for range c.leaves {
			if options.wants(c.name) {
				cursors[i] = newCursor(chunks[r.leaves[i]], c.node.Leaf(), 4096)
			}
			i++
		}
	}
	return cursors
}

func closeAll(cursors []*cursor) {
	for _, c := range cursors {
		if c != nil {
			c.close()
		}
	}
}

// batch reads the next n rows.
func (r *Reader) batch(cursors []*cursor, n int) (rows []Row, err error) {
	defer RecoverParquet(&err)
	for range n {
		row := Row{}
		i := 0
		for _, c := range r.columns {
			for _, l := range c.leaves {
				if cursors[i] != nil {
					values, err := cursors[i].row()
					if err != nil {
						return nil, fmt.Errorf("the Parquet file's column %s: %w", c.name, err)
					}
					l.read(&row, values)
				}
				i++
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}
