package studio

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/kleid-search/kleid/datasets"
)

// WriteCatalogue paints a shop's catalogue into a folder: dir/photos/*.jpg, dir/catalogue.csv (photo,
// product_id, title, price, currency, colour: what a shop knows), and dir/truth.csv (photo, product,
// kind, the box in half-open pixels, every facet and the colour), which only measurements read. progress may be nil
// and is called from several goroutines.
func WriteCatalogue(ctx context.Context, dir string, products []Product, photosPerProduct int, progress func(done, total int)) error {
	shots := make([]order, 0, len(products)*photosPerProduct)
	for i := range products {
		for s := range photosPerProduct {
			name := fmt.Sprintf("%s-%d.jpg", products[i].ID, s+1)
			shots = append(shots, order{&products[i], Shot{Index: uint64(s)}, name})
		}
	}
	photos, err := writePhotos(ctx, dir, shots, progress)
	if err != nil {
		return err
	}
	rows := [][]string{{"photo", "product_id", "title", "price", "currency", "colour"}}
	for _, s := range shots {
		rows = append(rows, []string{"photos/" + s.name, s.product.ID, s.product.Title,
			strconv.FormatFloat(s.product.Price, 'f', 2, 64), s.product.Currency, s.product.Colour})
	}
	if err := writeTable(filepath.Join(dir, "catalogue.csv"), rows); err != nil {
		return err
	}
	return writeTruth(dir, shots, photos)
}

// WriteQueries paints n customers' photos of the products, in turn, into a folder: dir/photos/*.jpg and
// dir/truth.csv as in WriteCatalogue. The first n products come once each before any comes twice.
func WriteQueries(ctx context.Context, dir string, products []Product, n int, progress func(done, total int)) error {
	if len(products) == 0 {
		return fmt.Errorf("queries need at least one product")
	}
	shots := make([]order, n)
	for i := range shots {
		shots[i] = order{&products[i%len(products)], Shot{Index: uint64(i / len(products)), Query: true}, fmt.Sprintf("query-%05d.jpg", i+1)}
	}
	photos, err := writePhotos(ctx, dir, shots, progress)
	if err != nil {
		return err
	}
	return writeTruth(dir, shots, photos)
}

// order is a photo to be written.
type order struct {
	product *Product
	shot    Shot
	name    string
}

// writePhotos paints and writes on all cores; the photos come back without their pixels.
func writePhotos(ctx context.Context, dir string, shots []order, progress func(done, total int)) ([]Photo, error) {
	folder := filepath.Join(dir, "photos")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	photos := make([]Photo, len(shots))
	var next, done atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(shots) {
					return
				}
				p := shots[i].product.Paint(shots[i].shot)
				data, err := p.JPEG()
				if err == nil {
					err = os.WriteFile(filepath.Join(folder, shots[i].name), data, 0o644)
				}
				if err != nil {
					cancel(err)
					return
				}
				p.Image = nil
				photos[i] = p
				if n := int(done.Add(1)); progress != nil {
					progress(n, len(shots))
				}
			}
		})
	}
	workers.Wait()
	return photos, context.Cause(ctx)
}

func writeTruth(dir string, shots []order, photos []Photo) error {
	header := []string{"photo", "product", "kind", "x_min", "y_min", "x_max", "y_max"}
	for _, f := range datasets.Facets() {
		header = append(header, f.Name)
	}
	header = append(header, "colour")
	rows := [][]string{header}
	for i, s := range shots {
		p := photos[i]
		row := []string{"photos/" + s.name, p.Product, string(p.Kind)}
		for _, v := range []int{p.Box.XMin, p.Box.YMin, p.Box.XMax, p.Box.YMax} {
			row = append(row, strconv.Itoa(v))
		}
		for _, f := range datasets.Facets() {
			row = append(row, p.Facets[f.Name])
		}
		row = append(row, s.product.MainColour())
		rows = append(rows, row)
	}
	return writeTable(filepath.Join(dir, "truth.csv"), rows)
}

func writeTable(path string, rows [][]string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := csv.NewWriter(f).WriteAll(rows); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
