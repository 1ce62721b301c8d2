package source

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/net/html/charset"

	"github.com/kleid-search/kleid/catalog"
)

// feedColumns are Kleid's names of a product feed's columns (https://support.google.com/merchants/answer/7052112), of
// which the first that a row fills is meant.
var feedColumns = map[string][]string{"url": {"link"}, "product_id": {"item_group_id", "id"}}

// morePhotos is a feed's column of a product's other photos: one in each of several of that name, or parted by commas in one
// (https://support.google.com/merchants/answer/6324370).
const morePhotos = "additional_image_link"

// photosIn returns the photos that a feed's columns of more of them name. A comma within an address, which should be
// escaped there, is told from one between two by what follows it.
func photosIn(columns string) []string {
	var photos []string
	if json.Unmarshal([]byte(columns), &photos) == nil { // an array, in JSON
		return photos
	}
	for column := range strings.Lines(columns) {
		var one []string // the parts of a photo
		end := func() {
			if len(one) > 0 {
				photos, one = append(photos, strings.Join(one, ",")), nil
			}
		}
		for part := range strings.SplitSeq(column, ",") {
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			if len(one) > 0 && (strings.Contains(part, "://") || !strings.Contains(one[0], "://")) {
				end()
			}
			one = append(one, part)
		}
		end()
	}
	return photos
}

// fromFeed gives the fields of a product feed's row their names here.
func fromFeed(fields map[string]string) {
	for name, theirs := range feedColumns {
		for _, their := range theirs {
			if strings.TrimSpace(fields[name]) == "" && fields[their] != "" {
				fields[name] = fields[their]
				delete(fields, their)
			}
		}
	}
}

// readFeed reads a product feed in XML, RSS 2.0 or Atom (https://support.google.com/merchants/answer/160589): each item is a
// product, and what stands in it directly its fields, those of the namespace g: before others of their name.
func readFeed(ctx context.Context, r io.Reader, path string) (Listing, error) {
	m := &manifest{path: path}
	limited := &limitedItems{r: r}
	d := xml.NewDecoder(limited)
	d.CharsetReader = charset.NewReaderLabel
	items := 0
	for {
		if err := ctx.Err(); err != nil {
			return Listing{}, err
		}
		limited.left = catalog.MaxLine
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Listing{}, noXML(d, err)
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "item" && start.Name.Local != "entry" {
			continue
		}
		line, _ := d.InputPos()
		var item struct {
			Fields []struct {
				XMLName xml.Name
				Text    string `xml:",chardata"`
				Href    string `xml:"href,attr"` // of Atom's links
			} `xml:",any"`
		}
		if err := d.DecodeElement(&item, &start); err != nil {
			return Listing{}, noXML(d, err)
		}
		fields := make(map[string]string, len(item.Fields))
		for _, product := range []bool{true, false} {
			for _, f := range item.Fields {
				if (f.XMLName.Space == productNamespace) == product {
					setField(fields, columnName(f.XMLName.Local), strings.TrimSpace(f.Text+f.Href))
				}
			}
		}
		items++
		m.add(line, fields, nil)
	}
	if items == 0 {
		return Listing{}, fmt.Errorf("it has no <item> or <entry>, of which a product feed has one for each product, with the address of its photo in <g:%s>", catalog.FeedColumn)
	}
	return m.read(), nil
}

// productNamespace is that of g: in feeds.
const productNamespace = "http://base.google.com/ns/1.0"

// limitedItems gives catalog.MaxLine bytes for each item, and for each token between items: a decoder has them in memory
// several times.
type limitedItems struct {
	r    io.Reader
	left int
}

func (l *limitedItems) Read(p []byte) (int, error) {
	if l.left == 0 {
		return 0, catalog.ErrLongLine
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

// noXML is why a decoder stopped.
func noXML(d *xml.Decoder, err error) error {
	if errors.Is(err, catalog.ErrLongLine) {
		line, _ := d.InputPos()
		return fmt.Errorf("what it has in line %d %w: no product does", line, err)
	}
	return fmt.Errorf("it is no XML from there on: %w", err)
}
