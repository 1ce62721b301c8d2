package training

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/photo"
)

// ShopPhoto is a photo of a shop's product, without a label: the similarity embedding learns that photos of one
// product belong together.
type ShopPhoto struct {
	Product string
	Name    string // for people
	Open    func() (*photo.Image, error)
}

// Shop is a shop's photos, read and cropped. A fifth of the products is apart, always the same, to measure with.
type Shop struct {
	learned, apart shopProducts
	fingerprint    string // of what is learned from
	// triplets of the crops that are learned from, and held ones, of which a photo is apart.
	triplets []CropTriplet
	held     [][3]Crop
	// Bad are the photos that cannot be read; Total counts all.
	Bad   []datasets.Bad
	Total int
	// Whole counts the photos in which the model finds no dress: they are taken as a whole.
	Whole int
}

// shopProducts are crops, and which of them are of one product.
type shopProducts struct {
	crops    []Crop
	products [][]int
	number   map[string]int
}

func (s *shopProducts) add(product string, c Crop) {
	i, ok := s.number[product]
	if !ok {
		if s.number == nil {
			s.number = map[string]int{}
		}
		i = len(s.products)
		s.number[product] = i
		s.products = append(s.products, nil)
	}
	c.Product = i
	s.products[i] = append(s.products[i], len(s.crops))
	s.crops = append(s.crops, c)
}

// ReadShop reads a shop's photos, on all cores, and cuts out the dresses that options.From finds in them, as an index
// does. What cannot be read is counted and left out.
func ReadShop(ctx context.Context, options Options, photos []ShopPhoto) (*Shop, error) {
	locator, err := embedding.NewDescriber(options.Backend, options.From)
	if err != nil {
		return nil, err
	}
	m := &maker{Options: options}
	progress := m.counter("reading photos")
	s := &Shop{Total: len(photos)}
	pool := newPool(options.From.Config, nil)
	const chunk = 32
	for begin := 0; begin < len(photos); begin += chunk {
		part := photos[begin:min(begin+chunk, len(photos))]
		if err := s.read(ctx, pool, locator, part); err != nil {
			return nil, err
		}
		progress(begin+len(part), len(photos))
	}
	h := sha256.New()
	for _, c := range s.learned.crops {
		fmt.Fprintf(h, "%d %v\n", c.Product, c.Box)
		h.Write(c.Image.Pix)
	}
	s.fingerprint = fmt.Sprintf("%x", h.Sum(nil))
	return s, nil
}

func (s *Shop) read(ctx context.Context, pool *Pool, locator *embedding.Embedder, photos []ShopPhoto) error {
	images, reasons := make([]*photo.Image, len(photos)), make([]error, len(photos))
	err := parallel(ctx, len(photos), func(i int) error {
		images[i], reasons[i] = photos[i].Open()
		return ctx.Err() // which is no fault of the photo's
	})
	if err != nil {
		return err
	}
	var inputs []embedding.Input
	for i, image := range images {
		if reasons[i] == nil {
			inputs = append(inputs, embedding.Input{Image: image})
		}
	}
	seen, err := locator.Locate(ctx, inputs)
	if err != nil {
		return err
	}
	at := 0
	for i, p := range photos {
		if reasons[i] != nil {
			s.Bad = append(s.Bad, datasets.Bad{Photo: p.Name, Reason: reasonOf(reasons[i])})
			continue
		}
		box := images[i].Frame()
		if seen[at].Status == catalog.StatusOK {
			box = seen[at].Box
		} else {
			s.Whole++
		}
		at++
		c := pool.crop(images[i], box, nil)
		c.Real, c.Fold, c.Name = true, -1, p.Name
		to := &s.learned
		if datasets.SplitOf(p.Product) == datasets.Test {
			to = &s.apart
		}
		to.add(p.Product, c)
	}
	return nil
}

// AddTriplets adds what people, such as customers by their clicks, said of the shop's photos, by their names. Where a
// photo's product is kept apart, it is measured with. Those of a photo that is bad are left out; one of a photo that
// there is not is an error.
func (s *Shop) AddTriplets(triplets []datasets.Triplet) error {
	type place struct {
		apart bool
		crop  int
	}
	known := map[string]place{}
	for i, c := range s.learned.crops {
		known[c.Name] = place{false, i}
	}
	for i, c := range s.apart.crops {
		known[c.Name] = place{true, i}
	}
	bad := map[string]bool{}
	for _, b := range s.Bad {
		bad[b.Photo] = true
	}
	h := sha256.New()
	fmt.Fprintln(h, s.fingerprint)
	for _, t := range triplets {
		c := CropTriplet{Confidence: t.Confidence}
		var crops [3]Crop
		apart, left := false, false
		for i, e := range []datasets.Example{t.Query, t.Near, t.Far} {
			at, ok := known[e.Name]
			switch {
			case bad[e.Name]:
				left = true
				continue
			case !ok:
				return fmt.Errorf("a triplet names the photo %q, which is not in the catalogue", e.Name)
			case at.apart:
				apart, crops[i] = true, s.apart.crops[at.crop]
			default:
				c.Crops[i], crops[i] = at.crop, s.learned.crops[at.crop]
			}
		}
		switch {
		case left:
		case apart:
			s.held = append(s.held, crops)
		default:
			s.triplets = append(s.triplets, c)
			fmt.Fprintln(h, c)
		}
	}
	s.fingerprint = fmt.Sprintf("%x", h.Sum(nil))
	return nil
}

// Triplets is how many are learned from.
func (s *Shop) Triplets() int { return len(s.triplets) }

// Held is how many are measured with.
func (s *Shop) Held() int { return len(s.held) }

// Learned and Apart count the products that are learned from and measured with.
func (s *Shop) Learned() int { return len(s.learned.products) }

// Apart is how many are measured with.
func (s *Shop) Apart() int { return len(s.apart.products) }

// addShop adds the products that are learned from to the pool, and returns where their crops begin.
func (p *Pool) addShop(s *Shop) (crops int) {
	first := len(p.Products)
	crops = len(p.Crops)
	for _, c := range s.learned.crops {
		c.Product += first
		c.Labels = p.indices(nil)
		p.Crops = append(p.Crops, c)
	}
	for _, own := range s.learned.products {
		var moved []int
		for _, c := range own {
			moved = append(moved, crops+c)
		}
		p.Products, p.Siblings = append(p.Products, moved), append(p.Siblings, -1)
	}
	return crops
}
