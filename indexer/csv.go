package indexer

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxQuotedLines is how many lines a quoted field may go over. A quote that nobody closed must not
// swallow the rest of the catalogue.
const maxQuotedLines = 100

// readCSV reads a manifest as in RFC 4180, separated by commas, semicolons or tabs, whose first row
// names the columns. Every later row that is not blank becomes an entry.
func readCSV(ctx context.Context, r io.Reader, path string) (Listing, error) {
	m := &manifest{path: path}
	l := newLines(r)
	header, err := l.next()
	for err == nil && strings.TrimSpace(header) == "" {
		header, err = l.next()
	}
	if errors.Is(err, io.EOF) {
		return Listing{}, errors.New("is empty: its first line must name the columns")
	}
	if err != nil {
		return Listing{}, fmt.Errorf("its first line %w", err)
	}
	comma, columns, err := csvHeader(header)
	if err != nil {
		return Listing{}, err
	}
	for {
		if err := ctx.Err(); err != nil {
			return Listing{}, err
		}
		line, err := l.next()
		switch {
		case errors.Is(err, io.EOF):
			return m.listing, nil
		case errors.Is(err, errLongLine):
			m.bad(l.number, "%v", err)
			continue
		case err != nil:
			return Listing{}, err
		case strings.TrimSpace(line) == "":
			continue
		}
		number := l.number
		record, err := csvRecord(l, line, comma)
		if err == nil && len(record) > len(columns) && strings.Join(record[len(columns):], "") != "" {
			err = fmt.Errorf("has %d fields, but the first line names %d columns", len(record), len(columns))
		}
		if err != nil {
			m.bad(number, "%v", err)
			continue
		}
		fields := make(map[string]string, len(columns))
		for i, column := range columns {
			if i < len(record) {
				setField(fields, column, record[i])
			}
		}
		m.add(number, fields, nil)
	}
}

// csvHeader finds the separator and the names of the columns.
func csvHeader(line string) (comma rune, columns []string, err error) {
	for _, comma = range []rune{',', ';', '\t'} {
		columns, err = parseCSV(line, comma, true)
		if err != nil {
			continue
		}
		hasPhoto := false
		for i, name := range columns {
			columns[i] = columnName(name)
			hasPhoto = hasPhoto || slices.Contains(photoColumns, columns[i])
		}
		if hasPhoto {
			return comma, columns, nil
		}
	}
	return 0, nil, fmt.Errorf("its first line names no column for the photos: call one of them %s", strings.Join(photoColumns, ", "))
}

// csvRecord parses the record that begins with a line. It may go on over the lines after it, if a
// quoted field does; when that leads nowhere, the line is taken as it stands.
func csvRecord(l *lines, line string, comma rune) ([]string, error) {
	var more []string
	quotes, size, long := strings.Count(line, `"`), len(line), false
	for quotes%2 == 1 && len(more) < maxQuotedLines && size < maxLine {
		next, err := l.next()
		if err != nil {
			long = errors.Is(err, errLongLine)
			break
		}
		more = append(more, next)
		quotes += strings.Count(next, `"`)
		size += len(next)
	}
	if !long {
		if record, err := parseCSV(strings.Join(append([]string{line}, more...), "\n"), comma, false); err == nil {
			return record, nil
		}
	}
	l.unread(more, long)
	return parseCSV(line, comma, true)
}

// parseCSV parses one record. A lazy parser takes quotes that stand where they should not.
func parseCSV(text string, comma rune, lazy bool) ([]string, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = comma, -1, lazy
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
