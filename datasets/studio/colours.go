package studio

// many is how many colours of equal shares make a dress multicolour, as in photo/colour.
const many = 3.2

// MainColour is the true label of the facet colour: that of the dye that covers most of the cloth, or
// "multicolour" where many cover about as much each.
func (p *Product) MainColour() string {
	base := findDye(p.Colour).label
	switch p.Facets["pattern"] {
	case "floral", "stripes", "dots", "checks":
	default: // in one dye and its shades
		return base
	}
	cloth := printCloth(p)
	dyes, labels := []rgb{p.look.base}, []string{base}
	for i, used := range cloth.inks.used { // a mixture of two may lie near a third, which is not there
		if used {
			dyes, labels = append(dyes, p.look.accent[i]), append(labels, findDye(p.look.dyes[i]).label)
		}
	}
	covered := map[string]float64{}
	var all float64
	for _, c := range cloth.pix {
		best, nearest := -1, float32(mixed*mixed)
		for i, o := range dyes {
			r, g, b := c[0]-o[0], c[1]-o[1], c[2]-o[2]
			if d := r*r + g*g + b*b; d < nearest {
				best, nearest = i, d
			}
		}
		if best >= 0 {
			covered[labels[best]]++
			all++
		}
	}
	main, squares := base, 0.0
	for _, label := range labels {
		if covered[label] > covered[main] {
			main = label
		}
	}
	for _, n := range covered {
		squares += (n / all) * (n / all)
	}
	if squares > 0 && 1/squares >= many {
		return "multicolour"
	}
	return main
}

// mixed is how far a pixel's colour is from every dye where it is a mixture of two, or a leaf.
const mixed = 60

// Dyed is the same dress in another colour of the palette, such as "navy": another product, photographed anew.
func (p *Product) Dyed(colour string) Product {
	dyed := *p
	dyed.look.key = mix(p.look.key, key(colour))
	dyed.Colour, dyed.Sibling = colour, ""
	dyed.look.base = findDye(colour).draw(roll(dyed.look.key, key("dyed")))
	dyed.name()
	return dyed
}

// Dyes are the colours of the palette.
func Dyes() []string {
	names := make([]string, len(dyes))
	for i, d := range dyes {
		names[i] = d.name
	}
	return names
}
