package catalog

import (
	"errors"
	"io"

	"github.com/parquet-go/parquet-go"
)

// cursor goes through a column row by row.
type cursor struct {
	pages  parquet.Pages
	page   parquet.Page // where values come from; nil before the first and after the last
	values parquet.ValueReader
	flat   bool // one value a row
	text   bool // values point into their page
	chunk  int  // how many values are read at once
	buffer []parquet.Value
	at     int // buffer[:at] is used up
	ended  bool
}

func newCursor(column parquet.ColumnChunk, flat bool, chunk int) *cursor {
	return &cursor{pages: column.Pages(), flat: flat, text: column.Type().Kind() == parquet.ByteArray, chunk: chunk}
}

func (c *cursor) close() { c.pages.Close() }

// row returns the values of the next row, valid until the next call.
func (c *cursor) row() ([]parquet.Value, error) {
	for end := c.at + 1; ; end++ {
		// Where a row of a list ends is known from the first value of the next row only.
		for !c.ended && (end > len(c.buffer) || end == len(c.buffer) && !c.flat) {
			end -= c.at
			if err := c.fill(); err != nil {
				return nil, err
			}
		}
		if end > len(c.buffer) {
			return nil, io.ErrUnexpectedEOF
		}
		if c.flat || end == len(c.buffer) || c.buffer[end].RepetitionLevel() == 0 {
			values := c.buffer[c.at:end]
			c.at = end
			return values, nil
		}
	}
}

// fill keeps the values of the row that has begun, moves them to the front of the buffer and reads more
// behind them.
func (c *cursor) fill() error {
	kept := copy(c.buffer, c.buffer[c.at:])
	if cap(c.buffer) < kept+c.chunk {
		c.buffer = append(make([]parquet.Value, 0, 2*kept+c.chunk), c.buffer[:kept]...)
	}
	c.buffer, c.at = c.buffer[:kept], 0
	if c.values == nil {
		page, err := c.pages.ReadPage()
		if errors.Is(err, io.EOF) {
			c.ended = true
			return nil
		}
		if err != nil {
			return err
		}
		c.page, c.values = page, page.Values()
	}
	n, err := c.values.ReadValues(c.buffer[kept : kept+c.chunk])
	c.buffer = c.buffer[:kept+n]
	switch {
	case n > 0:
		return nil
	case err == nil:
		return io.ErrNoProgress
	case !errors.Is(err, io.EOF):
		return err
	}
	// The next page may take over the memory of this one, unless the values kept point into it.
	if kept == 0 || !c.text {
		parquet.Release(c.page)
	}
	c.page, c.values = nil, nil
	return nil
}
