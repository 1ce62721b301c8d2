package training

import (
	"context"
	"slices"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/photo"
)

// photos paints and reads what training needs, once.
func (m *maker) photos(ctx context.Context) error {
	if m.pool != nil {
		return nil
	}
	config := m.config()
	config.Surroundings = nil // which facets alone read
	if slices.Contains(m.Heads, "facets") {
		config = m.FacetLoss.looking(config, datasets.Facets())
	}
	pool := func() *Pool {
		p := newPool(config, datasets.Facets())
		p.onlyCrops = m.From != nil && !slices.ContainsFunc(m.Heads, isLocationHead)
		p.onlyScenes = m.From != nil && LearnsLocationAlone(m.Heads)
		return p
	}
	real := pool()
	if err := m.readReal(ctx, real); err != nil { // before minutes of painting: what is wrong with them is known then
		return err
	}
	m.pool = pool()
	painting := "painting"
	if m.painted {
		painting = "painting again, since painted photos are not kept"
	}
	if err := m.pool.Paint(ctx, m.Options.Paint, m.counter(painting)); err != nil {
		return err
	}
	held := m.Options.Paint
	held.Domain, held.Products, held.Backgrounds = m.Options.Paint.Domain+"-held-out", max(held.Products/10, 2), max(held.Backgrounds/4, 4)
	m.held = pool()
	if err := m.held.Paint(ctx, held, m.counter("painting held-out")); err != nil {
		return err
	}
	if m.Shop != nil {
		m.shopCrops = m.pool.addShop(m.Shop)
	}
	m.pool.Crops, m.pool.Scenes = append(m.pool.Crops, real.Crops...), append(m.pool.Scenes, real.Scenes...)
	return nil
}

// readReal adds the photos of Options.Reference and Options.Location to a pool, if there are any.
func (m *maker) readReal(ctx context.Context, pool *Pool) error {
	if !m.photographed() {
		return nil
	}
	examples, err := m.examples()
	if err != nil {
		return err
	}
	m.Logger.Info("reading real photos", "photos", len(examples))
	return pool.ReadReal(ctx, examples, photo.DefaultLimits())
}
