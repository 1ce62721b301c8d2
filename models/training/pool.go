// Package training makes Kleid's default model, stage by stage: it paints and reads the photos,
// assembles batches, and trains the trunk and its heads. Each stage is one file and ends in a
// checkpoint.
package training

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// Crop is a dress cut out of a photo with some of what is around it, in memory.
type Crop struct {
	Image *photo.Image
	Box   photo.Box // the dress, in pixels of Image
	Frame photo.Box // which part of Image is photo: the rest lies beyond its border
	// Whole is the photo that Image was cut out of, small, and the dress in it, for models that read surroundings; else nil.
	Whole    *photo.Image
	WholeBox photo.Box
	// Product numbers the dress: crops of one dress share it. Painted dresses count up from 0.
	Product int
	Query   bool      // a customer's photo, not the catalogue's
	Labels  []int16   // for each facet the index of its label, -1 where unknown
	Votes   [][]int16 // the same as each judge said it, where that is known
	Real    bool      // a photo, not painted
	Part    int       // of a mixture, see Part
	Fold    int       // that it is left out with, see FoldOf and calibrationFoldOf; -1 where it never is
	Name    string    // of a real photo's file
}

// Scene is a whole photo, in memory, with the dress in it.
type Scene struct {
	Image *photo.Image
	Box   photo.Box // empty where there is no dress
	Real  bool
	// Street says of a real one that it was taken in the street, see datasets.Example.
	Street bool
	Fold   int
	Name   string // of a real photo's file
}

// Pool is what training draws from.
type Pool struct {
	Facets []catalog.Facet
	called func(facet, label string) string // what Facets call a label of the studio; nil: the same

	Crops    []Crop
	Scenes   []Scene
	Products [][]int // crops of each painted product
	Siblings []int   // for each painted product its sibling, -1 for none

	drawn  func(name string) // is told of the photos of a batch, see drawnBy; nil for nobody
	Wholes []Whole           // real photos that the trunk learns from, without labels

	teacherDeviations []float32 // of the components of what a teacher sees; nil without one

	// kept is the height and width in pixels that crops are kept in at most; zero is for the shipped model's crops.
	kept [2]int
	// whole is the height and width in pixels that whole photos of crops are kept in at most; zero for models that read no
	// surroundings.
	whole [2]int
	// onlyCrops says that no Scenes are kept, for heads that read crops alone, and onlyScenes that no Crops are, for those
	// that read whole photos alone.
	onlyCrops, onlyScenes bool
	// cellRows is how many rows of cells there are from the top of a dress to its hem; 0 where nobody says.
	cellRows int
}

// newPool keeps crops large enough for what a model of this configuration reads.
func newPool(config models.Config, facets []catalog.Facet) *Pool {
	p := &Pool{Facets: facets, kept: keptSize(config), cellRows: config.CellRows}
	if config.Surroundings != nil {
		p.whole[0], p.whole[1] = config.WholeSize()
	}
	return p
}

// keptSize is the height and width in pixels of what is kept of a crop at most: enough for the networks' input with
// some zoom. Of a crop of 240 x 128 the dress has 222 x 119, and of one in memory, 304 x 176, it has 10/13.
func keptSize(config models.Config) [2]int {
	return [2]int{config.CropHeight * 19 / 15, config.CropWidth * 11 / 8}
}

// Sizes in pixels of what is kept of a scene at most: enough for the networks' inputs with some zoom. A real one is
// larger, since patches of it are looked at as well, and are to be as sharp as those of a photo.
const (
	sceneHeight     = 288
	sceneWidth      = 216
	realSceneHeight = 900
	realSceneWidth  = 675
	// surround is how much of the box's size is kept on each side of a crop.
	surround = 0.15
)

// PaintOptions say what the studio paints for a pool.
type PaintOptions struct {
	Domain      string // of the studio: products of different domains are never the same
	Seed        uint64
	Products    int
	Catalogue   int // catalogue photos of each product
	Queries     int // customers' photos of each product
	SceneEvery  int // every so many photos are kept as a scene, too
	Backgrounds int // scenes without a dress
}

