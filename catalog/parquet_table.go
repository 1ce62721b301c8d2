package catalog

import (
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/parquet-go/parquet-go"
)

// A Parquet file of a few megabytes may hold one long text for each of a million rows. It may have so many bytes of text, and
// so many times its own.
var leastUnpacked, mostUnpacked int64 = 1 << 30, 100

// valueBytes are what a value counts beside its text: a file of no size may have millions of empty ones, and each takes
// memory.
const valueBytes = 16

var errDamagedRows = errors.New("it is damaged: it has not as many values as there are rows")

// ParquetTable reads the columns of a Parquet file that have one value a row as text, as a CSV file would have it.
type ParquetTable struct {
	Columns []string        // the names of those that have a text, as they stand in the file
	Skipped []SkippedColumn // the others

	file  *parquet.File
	index []int // in the file, of Columns
	texts []valueText
	left  int64 // bytes that it may still unpack to
	large error // it unpacks to more
}

// SkippedColumn is a column that has no text.
type SkippedColumn struct {
	Name   string
	Nested bool   // it has lists or structures
	Reason string // why it has none
}

// Err is for who cannot do without the column: it says what to do.
func (c SkippedColumn) Err() error {
	if c.Nested { // its reason does so
		return errors.New(c.Reason)
	}
	return fmt.Errorf("%s: write it as strings or numbers", c.Reason)
}

// NewParquetTable opens a Parquet file of so many bytes, which anybody may have written.
func NewParquetTable(r io.ReaderAt, size int64) (t *ParquetTable, err error) {
	defer RecoverParquet(&err)
	file, err := OpenParquet(r, size)
	if err != nil {
		return nil, fmt.Errorf("not a whole Parquet file: %w", err)
	}
	t = &ParquetTable{file: file, left: leastUnpacked + mostUnpacked*size}
	t.large = fmt.Errorf("it unpacks to more than %d MB, where its own size is %d bytes: leave out columns that are not needed", t.left/1_000_000, size)
	for _, column := range file.Root().Columns() {
		name := column.Name()
		if !column.Leaf() || column.Repeated() {
			t.Skipped = append(t.Skipped, SkippedColumn{name, true, fmt.Sprintf("the column %s has lists or structures, and one value a row is read: write it as strings", name)})
			continue
		}
		text := textOf(column.Type())
		if text == nil {
			t.Skipped = append(t.Skipped, SkippedColumn{name, false, fmt.Sprintf("the values of the column %s, of type %s, have no text", name, column.Type())})
			continue
		}
		t.Columns, t.index, t.texts = append(t.Columns, name), append(t.index, column.Index()), append(t.texts, text)
	}
	for _, group := range file.Metadata().RowGroups {
		size := int64(0) // of its pages, one of each column is in memory at once
		for _, i := range t.index {
			if size += max(group.Columns[i].MetaData.TotalUncompressedSize, 0); size < 0 || size > t.left {
				return nil, t.large
			}
		}
	}
	return t, nil
}

// Rows yields the rows in the order of the file, once: a text for each of Columns, "" for null. Each row is the receiver's to
// keep. After an error, which comes with no row, there is nothing more.
func (t *ParquetTable) Rows() iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		if len(t.Columns) == 0 { // nothing is behind the number of rows
			return
		}
		for _, group := range t.file.RowGroups() {
			if !t.yieldGroup(group, yield) {
				return
			}
		}
	}
}

// yieldGroup yields a group of rows, and says whether to go on.
func (t *ParquetTable) yieldGroup(group parquet.RowGroup, yield func([]string, error) bool) bool {
	cursors := make([]*cursor, len(t.index))
	defer closeAll(cursors)
	if err := t.open(group, cursors); err != nil {
		yield(nil, err)
		return false
	}
	for range group.NumRows() {
		if row, err := t.row(cursors); !yield(row, err) || err != nil {
			return false
		}
	}
	if err := t.checkEnd(cursors); err != nil {
		yield(nil, err)
		return false
	}
	return true
}

// open makes the cursors of a group of rows.
func (t *ParquetTable) open(group parquet.RowGroup, cursors []*cursor) (err error) {
	defer RecoverParquet(&err)
	chunks := group.ColumnChunks()
	for i, column := range t.index {
		cursors[i] = newCursor(chunks[column], true, 256) // few values at once, since there may be thousands of columns
	}
	return nil
}

// row reads the next row.
func (t *ParquetTable) row(cursors []*cursor) (row []string, err error) {
	defer RecoverParquet(&err)
	row = make([]string, len(cursors))
	for i, c := range cursors {
		values, err := c.row()
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = errDamagedRows
		}
		if err == nil && !values[0].IsNull() {
			row[i], err = t.texts[i](values[0])
		}
		if err != nil {
			return nil, t.inColumn(i, err)
		}
		if t.left -= valueBytes + int64(len(row[i])); t.left < 0 {
			return nil, t.large
		}
	}
	return row, nil
}

// checkEnd refuses a group with values behind its last row.
func (t *ParquetTable) checkEnd(cursors []*cursor) (err error) {
	defer RecoverParquet(&err)
	for i, c := range cursors {
		_, err := c.row()
		switch {
		case err == nil:
			return t.inColumn(i, errDamagedRows)
		case !errors.Is(err, io.ErrUnexpectedEOF):
			return t.inColumn(i, err)
		}
	}
	return nil
}

func (t *ParquetTable) inColumn(i int, err error) error {
	return fmt.Errorf("the Parquet file's column %s: %w", t.Columns[i], err)
}
