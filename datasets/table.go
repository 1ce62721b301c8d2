package datasets

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/photo"
)

// table is rows read by column name.
type table struct {
	path    string
	columns map[string]int
	rows    [][]string
	lines   []int // of the rows in the file
	// textless are columns that rows have nothing of, by what columns says of them, with the reason.
	textless map[int]catalog.SkippedColumn
}

// hasText says whether there is a column that rows have a text of.
func (t *table) hasText(column string) bool {
	i, ok := t.columns[column]
	_, textless := t.textless[i]
	return ok && !textless
}

// needText returns an error where a column is there and has no text.
func (t *table) needText(columns ...string) error {
	for _, column := range columns {
		if i, ok := t.columns[column]; ok {
			if skipped, ok := t.textless[i]; ok {
				return skipped.Err()
			}
		}
	}
	return nil
}

func readTable(path string, columns ...string) (*table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseTable(path, f, columns...)
}

func parseTable(path string, r io.Reader, columns ...string) (*table, error) {
	text := bufio.NewReader(r)
	if bom, err := text.Peek(3); err == nil && string(bom) == "\xef\xbb\xbf" { // Excel's
		_, _ = text.Discard(3) // cannot fail: they have been peeked at
	}
	in := csv.NewReader(text)
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: the file is empty; its first line names the columns", path)
	}
	t := &table{path: path}
	t.name(header)
	for err == nil {
		var row []string
		if row, err = in.Read(); err == nil {
			line, _ := in.FieldPos(0)
			t.rows, t.lines = append(t.rows, row), append(t.lines, line)
		}
	}
	if !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, name := range columns {
		if _, ok := t.columns[name]; !ok {
			return nil, fmt.Errorf("%s: there is no column %q", path, name)
		}
	}
	return t, nil
}

// line is where a row is in the file.
func (t *table) line(row int) int { return t.lines[row] }

// get returns a cell, "" where the column is missing.
func (t *table) get(row int, column string) string {
	if i, ok := t.columns[column]; ok && i < len(t.rows[row]) {
		return t.rows[row][i]
	}
	return ""
}

// text is a cell without spaces around it, "" where it is missing; programs for statistics write NaN then.
func (t *table) text(row int, column string) string {
	text := strings.TrimSpace(t.get(row, column))
	if strings.EqualFold(text, "nan") {
		return ""
	}
	return text
}

// integer reads a whole number; tables that went through a program for statistics have 12.0 for 12.
func (t *table) integer(row int, column string) (int, error) {
	if v, ok := t.number(row, column); ok && v == math.Trunc(v) {
		return int(v), nil
	}
	return 0, fmt.Errorf("%s: line %d: %s is %q, but must be a whole number", t.path, t.line(row), column, t.text(row, column))
}

// number reads a number of less than 2^31 in size.
func (t *table) number(row int, column string) (v float64, ok bool) {
	v, err := strconv.ParseFloat(t.text(row, column), 64)
	return v, err == nil && math.Abs(v) < 1<<31
}

// noDress reads is_dress: whether somebody said that the photo shows none.
func (t *table) noDress(row int) (bool, error) {
	text := t.text(row, "is_dress")
	switch strings.ToLower(text) {
	case "no", "n", "false", "f", "0", "0.0":
		return true, nil
	case "", "yes", "y", "true", "t", "1", "1.0":
		return false, nil
	}
	return false, fmt.Errorf("%s: line %d: is_dress is %q, but must be yes or no, true or false, 1 or 0, or empty", t.path, t.line(row), text)
}

// box reads x_min, y_min, x_max and y_max, each rounded to the nearest pixel: outwards, two rows of one box that a
// program wrote with noise in the last digit would be two dresses. It is nil where all of them are empty. Half a box is
// an error.
func (t *table) box(row int) (*photo.Box, error) {
	missing := slices.DeleteFunc(slices.Clone(boxColumns), func(column string) bool { return t.text(row, column) != "" })
	switch len(missing) {
	case 0:
	case len(boxColumns):
		return nil, nil
	default:
		for i, column := range missing {
			if wrote := strings.TrimSpace(t.get(row, column)); wrote != "" { // NaN
				missing[i] = fmt.Sprintf("%s (%s)", column, wrote)
			}
		}
		return nil, fmt.Errorf("%s: line %d: the box lacks %s", t.path, t.line(row), strings.Join(missing, ", "))
	}
	var sides [4]float64
	var pixels [4]int
	whole, most := true, 0.0
	for i, column := range boxColumns {
		v, ok := t.number(row, column)
		if !ok {
			return nil, fmt.Errorf("%s: line %d: %s is %q, but must be a number of pixels", t.path, t.line(row), column, t.text(row, column))
		}
		sides[i], pixels[i] = v, int(math.Round(v))
		whole, most = whole && v == math.Trunc(v), max(most, v)
	}
	if !whole && most <= 1 {
		return nil, fmt.Errorf("%s: line %d: the box, %s, seems to be in shares of the photo, but must be in pixels", t.path, t.line(row), boxText(sides))
	}
	b := photo.Box{XMin: pixels[0], YMin: pixels[1], XMax: pixels[2], YMax: pixels[3]}
	if b.Empty() {
		return nil, fmt.Errorf("%s: line %d: the box, %s, is empty: x_max must be greater than x_min, and y_max than y_min, by a pixel or more", t.path, t.line(row), boxText(sides))
	}
	return &b, nil
}

// boxText names the sides of a box, in the order of boxColumns.
func boxText(sides [4]float64) string {
	var texts []string
	for i, side := range sides {
		texts = append(texts, fmt.Sprintf("%s %v", boxColumns[i], side))
	}
	return strings.Join(texts, ", ")
}

// fold reads the column fold; -1 where there is none.
func (t *table) fold(row int) (int, error) {
	if t.text(row, "fold") == "" {
		return -1, nil
	}
	return t.integer(row, "fold")
}

// referenceFold is fold, where heads are trained without each of Folds.
func (t *table) referenceFold(row int) (int, error) {
	fold, err := t.fold(row)
	if err == nil && fold >= Folds {
		err = fmt.Errorf("%s: line %d: fold is %d, but must be 0 to %d, or empty", t.path, t.line(row), fold, Folds-1)
	}
	return fold, err
}

// once returns an error where two rows name the same photo: the second would silently take the first one's place.
func (t *table) once(column string) error {
	rows := map[string]int{}
	for row := range t.rows {
		name := path.Clean(t.get(row, column))
		if before, again := rows[name]; again {
			return fmt.Errorf("%s: line %d: %s has a row in line %d already: give each photo one", t.path, t.line(row), name, t.line(before))
		}
		rows[name] = row
	}
	return nil
}