// Paint adds painted photos to the pool, on all cores. Photos of which nothing is kept are not painted; the others are the
// same.
func (p *Pool) Paint(ctx context.Context, options PaintOptions, progress func(done, total int)) error {
	if p.onlyCrops {
		options.Backgrounds = 0
	}
	products := studio.Products(options.Domain, options.Seed, options.Products)
	shots := options.Catalogue + options.Queries
	first := len(p.Products)
	number := map[string]int{}
	for i := range products {
		number[products[i].ID] = first + i
	}
	dressed := len(products) * shots
	isScene := func(i int) bool { return !p.onlyCrops && (i >= dressed || i%options.SceneEvery == 0) }
	var wanted []int // photos, those of backgrounds behind the others
	for i := range dressed + options.Backgrounds {
		if !p.onlyScenes || isScene(i) {
			wanted = append(wanted, i)
		}
	}
	var crops []Crop
	if !p.onlyScenes {
		crops = make([]Crop, dressed)
	}
	scenes := make([]Scene, dressed+options.Backgrounds)
	var done atomic.Int64
	err := parallel(ctx, len(wanted), func(at int) error {
		defer func() { progress(int(done.Add(1)), len(wanted)) }()
		i := wanted[at]
		if i >= dressed {
			painted := studio.Background(options.Seed, studio.Shot{Index: uint64(i), Query: i%2 == 0})
			scenes[i] = scene(painted.Image, photo.Box{}, false, -1)
			return nil
		}
		product, shot := i/shots, i%shots
		painted := products[product].Paint(studio.Shot{Index: uint64(shot), Query: shot >= options.Catalogue})
		if !p.onlyScenes {
			crops[i] = p.crop(painted.Image, painted.Box, p.labelsOf(painted.Facets))
			crops[i].Product, crops[i].Query, crops[i].Fold = first+product, shot >= options.Catalogue, -1
		}
		if isScene(i) {
			scenes[i] = scene(painted.Image, painted.Box, false, -1)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range products {
		var own []int
		if !p.onlyScenes {
			for s := range shots {
				own = append(own, len(p.Crops)+i*shots+s)
			}
		}
		p.Products = append(p.Products, own)
		sibling, ok := number[products[i].Sibling]
		if !ok {
			sibling = -1
		}
		p.Siblings = append(p.Siblings, sibling)
	}
	p.Crops = append(p.Crops, crops...)
	for _, s := range scenes {
		if s.Image != nil {
			p.Scenes = append(p.Scenes, s)
		}
	}
	return nil
}

// labelsOf are the labels of a painted dress as the pool calls them.
func (p *Pool) labelsOf(painted map[string]string) map[string]string {
	if p.called == nil {
		return painted
	}
	labels := map[string]string{}
	for facet, label := range painted {
		labels[facet] = p.called(facet, label)
	}
	return labels
}

// ReadReal adds real photos: unless onlyScenes, crops of those with a dress (unlabelled ones as a whole, each a product
// of its own) and, unless onlyCrops, scenes of those where it is known whether and where there is a dress.
func (p *Pool) ReadReal(ctx context.Context, examples []datasets.Example, limits photo.Limits) error {
	first := map[string]int{} // of the examples of a photo that make a scene: it is one, however many tables know it
	for i, e := range examples {
		if _, known := first[e.Path]; !known && e.Located() {
			first[e.Path] = i
		}
	}
	isScene := func(i int) bool { return !p.onlyCrops && examples[i].Located() && first[examples[i].Path] == i }
	var crops []Crop
	if !p.onlyScenes {
		crops = make([]Crop, len(examples))
	}
	scenes := make([]Scene, len(examples))
	err := parallel(ctx, len(examples), func(i int) error {
		e := examples[i]
		if p.onlyScenes && !isScene(i) {
			return nil
		}
		image, box, err := readExample(e, limits)
		if err != nil {
			return err
		}
		if !p.onlyScenes {
			crops[i] = p.crop(image, box, e.Labels)
			for _, vote := range e.Votes {
				crops[i].Votes = append(crops[i].Votes, p.indices(vote))
			}
			crops[i].Product, crops[i].Real, crops[i].Fold, crops[i].Name = -1, true, FoldOf(e), e.Path
		}
		if isScene(i) {
			if e.NoDress {
				box = photo.Box{}
			}
			scenes[i] = scene(image, box, true, e.Fold)
			scenes[i].Name, scenes[i].Street = e.Path, e.Street
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.Crops = append(p.Crops, crops...)
	for _, s := range scenes {
		if s.Image != nil {
			p.Scenes = append(p.Scenes, s)
		}
	}
	return nil
}

// photoError is a photo that cannot be decoded.
type photoError struct {
	path   string
	reason error
}

func (e *photoError) Error() string { return fmt.Sprintf("%s: %v", e.path, e.reason) }

func (e *photoError) Unwrap() error { return e.reason }

// readExample returns a photo and the dress's box in it, as far as it is in the photo; the whole photo where it is not
// known.
func readExample(e datasets.Example, limits photo.Limits) (*photo.Image, photo.Box, error) {
	data, err := os.ReadFile(e.Path)
	if err != nil {
		return nil, photo.Box{}, err
	}
	image, err := photo.Open(data, limits)
	if err != nil {
		return nil, photo.Box{}, &photoError{e.Path, err}
	}
	frame := image.Frame()
	if e.Box == nil {
		return image, frame, nil
	}
	box := e.Box.Intersect(frame)
	switch {
	case box.Empty():
		err = newBoxError("the box %v lies outside the photo of %d x %d pixels", *e.Box, frame.Width(), frame.Height())
	case box.Width() < leastBox || box.Height() < leastBox:
		err = newBoxError("the box %v has %d x %d pixels, too few for a dress: boxes are in pixels, not in shares of the photo", *e.Box, box.Width(), box.Height())
	}
	if err != nil {
		return nil, photo.Box{}, &photoError{e.Path, err}
	}
	return image, box, nil
}

// boxError is of a box that cannot be one of a dress in its photo.
type boxError struct{ text string }

func newBoxError(format string, args ...any) error { return &boxError{fmt.Sprintf(format, args...)} }

func (e *boxError) Error() string { return e.text }

// leastBox is how wide and high in pixels a dress is at least.
const leastBox = 4

// crop keeps the dress and what is around it.
func (p *Pool) crop(image *photo.Image, box photo.Box, labels map[string]string) Crop {
	kept := p.kept
	if kept == [2]int{} {
		kept = keptSize(models.DefaultConfig())
	}
	small, placement := photo.Shrink(image, box.Grow(surround), kept[1], kept[0])
	c := Crop{Image: small, Box: placement.BoxFromPhoto(box), Frame: placement.BoxFromPhoto(image.Frame()), Labels: p.indices(labels)}
	if p.whole != [2]int{} {
		c.Whole, placement = photo.Shrink(image, image.Frame(), p.whole[1], p.whole[0])
		c.WholeBox = placement.BoxFromPhoto(box)
	}
	return c
}

// indices are, for each facet, where in its labels the one is, -1 where there is none.
func (p *Pool) indices(labels map[string]string) []int16 {
	all := make([]int16, len(p.Facets))
	for i, facet := range p.Facets {
		all[i] = int16(slices.Index(facet.Labels, labels[facet.Name]))
	}
	return all
}

// judged are a crop's labels for a look at it: those of one judge after the other, so that heads learn how sure people
// are, and also of what most of them did not agree on.
func (c *Crop) judged(look int) []int16 {
	if len(c.Votes) == 0 {
		return c.Labels
	}
	return c.Votes[look%len(c.Votes)]
}

// scene keeps a whole photo.
func scene(image *photo.Image, box photo.Box, real bool, fold int) Scene {
	width, height := sceneWidth, sceneHeight
	if real {
		width, height = realSceneWidth, realSceneHeight
	}
	small, placement := photo.Shrink(image, image.Frame(), width, height)
	s := Scene{Image: small, Real: real, Fold: fold}
	if !box.Empty() {
		s.Box = placement.BoxFromPhoto(box)
	}
	return s
}

// parallel runs f(0) … f(n-1) on all cores and returns the first error.
func parallel(ctx context.Context, n int, f func(i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := f(i); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	wait.Wait()
	return context.Cause(ctx)
}
