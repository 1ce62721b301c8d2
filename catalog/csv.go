package catalog

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// FeedColumn is where a product feed has its photo.
const FeedColumn = "image_link"

// PhotoColumns are the names, in small letters, under which a manifest may keep a photo's path or URL.
var PhotoColumns = []string{"photo", "image", "path", "source", "file", FeedColumn}

// CSV reads a manifest as in RFC 4180, separated by commas, semicolons or tabs, whose first row names the columns. A row
// that makes no sense costs no other.
type CSV struct {
	// Columns are the names in the first row, as they stand there; one of them is of PhotoColumns, in any case.
	Columns []string

	lines *Lines
	comma rune
	line  int
}

// RowError says why a row makes no sense; the rows after it can be read.
type RowError struct{ reason error }

func (e *RowError) Error() string { return e.reason.Error() }

// Unwrap returns the reason.
func (e *RowError) Unwrap() error { return e.reason }

// NewCSV reads the names of the columns, and finds the separator by them.
func NewCSV(r io.Reader) (*CSV, error) {
	c := &CSV{lines: NewLines(r)}
	line, err := c.begin()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty: its first line must name the columns")
	}
	if err != nil {
		return nil, fmt.Errorf("its first line %w", err)
	}
	for _, c.comma = range []rune{',', ';', '\t'} {
		columns, more, err := c.record(line)
		if err == nil && slices.ContainsFunc(columns, isPhotoColumn) {
			c.Columns = columns
			return c, nil
		}
		c.lines.unread(more, false)
	}
	return nil, fmt.Errorf("its first line names no column for the photos: call one of them %s", strings.Join(PhotoColumns, ", "))
}

// ColumnName is a column's name in small letters, with underscores for spaces.
func ColumnName(name string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), " ", "_")
}

func isPhotoColumn(name string) bool { return slices.Contains(PhotoColumns, ColumnName(name)) }

// Line is that of the row that Next returned last, from 1; of one that goes over several lines, the first.
func (c *CSV) Line() int { return c.line }

// Next returns a row that is not blank. It may have less fields than there are columns, and more that are empty. A row
// that makes no sense is a RowError; io.EOF comes after the last one.
func (c *CSV) Next() ([]string, error) {
	line, err := c.begin()
	c.line = c.lines.Number()
	if errors.Is(err, ErrLongLine) {
		return nil, &RowError{err}
	}
	if err != nil {
		return nil, err
	}
	record, _, err := c.record(line)
	if n := len(c.Columns); err == nil && len(record) > n && strings.Join(record[n:], "") != "" {
		err = fmt.Errorf("has %d fields, but the first line names %d columns", len(record), n)
	}
	if err != nil {
		return nil, &RowError{err}
	}
	return record, nil
}

// begin returns the next line that is not blank.
func (c *CSV) begin() (string, error) {
	for {
		if line, err := c.lines.Next(); err != nil || strings.TrimSpace(line) != "" {
			return line, err
		}
	}
}

// maxQuotedLines is how many lines a quoted field may go over. A quote that nobody closed must not
// swallow the rest of the catalogue.
const maxQuotedLines = 100

// record parses the record that begins with a line. It may go on over the lines after it, if a
// quoted field does, which are returned as well; when that leads nowhere, the line is taken as it stands.
func (c *CSV) record(line string) (fields, more []string, err error) {
	quotes, size, long := strings.Count(line, `"`), len(line), false
	for quotes%2 == 1 && len(more) < maxQuotedLines && size < MaxLine {
		next, err := c.lines.Next()
		if err != nil {
			long = errors.Is(err, ErrLongLine)
			break
		}
		more = append(more, next)
		quotes += strings.Count(next, `"`)
		size += len(next)
	}
	if !long {
		if fields, err := c.parse(strings.Join(append([]string{line}, more...), "\n"), false); err == nil {
			return fields, more, nil
		}
	}
	c.lines.unread(more, long)
	fields, err = c.parse(line, true)
	return fields, nil, err
}

// parse parses one record. A lazy parser takes quotes that stand where they should not.
func (c *CSV) parse(text string, lazy bool) ([]string, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = c.comma, -1, lazy
	record, err := r.Read()
	if err != nil {
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			err = parse.Err
		}
		return nil, fmt.Errorf("is no row of a CSV file: %w", err)
	}
	if _, err := r.Read(); !errors.Is(err, io.EOF) {
		return nil, errors.New("is no row of a CSV file: a quote is in the wrong place")
	}
	return record, nil
}
