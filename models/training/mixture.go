package training

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/vocabulary"
	"github.com/kleid-search/kleid/photo"
)

// Part is a dataset in a mixture that facet heads learn from.
type Part struct {
	Dataset *datasets.Dataset
	// Weight of all weights is the part's share of each batch.
	Weight float64
	// Painted says that the dataset is Studio's: its photos are painted, as Options.Paint says.
	Painted bool
}

// Studio is the painted dresses as a dataset: what they are labelled with. They are painted when they are needed.
func Studio() *datasets.Dataset {
	d := &datasets.Dataset{Name: "studio", Facets: datasets.Facets(), Order: map[string][]string{}}
	for _, f := range d.Facets {
		d.Order[f.Name] = f.Labels
	}
	return d
}

// Mixture is what facet heads are fitted to.
type Mixture struct {
	Parts []Part
	Plan  vocabulary.Plan
	// Tests are measured with: what they share with the parts is not learned from.
	Tests []*datasets.Dataset
	// Split is that of the photos of Tests that are measured with; "" takes all.
	Split datasets.Split
}

// Bad are the photos and rows of the datasets that are known to be bad before anybody looks into the photos; total
// counts all, good ones included.
func (m Mixture) Bad() (bad []datasets.Bad, total int) {
	for _, d := range m.sets() {
		bad = append(bad, d.Bad...)
		total += d.Size()
	}
	return bad, total
}

// sets are the datasets of photos, those to measure with last.
func (m Mixture) sets() []*datasets.Dataset {
	var sets []*datasets.Dataset
	for _, part := range m.Parts {
		if !part.Painted {
			sets = append(sets, part.Dataset)
		}
	}
	return append(sets, m.Tests...)
}

// LabelledPhoto is a photo that could be read, its labels those of the plan, its box where the heads look.
type LabelledPhoto struct {
	datasets.Example
	// Found says that the box is where the model finds a dress, and not one that was given.
	Found bool
}

// FacetPhotos are the photos of a mixture, read and cropped.
type FacetPhotos struct {
	// Learned and Measured have no photo in common; Others are neither: those of Marked, and those that have no label of
	// the facets.
	Learned, Measured, Others []LabelledPhoto
	// Marked counts the Others that somebody marked as test, while other datasets are measured with: they are not to be
	// learned from either.
	Marked int
	// NoDress counts the photos that are said to show none, which are left out.
	NoDress int
	// Bad are those that cannot be read, the datasets' own included; Total counts all.
	Bad   []datasets.Bad
	Total int
	// Whole counts the photos without a box in which the model finds no dress: they are taken as a whole.
	Whole int
	// Shared counts the photos that are not learned from since they, or their products, are measured with.
	Shared int
	// Repeated counts the photos that are not measured with again, since an earlier dataset has them to measure with.
	Repeated int

	mixture Mixture
	pool    *Pool
	folds   int // see calibrationFoldOf
}

// ReadFacetPhotos reads the photos of a mixture, on all cores, and locates the dresses that have no box, as an
// index does. What cannot be read is counted and left out.
func ReadFacetPhotos(ctx context.Context, options Options, mixture Mixture) (*FacetPhotos, error) {
	if err := options.checkOwnTrunk(mixture.Plan.Start); err != nil { // photos take their time
		return nil, err
	}
	locator, err := embedding.NewDescriber(options.Backend, options.From)
	if err != nil {
		return nil, err
	}
	m := &maker{Options: options}
	config := options.facetLoss().looking(options.From.Config, mixture.Plan.Facets)
	p := &FacetPhotos{mixture: mixture, pool: newPool(config, mixture.Plan.Facets), folds: options.calibrationFolds()}
	p.pool.onlyCrops = true
	p.pool.called = mixture.Plan.Label
	all := p.sort(mixture)
	progress := m.counter("reading photos")
	const chunk = 32
	for begin := 0; begin < len(all); begin += chunk {
		part := all[begin:min(begin+chunk, len(all))]
		if err := p.read(ctx, locator, part); err != nil {
			return nil, err
		}
		progress(begin+len(part), len(all))
	}
	return p, nil
}

