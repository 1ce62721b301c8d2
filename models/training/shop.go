package training

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/embedding"
)

// ShopPhoto is a photo of a shop's product, without a label: the similarity embedding learns that photos of one
// product belong together.
type ShopPhoto struct {
	Product string
	Name    string // for people
	Read    func() ([]byte, error)
}

// Shop is a shop's photos, read and cropped. A fifth of the products is apart, always the same, to measure with.
// Products that share half of their photos are one product here: see join.
type Shop struct {
	learned, apart shopProducts
	fingerprint    string // of what is learned from
	// places are where each photo's crop is, by the photo's name, or a product's first one, by its id; left are the names
	// and ids of those that have none.
	places map[string]shopPlace
	left   map[string]bool
	// triplets of the crops that are learned from, and held ones, of which a photo is apart.
	triplets []cropTriplet
	held     [][3]Crop
	// apartPhotos and heldPhotos name what is measured with: each photo with its product, and each held triplet's.
	apartPhotos, heldPhotos []string
	// BadTriplets are those with a photo that there is not, by that photo, with where they stand; TotalTriplets counts all.
	BadTriplets   []datasets.Bad
	TotalTriplets int
	// Dropped counts the triplets that say nothing: one of their photos is bad or common, or two of them are the same.
	Dropped int
	// Bad are the photos that cannot be read; Total counts all.
	Bad   []datasets.Bad
	Total int
	// Whole counts the photos in which the model finds no dress: they are taken as a whole.
	Whole int
	// Repeated counts the photos that are the same as one before, byte for byte: each is taken once.
	Repeated int
	// Joined counts the products that are taken for another one, whose photos they share.
	Joined int
	// Common counts the photos that are left out, since they show no single product: see join.
	Common int
}

// shopVersion is raised where the same photos are learned from in another way.
const shopVersion = 2

// shopProducts are crops, and which of them are of one product.
type shopProducts struct {
	crops    []Crop
	products [][]int
	number   map[string]int
}

// shopPlace is where a crop is.
type shopPlace struct {
	apart bool
	crop  int
	photo string // its id
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

// pairs counts the products of two photos or more.
func (s *shopProducts) pairs() (n int) {
	for _, own := range s.products {
		if len(own) > 1 {
			n++
		}
	}
	return n
}

// ReadShop reads a shop's photos, on all cores, and cuts out the dresses that options.From finds in them, as an index
// does. What cannot be read is counted and left out.
func ReadShop(ctx context.Context, options Options, photos []ShopPhoto) (*Shop, error) {
	if !options.From.Locates() {
		return nil, errors.New("the model cannot find the dresses in a shop's photos, since its location was never trained: kleid train heads --models THE_MODEL trains all that a trunk lacks")
	}
	locator, err := embedding.NewDescriber(options.Backend, options.From)
	if err != nil {
		return nil, err
	}
	m := &maker{Options: options}
	progress := m.counter("reading photos")
	config := options.From.Config
	config.Surroundings = nil // which embeddings do not read
	files := &shopFiles{pool: newPool(config, nil), locator: locator, byID: map[string]*shopFile{}}
	const chunk = 32
	for begin := 0; begin < len(photos); begin += chunk {
		part := photos[begin:min(begin+chunk, len(photos))]
		if err := files.read(ctx, part); err != nil {
			return nil, err
		}
		progress(begin+len(part), len(photos))
	}
	s := files.shop(photos)
	h := sha256.New()
	fmt.Fprintln(h, "shop", shopVersion)
	for _, c := range s.learned.crops {
		fmt.Fprintf(h, "%d %v\n", c.Product, c.Box)
		h.Write(c.Image.Pix)
	}
	s.fingerprint = fmt.Sprintf("%x", h.Sum(nil))
	return s, nil
}

// AddTriplets adds what people, such as customers by their clicks, said of the shop's photos, by their names, or of its
// products, by their ids: then it is of their first photos. Where a photo's product is kept apart, it is measured with. Those that say nothing, and those of a photo that there is not, are
// left out and counted.
func (s *Shop) AddTriplets(triplets []datasets.Triplet) {
	h := sha256.New()
	fmt.Fprintln(h, s.fingerprint)
	s.TotalTriplets += len(triplets)
	for _, t := range triplets {
		missing := slices.IndexFunc(t.Photos(), func(e datasets.Example) bool {
			_, ok := s.places[e.Name]
			return !ok && !s.left[e.Name]
		})
		if missing >= 0 {
			s.BadTriplets = append(s.BadTriplets, badTriplet(t, t.Photos()[missing], "the photo, or product, is not in the catalogue"))
			continue
		}
		var places [3]shopPlace
		left, apart := false, false
		for i, e := range t.Photos() {
			at, ok := s.places[e.Name]
			places[i], left, apart = at, left || !ok, apart || at.apart
		}
		switch {
		case left || places[0] == places[1] || places[0] == places[2] || places[1] == places[2]:
			s.Dropped++
		case apart:
			var crops [3]Crop
			for i, at := range places {
				crops[i] = s.crop(at)
			}
			s.held = append(s.held, crops)
			s.heldPhotos = append(s.heldPhotos, places[0].photo+" "+places[1].photo+" "+places[2].photo)
		default:
			c := cropTriplet{[3]int{places[0].crop, places[1].crop, places[2].crop}, t.Confidence}
			s.triplets = append(s.triplets, c)
			fmt.Fprintln(h, c)
		}
	}
	s.fingerprint = fmt.Sprintf("%x", h.Sum(nil))
}

func (s *Shop) crop(at shopPlace) Crop {
	if at.apart {
		return s.apart.crops[at.crop]
	}
	return s.learned.crops[at.crop]
}

// Triplets is how many are learned from.
func (s *Shop) Triplets() int { return len(s.triplets) }

// Held is how many are measured with.
func (s *Shop) Held() int { return len(s.held) }

// Learned is how many products are learned from.
func (s *Shop) Learned() int { return len(s.learned.products) }

// Pairs is how many of those have two photos at least.
func (s *Shop) Pairs() int { return s.learned.pairs() }

// Apart is how many products are measured with.
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
