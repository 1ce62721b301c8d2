package training

import "fmt"

// drawnBy names the photos that make takes from the pool, of which it gets a copy: those of a batch that is made
// again to see what is in it.
func drawnBy(pool *Pool, make_ func(pool *Pool)) []string {
	var names []string
	listening := *pool
	listening.drawn = func(name string) { names = append(names, name) }
	make_(&listening)
	return names
}

// noteCrop tells that a crop is drawn.
func (p *Pool) noteCrop(index int) {
	if p.drawn != nil {
		p.drawn(p.cropName(index))
	}
}

// noteScene tells that a scene is drawn.
func (p *Pool) noteScene(index int) {
	if p.drawn == nil {
		return
	}
	if name := p.Scenes[index].Name; name != "" {
		p.drawn(name)
		return
	}
	p.drawn(fmt.Sprintf("painted scene %d", index))
}

func (p *Pool) cropName(index int) string {
	switch c := &p.Crops[index]; {
	case c.Name != "":
		return c.Name
	case c.Real:
		return fmt.Sprintf("real photo %d", index)
	default:
		return fmt.Sprintf("painted dress %d in crop %d", c.Product, index)
	}
}