// learned are models.Config.Learned of a model that has learned from the photos, beside what it had learned from before.
func (p *FacetPhotos) learned(before map[string]models.PhotoSample) map[string]models.PhotoSample {
	learned := maps.Clone(before)
	for _, facet := range p.mixture.Plan.Facets {
		ids := PhotoIDs(p.Learned, facet.Name)
		if len(ids) == 0 { // painted dresses alone
			continue
		}
		if learned == nil {
			learned = map[string]models.PhotoSample{}
		}
		learned[facet.Name] = learned[facet.Name].With(ids)
	}
	return learned
}

// PhotoIDs are those of the photos that have a label of a facet.
func PhotoIDs(photos []LabelledPhoto, facet string) []string {
	var ids []string
	for _, photo := range photos {
		if photo.Labels[facet] != "" {
			ids = append(ids, photo.PhotoID)
		}
	}
	return ids
}

// ownPhoto is a photo on its way into a pool.
type ownPhoto struct {
	LabelledPhoto
	part int
	from *datasets.Dataset
	to   *[]LabelledPhoto // where it belongs
	// product is what the first dataset with this photo says: no other part of the calibration has it by another name.
	product string
	// Of one that is read:
	image *photo.Image
	crop  Crop
}

// sort lists the photos of a mixture, and says of each what it is for. A photo, byte for byte, that is measured with
// is not learned from, whichever dataset has it, nor are photos that another dataset has of its product. One that several
// datasets have is measured with once, as the first of them labels it.
func (p *FacetPhotos) sort(mixture Mixture) []ownPhoto {
	var all []ownPhoto
	apart, products := map[string]bool{}, map[string]*datasets.Dataset{} // of a product where it is measured with
	first, measured := map[string]string{}, map[dressFacet]bool{}        // of a photo its product in the first dataset that has it
	p.Bad, p.Total = mixture.Bad()
	// Whoever measures with datasets of their own needs no share of the others, but for what is marked as such.
	test := func(e datasets.Example) bool {
		return e.Split == datasets.Test && (e.SplitGiven || len(mixture.Tests) == 0)
	}
	add := func(part int, d *datasets.Dataset, to func(e datasets.Example) *[]LabelledPhoto) {
		for _, e := range mixture.Plan.Examples(d) {
			if e.NoDress {
				p.NoDress++
				continue
			}
			own := ownPhoto{part: part, LabelledPhoto: LabelledPhoto{Example: e}, from: d, to: &p.Others, product: e.Product}
			if product, ok := first[e.PhotoID]; ok {
				own.product = product
			} else {
				first[e.PhotoID] = e.Product
			}
			if len(e.Labels) > 0 {
				own.to = to(e)
			}
			if own.to == &p.Measured || test(e) {
				apart[e.PhotoID] = true
				for _, product := range e.GivenProducts() {
					products[product] = d
				}
			}
			if own.to == &p.Measured {
				if own.Labels = unmeasured(e, measured); len(own.Labels) == 0 {
					p.Repeated++
					continue
				}
			}
			all = append(all, own)
		}
	}
	for i, part := range mixture.Parts {
		if part.Painted {
			continue
		}
		add(i, part.Dataset, func(e datasets.Example) *[]LabelledPhoto {
			switch {
			case !test(e):
				return &p.Learned
			case len(mixture.Tests) > 0:
				return &p.Others
			}
			return &p.Measured
		})
	}
	for _, d := range mixture.Tests {
		add(-1, d, func(e datasets.Example) *[]LabelledPhoto {
			if mixture.Split != "" && e.Split != mixture.Split {
				return nil
			}
			return &p.Measured
		})
	}
	return slices.DeleteFunc(all, func(o ownPhoto) bool {
		if o.to == nil { // nobody asked for it, and it need not be read
			return true
		}
		elsewhere := slices.ContainsFunc(o.GivenProducts(), func(product string) bool {
			measured := products[product]
			return measured != nil && measured != o.from // where its own dataset says otherwise, it knows
		})
		shared := o.to == &p.Learned && (apart[o.PhotoID] || elsewhere)
		if shared {
			p.Shared++
		}
		return shared
	})
}

