package quality

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/storage"
)

// Index is where a catalogue's index is read: in a folder or in S3. It may be asked by several at once.
type Index interface {
	// Name says which it is, for people.
	Name() string
	// Run is the current run. It fails where there is none yet.
	Run(ctx context.Context) (string, error)
	// Rows opens the rows of a run, to be closed; fs.ErrNotExist where it has been removed.
	Rows(ctx context.Context, run string) (*catalog.Reader, io.Closer, error)
	// Thumbnail is a small picture of a photo, a JPEG file; fs.ErrNotExist where there is none.
	Thumbnail(ctx context.Context, photoID string) ([]byte, error)
}

// readIndex reads the current run of an index: photos with or without a dress, once each, however many products have them.
func readIndex(ctx context.Context, options Options) (*collection, error) {
	for tried := ""; ; {
		run, err := options.Index.Run(ctx)
		if err != nil {
			return nil, err
		}
		c, err := readRun(ctx, options, run)
		if !errors.Is(err, fs.ErrNotExist) || run == tried {
			return c, err
		}
		tried = run // which was removed when another one took its place
	}
}

func readRun(ctx context.Context, options Options, run string) (*collection, error) {
	rows, file, err := options.Index.Rows(ctx, run)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	meta := rows.Metadata()
	c := &collection{
		name: options.Index.Name(), run: run, made: meta.CreatedAt, model: meta.FacetModel, at: map[string]int{},
		read: func(ctx context.Context, d *dress) ([]byte, error) {
			data, err := options.Index.Thumbnail(ctx, d.photoID)
			if errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("%w, or its thumbnail in the index is: %s", ErrGone, d.name)
			}
			return data, err
		},
	}
	facets, err := indexFacets(meta.Facets, options.Facets)
	if err != nil {
		return nil, err
	}
	columns := []string{"photo_id", "product_id", "source", "title", "url", "status", "width", "box_x_min", "box_y_min", "box_x_max", "box_y_max"}
	photos := int(rows.NumRows())
	c.dresses = make([]dress, 0, photos)
	for _, f := range facets {
		c.facets = append(c.facets, newFacet(f, 0, photos))
		columns = append(columns, "facet_"+f.Name, "facet_"+f.Name+"_probability", "facet_"+f.Name+"_source")
	}
	done := 0
	for batch, err := range rows.Batches(catalog.ReadOptions{Columns: columns}) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, fmt.Errorf("run %s of %s: %w", run, c.name, err)
		}
		for i := range batch {
			c.addRow(&batch[i])
		}
		done += len(batch)
		if options.Progress != nil {
			options.Progress(done, photos)
		}
	}
	if len(c.dresses) == 0 {
		return nil, fmt.Errorf("run %s of %s has no photo that could be read", run, c.name)
	}
	return c, nil
}

// indexFacets are those of an index that are wanted.
func indexFacets(facets []catalog.Facet, wanted []string) ([]catalog.Facet, error) {
	var names []string
	for _, f := range facets {
		names = append(names, f.Name)
	}
	for _, name := range wanted {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("the index has no facet %q: it has %s", name, strings.Join(names, ", "))
		}
	}
	if len(facets) == 0 {
		return nil, errors.New("the index has no facets: its model has none")
	}
	return slices.DeleteFunc(slices.Clone(facets), func(f catalog.Facet) bool { return len(wanted) > 0 && !slices.Contains(wanted, f.Name) }), nil
}

// addRow adds a row's photo. That of another row is there: what is seen in it, and judged of it, is the same.
func (c *collection) addRow(row *catalog.Row) {
	if row.Status == catalog.StatusUnreadable || row.PhotoID == "" {
		c.badRows++
		return
	}
	if _, ok := c.at[row.PhotoID]; ok {
		return
	}
	c.at[row.PhotoID] = len(c.dresses)
	d := dress{
		photoID: row.PhotoID, name: storage.WithoutSecrets(row.Source), product: row.ProductID, title: cmp.Or(row.Title, row.ProductID), link: linkOf(row),
		width: int(row.Width), alone: true, noDress: row.Status == catalog.StatusNoDress,
	}
	if b := row.Box; b != nil {
		d.box = &photo.Box{XMin: int(b.XMin), YMin: int(b.YMin), XMax: int(b.XMax), YMax: int(b.YMax)}
	}
	c.dresses = append(c.dresses, d)
	for i := range c.facets {
		f := &c.facets[i]
		value := row.Facets[f.Name]
		n, given, probability := f.numberOf(value.Label), number(0), value.Probability
		if value.Source == catalog.Human { // in whose place what the model said is not there any more
			n, given, probability = 0, n, 0
		}
		f.given, f.predicted, f.probability = append(f.given, given), append(f.predicted, n), append(f.probability, probability)
	}
}

// linkOf is where people see more of a row's photo: the product's page, or the photo itself, unless its address may have a
// password or a signature in it.
func linkOf(row *catalog.Row) string {
	candidates := []string{row.URL}
	if row.Source == storage.WithoutSecrets(row.Source) {
		candidates = append(candidates, row.Source)
	}
	for _, url := range candidates {
		if strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://") {
			return url
		}
	}
	return ""
}
