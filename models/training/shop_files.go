package training

import (
	"context"
	"slices"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/photo"
)

// shopFiles are a shop's photos by their bytes: a catalogue has many of them more than once, such as in a row for each
// size, and a photo that is like itself teaches nothing and is always found.
type shopFiles struct {
	pool    *Pool
	locator *embedding.Embedder
	files   []*shopFile // in the catalogue's order
	byID    map[string]*shopFile
	rows    []shopRow // of each ShopPhoto
}

// shopFile is the bytes that some photos share.
type shopFile struct {
	id       string
	crop     Crop
	whole    bool     // no dress was found in it
	products []string // that have it; in the end each once
	err      error    // why it is no photo
}

// shopRow is what became of a ShopPhoto: its file, or why there is none.
type shopRow struct {
	file *shopFile
	err  error
}

// read reads a chunk, and decodes and cuts out what is new in it.
func (s *shopFiles) read(ctx context.Context, photos []ShopPhoto) error {
	data, rows := make([][]byte, len(photos)), make([]shopRow, len(photos))
	ids := make([]string, len(photos))
	err := parallel(ctx, len(photos), func(i int) error {
		if data[i], rows[i].err = photos[i].Read(); rows[i].err == nil {
			ids[i] = photo.ID(data[i])
		}
		return ctx.Err() // which is no fault of the photo's
	})
	if err != nil {
		return err
	}
	var fresh []int
	for i := range rows {
		if rows[i].err != nil {
			continue
		}
		file, ok := s.byID[ids[i]]
		if !ok {
			file = &shopFile{id: ids[i]}
			s.byID[file.id], s.files, fresh = file, append(s.files, file), append(fresh, i)
		}
		rows[i].file, file.products = file, append(file.products, photos[i].Product)
	}
	s.rows = append(s.rows, rows...)
	images := make([]*photo.Image, len(fresh))
	if err := parallel(ctx, len(fresh), func(k int) error {
		images[k], rows[fresh[k]].file.err = photo.Open(data[fresh[k]], photo.DefaultLimits())
		return ctx.Err()
	}); err != nil {
		return err
	}
	var inputs []embedding.Input
	var opened []int
	for k, i := range fresh {
		if rows[i].file.err == nil {
			inputs, opened = append(inputs, embedding.Input{Image: images[k]}), append(opened, i)
		}
	}
	seen, err := s.locator.Locate(ctx, inputs)
	if err != nil {
		return err
	}
	for at, i := range opened {
		image, file := inputs[at].Image, rows[i].file
		box := image.Frame()
		if file.whole = seen[at].Status != catalog.StatusOK; !file.whole {
			box = seen[at].Box
		}
		file.crop = s.pool.crop(image, box, nil)
		file.crop.Real, file.crop.Fold, file.crop.Name = true, -1, photos[i].Name
	}
	return nil
}

// shop parts what was read into what is learned from and what is kept apart.
func (s *shopFiles) shop(photos []ShopPhoto) *Shop {
	shop := &Shop{Total: len(photos), places: map[string]shopPlace{}, left: map[string]bool{}}
	s.files = slices.DeleteFunc(s.files, func(f *shopFile) bool { return f.err != nil })
	for _, f := range s.files {
		slices.Sort(f.products)
		f.products = slices.Compact(f.products)
	}
	groups, common := join(s.files)
	shop.Common = len(common)
	products := map[string]bool{}
	places := map[*shopFile]shopPlace{}
	for i, row := range s.rows {
		err := row.err
		if err == nil {
			err = row.file.err
		}
		name := photos[i].Name
		if err != nil || common[row.file] {
			shop.left[name] = true
			if err != nil {
				shop.Bad = append(shop.Bad, datasets.Bad{Photo: name, Reason: reasonOf(err)})
			}
			continue
		}
		first := groups.First(photos[i].Product)
		if !products[photos[i].Product] && first != photos[i].Product {
			shop.Joined++
		}
		products[photos[i].Product] = true
		at, ok := places[row.file]
		if ok {
			shop.Repeated++
		} else {
			to := &shop.learned
			if at.apart = datasets.SplitOf(first) == datasets.Test; at.apart {
				to = &shop.apart
				shop.apartPhotos = append(shop.apartPhotos, row.file.id+" "+first)
			}
			at.crop, at.photo = len(to.crops), row.file.id
			to.add(first, row.file.crop)
			places[row.file] = at
			if row.file.whole {
				shop.Whole++
			}
		}
		shop.places[name] = at
	}
	shop.nameProducts(photos)
	return shop
}

// nameProducts has products by their ids as well, where no photo is named so.
func (s *Shop) nameProducts(photos []ShopPhoto) {
	names := map[string]bool{}
	for _, p := range photos {
		names[p.Name] = true
	}
	for _, p := range photos {
		if names[p.Product] {
			continue
		}
		at, ok := s.places[p.Name]
		if _, named := s.places[p.Product]; ok && !named {
			s.places[p.Product] = at
		}
		s.left[p.Product] = true // for ids of which no photo has a place; those that have one are looked up there first
	}
}
