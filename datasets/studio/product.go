// Package studio paints dresses as photos: worn, on a hanger, laid flat, in plain, room and street
// surroundings, with the true box, facets and product of each. The demo's catalogue and most of what
// the default model learns from are made here. Everything follows from seeds; nothing is stored.
package studio

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Product is a dress with all that stays the same in every photo of it.
type Product struct {
	ID       string
	Title    string
	Price    float64
	Currency string
	Colour   string // what a person calls the main colour, such as "navy"
	// Facets holds the true label of each facet of datasets.Facets.
	Facets map[string]string
	// Sibling is the ID of a dress of the same colour, print and trims that differs in one or two
	// visible facets; empty where there is none.
	Sibling string

	look look
}

// look is what painting needs beyond the facets.
type look struct {
	key    uint64 // of the single dress
	cut    uint64 // of how it is sewn: dyed ones share it
	print  uint64 // of the cloth: siblings share it
	fabric string
	base   rgb
	accent [3]rgb
	dyes   [3]string // of the accents
	belt, sparkle, buttons,
	ruffle, contrast, bow bool
}

// siblingShare: of three neighbouring pairs of products two are siblings.
const siblingShare = 3

// Products designs n dresses. The domain ("demo", "train") and the seed are hashed together: products
// of two domains are never the same. Product i is the same for every n, only that it has no sibling
// while its sibling is beyond n.
func Products(domain string, seed uint64, n int) []Product {
	root := mix(key(domain), seed)
	products := make([]Product, 0, n)
	for pair := uint64(0); len(products) < n; pair++ {
		first := design(mix(root, pair, 1), mix(root, pair, 2))
		var second Product
		siblings := pair%siblingShare != siblingShare-1
		if siblings {
			second = sister(first, mix(root, pair, 3))
		} else {
			second = design(mix(root, pair, 4), mix(root, pair, 5))
		}
		products = append(products, first)
		if len(products) < n {
			products = append(products, second)
		} else {
			siblings = false
		}
		if siblings {
			a, b := &products[len(products)-2], &products[len(products)-1]
			a.Sibling, b.Sibling = b.ID, a.ID
		}
	}
	return products
}

// design draws a dress from scratch.
func design(self, print uint64) Product {
	d := roll(self)
	o := occasions[d.draw(occasionShares, nil)]
	p := Product{Facets: map[string]string{"occasion": o.name}, Currency: "EUR"}
	p.look.key, p.look.cut, p.look.print = self, self, print
	for {
		p.Facets["silhouette"] = d.draw(o.silhouettes, nil)
		p.Facets["neckline"] = d.draw(o.necklines, nil)
		p.Facets["sleeve"] = d.draw(o.sleeves, nil)
		p.Facets["length"] = d.draw(o.lengths, nil)
		if plausible(p.Facets["silhouette"], p.Facets["neckline"], p.Facets["sleeve"], p.Facets["length"]) {
			break
		}
	}
	p.Facets["pattern"] = d.draw(o.patterns, nil)
	p.drawCloth(d, o)
	p.drawTrims(d, o)
	p.Price = math.Round(d.between(o.price[0], o.price[1])) - 0.05
	p.name()
	return p
}

// sister is a dress of the same cloth with one or two facets changed.
func sister(of Product, self uint64) Product {
	d := roll(self)
	o := occasions[of.Facets["occasion"]]
	p := of
	p.look.key, p.look.cut = self, self
	tables := map[string]weights{"silhouette": o.silhouettes, "neckline": o.necklines, "sleeve": o.sleeves, "length": o.lengths}
	names := []string{"silhouette", "neckline", "sleeve", "length"}
	for {
		p.Facets = maps.Clone(of.Facets)
		d.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for _, name := range names[:1+d.IntN(2)] {
			p.Facets[name] = d.draw(tables[name], nil)
		}
		if p.differs(of) >= 1 && plausible(p.Facets["silhouette"], p.Facets["neckline"], p.Facets["sleeve"], p.Facets["length"]) {
			break
		}
	}
	p.Price = max(of.Price+math.Round(d.between(-15, 15)), 9.95)
	p.name()
	return p
}

// differs counts the facets in which two dresses differ.
func (p *Product) differs(o Product) int {
	n := 0
	for name, label := range p.Facets {
		if o.Facets[name] != label {
			n++
		}
	}
	return n
}

// drawCloth chooses fabric and colours.
func (p *Product) drawCloth(d dice, o occasion) {
	pattern := p.Facets["pattern"]
	p.look.fabric = d.draw(o.fabrics, func(f string) bool { return clothFits(f, pattern) })
	if pattern == "lace" {
		p.look.fabric = "lace"
	}
	p.Colour = d.draw(o.colours, func(c string) bool { return pattern != "animal" || c != "lime" && c != "mint" && c != "sky" })
	if p.look.fabric == "denim" {
		p.Colour = "denim"
	}
	p.look.base = findDye(p.Colour).draw(d)
	if pattern == "animal" && d.chance(0.7) {
		p.Colour = pick(d, "camel", "beige", "grey", "brown")
		p.look.base = findDye(p.Colour).draw(d)
	}
	// Accents: colours that a print on this ground would have.
	for i := range p.look.accent {
		for range 20 {
			p.look.dyes[i] = d.draw(o.colours, nil)
			p.look.accent[i] = findDye(p.look.dyes[i]).draw(d)
			if away := p.look.accent[i].luma() - p.look.base.luma(); i > 0 || away > 55 || away < -55 {
				break
			}
		}
	}
	if d.chance(0.45) {
		p.look.accent[0] = pick(d, hex(0xf4f1ea), hex(0x17171d), hex(0xf8f6f2))
		if away := p.look.accent[0].luma() - p.look.base.luma(); away < 60 && away > -60 {
			p.look.accent[0] = hex(0xf4f1ea)
			if p.look.base.luma() > 128 {
				p.look.accent[0] = hex(0x1b1b22)
			}
		}
		p.look.dyes[0] = "white"
		if p.look.accent[0].luma() < 128 {
			p.look.dyes[0] = "black"
		}
	}
}

// clothFits says whether a pattern is printed or woven on such cloth.
func clothFits(fabric, pattern string) bool {
	switch fabric {
	case "denim", "sequins", "velvet":
		return pattern == "plain"
	case "knit":
		return pattern == "plain" || pattern == "stripes"
	case "wool":
		return pattern != "floral" && pattern != "dots" && pattern != "animal"
	}
	return true
}

func (p *Product) drawTrims(d dice, o occasion) {
	p.look.belt = d.chance(o.belt)
	p.look.sparkle = d.chance(o.sparkle)
	p.look.buttons = d.chance(o.buttons)
	p.look.ruffle = d.chance(o.ruffle)
	p.look.contrast = d.chance(o.contrast)
	p.look.bow = d.chance(o.bowed)
}

// name gives the ID and the title. The title says what a shop would, not every facet.
func (p *Product) name() {
	p.ID = fmt.Sprintf("dress-%012x", p.look.key>>16)
	words := []string{strings.ToUpper(p.Colour[:1]) + p.Colour[1:]}
	if f := p.look.fabric; f != p.Colour {
		words = append(words, f)
	}
	if pattern := p.Facets["pattern"]; pattern != "plain" && pattern != p.look.fabric {
		words = append(words, pattern)
	}
	words = append(words, "dress")
	p.Title = strings.Join(slices.Compact(words), " ")
}
