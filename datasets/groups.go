package datasets

// Groups are products that belong together, since they share photos: of each product another one of its group, in
// the end the first by name. Products that nobody joined are alone.
type Groups map[string]string

// First returns the first product of a product's group, by name, which stands for the group.
func (g Groups) First(product string) string {
	of, ok := g[product]
	if !ok || of == product {
		return product
	}
	of = g.First(of)
	g[product] = of
	return of
}

// Join makes one group of those of two products.
func (g Groups) Join(a, b string) {
	a, b = g.First(a), g.First(b)
	g[max(a, b)] = min(a, b)
}