// dressFacet is a facet of a dress in a photo.
type dressFacet struct {
	photo string
	box   photo.Box // empty where it was not given
	facet string
}

// unmeasured are the labels of those facets that the dress is not measured with yet; it is afterwards.
func unmeasured(e datasets.Example, measured map[dressFacet]bool) map[string]string {
	labels := map[string]string{}
	for facet, label := range e.Labels {
		key := dressFacet{photo: e.PhotoID, facet: facet}
		if e.Box != nil {
			key.box = *e.Box
		}
		if !measured[key] {
			measured[key], labels[facet] = true, label
		}
	}
	return labels
}

// read reads a few photos.
func (p *FacetPhotos) read(ctx context.Context, locator *embedding.Embedder, photos []ownPhoto) error {
	reasons := make([]error, len(photos))
	err := parallel(ctx, len(photos), func(i int) error {
		o := &photos[i]
		var box photo.Box
		if o.image, box, reasons[i] = readExample(o.Example, photo.DefaultLimits()); o.Box != nil {
			o.Box = &box
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := p.locate(ctx, locator, photos, reasons); err != nil {
		return err
	}
	err = parallel(ctx, len(photos), func(i int) error {
		if o := &photos[i]; reasons[i] == nil && o.to == &p.Learned {
			o.crop = p.pool.crop(o.image, *o.Box, o.Labels)
			o.crop.Product, o.crop.Real, o.crop.Part, o.crop.Fold, o.crop.Name = -1, true, o.part, calibrationFoldOf(o.product, p.folds), o.Source
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range photos {
		o := &photos[i]
		o.image = nil
		if reasons[i] != nil {
			p.Bad = append(p.Bad, datasets.Bad{Photo: o.Source, Reason: reasonOf(reasons[i])})
			continue
		}
		*o.to = append(*o.to, o.LabelledPhoto)
		if o.to == &p.Others && len(o.Labels) > 0 {
			p.Marked++
		}
		if o.to == &p.Learned {
			p.pool.Crops = append(p.pool.Crops, o.crop)
			o.crop = Crop{}
		}
	}
	return nil
}

// locate gives a box to the photos that have none.
func (p *FacetPhotos) locate(ctx context.Context, locator *embedding.Embedder, photos []ownPhoto, reasons []error) error {
	var inputs []embedding.Input
	var of []*ownPhoto
	for i := range photos {
		if reasons[i] == nil && photos[i].Box == nil {
			inputs, of = append(inputs, embedding.Input{Image: photos[i].image}), append(of, &photos[i])
		}
	}
	seen, err := locator.Locate(ctx, inputs)
	if err != nil {
		return err
	}
	for i, o := range of {
		box := o.image.Frame()
		if seen[i].Status == catalog.StatusOK {
			box = seen[i].Box
			o.Found = true
		} else {
			p.Whole++
		}
		o.Box = &box
	}
	return nil
}

// calibrationFolds is into how many parts the photos fall to fit temperatures: each is looked at by heads that
// have learned from the others.
const calibrationFolds = 3

func (o Options) calibrationFolds() int {
	if o.OwnTrunk > 0 {
		return ownTrunkFolds
	}
	return calibrationFolds
}

// ownTrunkFolds is into how many parts they fall where facets have a trunk of their own, which learns from all but
// the first: an eighth is enough to fit temperatures to.
const ownTrunkFolds = 8

func calibrationFoldOf(product string, folds int) int {
	sum := sha256.Sum256([]byte("calibration\x00" + product))
	return int(binary.BigEndian.Uint64(sum[:]) % uint64(folds))
}

// reasonOf is why a photo is bad, without its path.
func reasonOf(err error) string {
	var at *photoError
	if errors.As(err, &at) {
		err = at.reason
	}
	return err.Error()
}
