package training

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/backends"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models"
)

// What cannot be is refused before photos are painted and read, which takes minutes.

// Check returns an error for options that Make refuses, for who has photos to read first.
func (o Options) Check() error {
	m := &maker{Options: o}
	if m.Heads == nil {
		m.Heads = AllHeads
	}
	return m.check()
}

func (m *maker) check() error {
	for _, head := range m.Heads {
		if !slices.Contains(AllHeads, head) {
			return fmt.Errorf("there is no head %q; there are %v", head, AllHeads)
		}
	}
	o := &m.Options
	if err := errors.Join(o.FacetLoss.Check(datasets.Facets()), o.Loop.Check(), o.Trunk.Loop.Check(), o.Trunk.Mix.Check(), o.Mining.Check()); err != nil {
		return err
	}
	return m.checkParts()
}

// checkParts returns an error where heads would be trained on what the model lacks, or cannot have.
func (m *maker) checkParts() error {
	if m.wants("projection") {
		config := m.config()
		backbone, err := config.Trunk()
		if err != nil {
			return err
		}
		if err := checkFeatures(config.CellRows*config.CellColumns*backbone.Channels, config.EmbeddingSize); err != nil {
			return fmt.Errorf("projection: %w", err)
		}
	} else if m.From != nil && m.wants("deeprank", overrideHead) && !m.From.Embeds() {
		return errors.New("the model has no embeddings, as a trunk alone has none: kleid train similarity --models THE_MODEL trains them")
	}
	if m.From != nil {
		for _, head := range []string{"background", "location"} {
			if m.wants(head) && m.From.Weights.Sub(head+".").Quantised() {
				return errors.New("the model is int8, and so is what finds the dress, which cannot be trained on: train the float one that it was made of, and quantise what comes of that")
			}
		}
		return nil
	}
	return errors.Join(m.Options.Trunk.checkInitial(m.Backend), m.Options.Trunk.checkTeacher(m.Backend))
}

// wants says whether one of these heads is trained.
func (m *maker) wants(heads ...string) bool {
	return slices.ContainsFunc(heads, func(head string) bool { return slices.Contains(m.Heads, head) })
}

// checkInitial returns an error where the trunk would start from nothing or from another network's weights.
func (o TrunkOptions) checkInitial(backend backends.Backend) error {
	if len(o.Initial) == 0 {
		if o.steps() == 0 {
			return errNoTrunk
		}
		return nil
	}
	if o.Config.ONNX != nil && o.steps() == 0 { // whose weights are of the same file
		return nil
	}
	if err := o.Config.CheckTrunk(backend, o.Initial, o.steps() > 0); err != nil {
		return fmt.Errorf("trunk: %w", err)
	}
	return nil
}

// checkOwnTrunk returns an error where facets cannot have a trunk of their own that starts from one of the model's, by name.
func (o Options) checkOwnTrunk(start string) error {
	if o.OwnTrunk == 0 {
		return nil
	}
	if o.From.Weights.Quantised() {
		return errors.New("the model is int8, from which no trunk is trained: give the float one that it was made of")
	}
	if err := o.From.Config.CheckTrunk(o.Backend, o.From.WithTrunk(start).Weights.Sub("trunk."), true); err != nil {
		return fmt.Errorf("trunk of the facets: %w", err)
	}
	return nil
}

// checkTeacher returns an error where the teacher's weights are another network's.
func (o TrunkOptions) checkTeacher(backend backends.Backend) error {
	if o.Teacher == nil || o.steps() == 0 {
		return nil
	}
	config, err := models.ConfigFor(teacherBackbone)
	if err == nil {
		err = config.CheckTrunk(backend, o.Teacher.Weights, false)
	}
	if err != nil {
		return fmt.Errorf("teacher: %w", err)
	}
	return nil
}

// errNoTrunk is of a trunk that there is nothing to make of.
var errNoTrunk = errors.New("trunk: no steps and no weights to start from: give one of them")

// CheckPhotos returns an error where there are too few photos to learn from, if a shop has so many.
func (o Options) CheckPhotos(shop int) error {
	m := &maker{Options: o}
	if m.Heads == nil {
		m.Heads = AllHeads
	}
	return m.checkPhotos(shop)
}

func (m *maker) checkPhotos(shop int) error {
	products := m.Options.Paint.Products
	var few []error // all of them, since one number is given for all
	if least := m.Options.Trunk.PaintedPairs; m.From == nil && m.Options.Trunk.steps() > 0 && products < least {
		few = append(few, fmt.Errorf("trunk: a batch takes %d painted products, and there are %d: paint %d at least (--products)", least, products, least))
	}
	real := shop
	if m.photographed() {
		examples, err := m.examples() // whether or not it matters how many: tables that cannot be read are known then
		if err != nil {
			return err
		}
		real += len(examples)
	}
	if m.wants("projection") {
		if err := m.checkComponents(real); err != nil {
			few = append(few, fmt.Errorf("projection: %w", err))
		}
	}
	if m.wants("deeprank") && products+shop < 2 {
		few = append(few, fmt.Errorf("deeprank: %w", errFewProducts))
	}
	return errors.Join(few...)
}

// checkComponents returns an error where there are fewer photos, so many real ones and half of those that are painted,
// than an embedding has components.
func (m *maker) checkComponents(real int) error {
	paint, size := m.Options.Paint, m.config().EmbeddingSize
	each := paint.Catalogue + paint.Queries
	painted := (paint.Products*each + 1) / 2
	if real+painted >= size {
		return nil
	}
	least := (2*(size-real) - 1 + each - 1) / each
	return fmt.Errorf("%d photos, %d of them real, are fewer than the %d components that they are to give: paint %d products at least (--products), not %d, or give more real photos", real+painted, real, size, least, paint.Products)
}

// shopPhotos is how many photos of a shop are learned from.
func (m *maker) shopPhotos() int {
	if m.Shop == nil {
		return 0
	}
	return len(m.Shop.learned.crops)
}
