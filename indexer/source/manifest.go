package source

import (
	"cmp"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/storage"
)

// columnName is a column's name without spaces around it. Kleid's own names are found in any case, and with spaces in them.
func columnName(name string) string {
	name = strings.TrimSpace(name)
	if own := catalog.ColumnName(name); ownColumn(own) {
		return own
	}
	return name
}

// ownColumn says whether a column is one of those that Kleid knows; others are attributes.
func ownColumn(name string) bool {
	switch name {
	case "product_id", "title", "url", "price", "currency", morePhotos:
		return true
	}
	return slices.Contains(catalog.PhotoColumns, name)
}

// setField fills a column. Of several of one name, the first that is filled counts, but for those of more photos, which
// become lines of one, up to one more than are taken; one without a name is no column.
func setField(fields map[string]string, name, value string) {
	switch {
	case name == "":
	case strings.TrimSpace(fields[name]) == "":
		fields[name] = value
	case name == morePhotos && strings.Count(fields[name], "\n") < maxPhotos:
		fields[name] += "\n" + value
	}
}

// maxName is how many bytes a product's id and a photo's path or URL may have: more than any file system
// takes, and little enough for every store.
const maxName = 4096

// maxPhotos is how many photos a row may name: more than shops' systems keep of a product, and each is a row of the index
// with all that the catalogue says.
const maxPhotos = 250

// manifest makes entries of the rows of a manifest.
type manifest struct {
	path    string // or its URL
	listing Listing

	noPrice, notUTF8 oddity
}

// bad adds the row of a line that makes no sense.
func (m *manifest) bad(line int, format string, args ...any) {
	at := m.at(line)
	m.listing.Entries = append(m.listing.Entries, Entry{
		ProductID: at, Source: at, IsLine: true, Err: fmt.Sprintf("line %d of the catalogue ", line) + fmt.Sprintf(format, args...),
	})
}

// at names a line that names no photo.
func (m *manifest) at(line int) string {
	return catalog.ValidText(fmt.Sprintf("%s:%d", m.name(), line))
}

// name is that of the manifest's file.
func (m *manifest) name() string { return path.Base(filepath.ToSlash(m.path)) }

// add makes entries of the fields of a line, by column name: one, or of a product feed one for each photo. attributes
// are more of them, whatever they are called.
func (m *manifest) add(line int, fields, attributes map[string]string) {
	if size := sizeOf(fields) + sizeOf(attributes); size > catalog.MaxLine { // as those of no CSV file are
		m.bad(line, "%v", catalog.ErrLongLine)
		return
	}
	var e Entry
	var more []string
	if fields[catalog.FeedColumn] != "" {
		fromFeed(fields)
		more = photosIn(fields[morePhotos])
		delete(fields, morePhotos)
	}
	if len(more) >= maxPhotos {
		m.bad(line, "names more than %d photos", maxPhotos)
		return
	}
	take := func(name string) string {
		v := fields[name]
		delete(fields, name)
		return m.text(line, v)
	}
	e.Title, e.URL, e.Currency = take("title"), take("url"), take("currency")
	e.ProductID = strings.TrimSpace(take("product_id"))
	source := "" // of the first column that the row fills
	for _, column := range catalog.PhotoColumns {
		source = strings.Trim(fields[column], " \t")
		delete(fields, column)
		if source != "" {
			break
		}
	}
	// A price that is no number is kept as the catalogue gave it.
	if v, currency, ok := parsePrice(fields["price"]); ok && (currency == "" || e.Currency == "" || strings.EqualFold(currency, e.Currency)) {
		e.Price, e.Currency = &v, cmp.Or(e.Currency, currency)
		delete(fields, "price")
	} else if strings.TrimSpace(fields["price"]) != "" {
		m.noPrice.found(line)
	}
	for name, value := range attributes {
		setField(fields, name, value)
	}
	for name, value := range fields {
		if value != "" {
			if e.Attributes == nil {
				e.Attributes = make(map[string]string, len(fields))
			}
			e.Attributes[catalog.ValidText(name)] = m.text(line, value)
		}
	}
	switch e.Named = e.ProductID != ""; {
	case e.Named:
	case source == "":
		e.ProductID = m.at(line)
	default:
		e.ProductID = productOf(fileOf(source))
	}
	m.addPhoto(line, e, source)
	named := map[string]bool{source: true, "": true}
	for _, photo := range more {
		if photo = strings.TrimSpace(photo); !named[photo] {
			named[photo] = true
			m.addPhoto(line, e, photo)
		}
	}
}

// sizeOf is how many bytes the texts of fields have.
func sizeOf(fields map[string]string) int {
	size := 0
	for _, text := range fields {
		size += len(text)
	}
	return size
}

// addPhoto adds the entry of a photo, "" for none, of a product.
func (m *manifest) addPhoto(line int, e Entry, source string) {
	if source == "" {
		e.Source, e.IsLine, e.Err = m.at(line), true, fmt.Sprintf("line %d of the catalogue names no photo", line)
	} else {
		e.Source, e.Location = catalog.ValidText(source), m.locate(source)
		if err := storage.CheckReference(m.path, e.Location); err != nil {
			e.Location, e.Err = "", fmt.Sprintf("line %d of the catalogue names what it may not: %v", line, err)
		}
	}
	if n := max(len(e.ProductID), len(e.Source), len(e.Currency)); n > maxName {
		e.Err = fmt.Sprintf("line %d of the catalogue names a product, photo or currency with %d bytes, more than the %d allowed", line, n, maxName)
		if len(e.Currency) > maxName {
			e.Currency = ""
		}
		if len(e.ProductID) > maxName {
			e.ProductID = m.at(line)
		}
		if len(e.Source) > maxName {
			e.Source, e.IsLine = m.at(line), true
		}
	}
	m.listing.Entries = append(m.listing.Entries, e)
}

// fileOf is the path in a photo's path or URL, with slashes. Manifests written on Windows have backslashes.
func fileOf(source string) string {
	scheme, _, ok := strings.Cut(source, "://")
	switch end := strings.IndexAny(source, "?#"); {
	case ok && strings.HasPrefix(strings.ToLower(scheme), "http") && end >= 0:
		return source[:end]
	case ok:
		return source
	}
	return strings.ReplaceAll(source, `\`, "/")
}

// locate resolves a photo's path relative to the manifest. URLs stay what they are.
func (m *manifest) locate(source string) string {
	if strings.Contains(source, "://") {
		return source
	}
	if scheme, rest, ok := strings.Cut(m.path, "://"); ok {
		if strings.HasPrefix(source, "/") { // from the bucket's or host's root
			rest, _, _ = strings.Cut(rest, "/")
			return scheme + "://" + rest + path.Clean(source)
		}
		return scheme + "://" + path.Join(path.Dir(rest), source)
	}
	file := filepath.FromSlash(source)
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(filepath.Dir(m.path), file)
}
