package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/kleid-search/kleid/catalog"
)

// A file of a few megabytes may hold one long text for each of a million rows. It may have so many bytes of text, and so
// many times its own.
var leastUnpacked, mostUnpacked int64 = 1 << 30, 100

// readParquet reads a manifest of the columns of a Parquet file that have one value a row; others are skipped. Null is
// nothing. Of what has no text, Kleid's own columns are refused and others skipped.
func readParquet(ctx context.Context, f *os.File, path string) (listing Listing, err error) {
	defer catalog.RecoverParquet(&err)
	info, err := f.Stat()
	if err != nil {
		return Listing{}, err
	}
	file, err := catalog.OpenParquet(f, info.Size())
	if err != nil {
		return Listing{}, fmt.Errorf("not a whole Parquet file: %w", err)
	}
	most := leastUnpacked + mostUnpacked*info.Size()
	unpacked := fmt.Errorf("it unpacks to more than %d MB, where its own size is %d bytes: leave out columns that are no part of the catalogue", most/1_000_000, info.Size())
	for _, group := range file.Metadata().RowGroups {
		size := int64(0) // of its pages, one of each column is in memory at once
		for _, column := range group.Columns {
			if size += max(column.MetaData.TotalUncompressedSize, 0); size < 0 || size > most {
				return Listing{}, unpacked
			}
		}
	}
	m := &manifest{path: path}
	var names []string
	var leaves []int
	var texts []valueText
	for _, field := range file.Schema().Fields() {
		name := columnName(field.Name())
		skip := func(why string) {
			m.listing.Skipped = append(m.listing.Skipped, Skipped{m.name() + ": " + catalog.ValidText(name), catalog.ValidText(why)})
		}
		if !field.Leaf() || field.Repeated() {
			skip(fmt.Sprintf("the column %s has lists or structures, and one value a row is read: write it as strings", name))
			continue
		}
		text := textOf(field.Type())
		if text == nil {
			why := fmt.Sprintf("the values of the column %s, of type %s, have no text", name, field.Type())
			if ownColumn(name) {
				return Listing{}, fmt.Errorf("%s: write it as strings or numbers", why)
			}
			skip(why)
			continue
		}
		leaf, _ := file.Schema().Lookup(field.Name())
		names, leaves, texts = append(names, name), append(leaves, leaf.ColumnIndex), append(texts, text)
	}
	if !slices.ContainsFunc(names, func(name string) bool { return slices.Contains(catalog.PhotoColumns, name) }) {
		return Listing{}, fmt.Errorf("it has no column for the photos: call one of them %s", strings.Join(catalog.PhotoColumns, ", "))
	}
	line, size := 0, int64(0)
	for _, group := range file.RowGroups() {
		chunks := group.ColumnChunks()
		columns := make([]*parquetTexts, len(leaves))
		for i, leaf := range leaves {
			columns[i] = &parquetTexts{text: texts[i], pages: chunks[leaf].Pages()}
			defer columns[i].pages.Close()
		}
		for range group.NumRows() {
			if line++; line%1024 == 0 && ctx.Err() != nil {
				return Listing{}, ctx.Err()
			}
			fields, long := make(map[string]string, len(names)), false
			for i, column := range columns {
				text, err := column.next()
				if err != nil && !errors.Is(err, catalog.ErrLongLine) {
					return Listing{}, fmt.Errorf("the Parquet file's column %s: %w", names[i], err)
				}
				long = long || err != nil
				setField(fields, names[i], text)
			}
			if size += int64(sizeOf(fields)); size > most {
				return Listing{}, unpacked
			}
			if long {
				m.bad(line, "%v", catalog.ErrLongLine)
				continue
			}
			m.add(line, fields, nil)
		}
	}
	return m.read(), nil
}

// parquetTexts gives the values of a column one after the other, as text.
type parquetTexts struct {
	text   valueText
	pages  parquet.Pages
	values parquet.ValueReader
	buffer [256]parquet.Value
	rest   []parquet.Value
}

func (t *parquetTexts) next() (string, error) {
	for len(t.rest) == 0 {
		if t.values == nil {
			page, err := t.pages.ReadPage()
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			if err != nil {
				return "", err
			}
			t.values = page.Values()
		}
		n, err := t.values.ReadValues(t.buffer[:])
		t.rest = t.buffer[:n]
		switch {
		case errors.Is(err, io.EOF):
			t.values = nil
		case err != nil:
			return "", err
		case n == 0:
			return "", io.ErrNoProgress
		}
	}
	v := t.rest[0]
	t.rest = t.rest[1:]
	switch {
	case v.IsNull():
		return "", nil
	case (v.Kind() == parquet.ByteArray || v.Kind() == parquet.FixedLenByteArray) && len(v.ByteArray()) > catalog.MaxLine:
		return "", catalog.ErrLongLine
	}
	return t.text(v)
}
