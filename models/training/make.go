package training

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/backends"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/loop"
	"github.com/kleid-search/kleid/models/training/report"
	"github.com/kleid-search/kleid/storage"
)

// Options of the making of a model.
type Options struct {
	Backend backends.Backend
	// Work is where stages leave their checkpoints and results. A stage whose result is there is not
	// run again; one with a checkpoint goes on from it, on another machine too.
	Work storage.Bucket
	// Reference are the real photos; nil trains on painted ones alone.
	Reference *datasets.Reference
	// Location are photos of datasets of people's own, of which it is known where the dress is; nil for none.
	Location *LocationPhotos
	Trunk    TrunkOptions
	Paint    PaintOptions
	Logger   *slog.Logger
	// From is a model whose heads are trained anew; nil trains a trunk first.
	From *models.Model
	// Heads are trained, in the order of AllHeads; nil means all.
	Heads []string
	// Shop are a shop's products, which the similarity embeddings learn from as well; nil for none.
	Shop *Shop
	// Triplets are those of Reference, read; nil reads them where they are needed.
	Triplets *JudgedTriplets
	// Mining chooses what DeepRank compares a product with; the zero value is BatchHard.
	Mining Mining
	// FacetLoss judges the facet heads.
	FacetLoss FacetLoss
	// OwnTrunk is for how many steps a trunk that facets have to themselves is trained with their heads; 0 trains
	// their heads alone, on the model's trunk.
	OwnTrunk int
	// Stale are what Work holds of a model that was there before: deleted when another one takes its place.
	Stale []string
	// Steps of each head; 0 takes each head's own number.
	Steps int
	// Loop says how the heads are trained, as Trunk.Loop does for the trunk.
	Loop loop.Options
	// Seed is added to the seeds of all trainings and of what is painted, so that another one draws other weights,
	// batches and dresses.
	Seed uint64
	// Code is the version of the program, for the model's notes.
	Code string
	// Measure, if it is not nil, measures the model once it is made, for the report, which also has why that failed.
	Measure func(ctx context.Context, model *models.Model) (report.Figures, error)
	// Watch is told of every step and of all that is counted; nil logs now and then instead.
	Watch func(stage string, p loop.Progress)
}

// AllHeads are the parts that are trained on a frozen trunk, in the order in which they build on each
// other.
var AllHeads = []string{"projection", "background", "location", "refine", "facets", "deeprank", overrideHead}

// DefaultPaintOptions is what a default model learns from. Of six photos of a product each is a scene of some: five and
// six have no common divisor.
func DefaultPaintOptions() PaintOptions {
	return PaintOptions{Domain: "train", Seed: 1, Products: 4000, Catalogue: 3, Queries: 3, SceneEvery: 5, Backgrounds: 2000}
}

// OfProducts are so many products in the same mixture: the scenes without a dress become fewer or more with them.
func (o PaintOptions) OfProducts(n int) PaintOptions {
	o.Backgrounds = (o.Backgrounds*n + o.Products - 1) / o.Products
	o.Products = n
	return o
}

// modelKey is where the result goes in Work.
const modelKey = "model.safetensors"

// maker carries what the stages share.
type maker struct {
	Options
	pool *Pool // painted and real photos
	held *Pool // painted products that nothing learns from, for calibration
	// cells and embedded are of the pool's crops, on the trunk whose heads are trained: see cellSource and
	// embeddingCells.
	cells, embedded *cellSource
	// heldCells are of held's.
	heldCells *cellSource
	// dresses of the pool's scenes, on that trunk.
	dresses *dressPatches
	// shopCrops is where the crops of Options.Shop begin in the pool.
	shopCrops int
	// tripletCrops are the crops of the judged triplets' photos, by name, once they were read.
	tripletCrops map[string]int

	// known are the examples of all real photos, once they were asked for.
	known []datasets.Example
	// reference is the fingerprint of Options.Reference; empty without one.
	reference string

	report *report.Report
	// painted is whether an earlier run in Work had painted its photos.
	painted bool
	// trainings are what its stages show, of those that ran in this process.
	trainings map[*report.Stage]*stageProgress
	// Of the current stage: its name, its checkpoint's key, and the class weights in force.
	current, checkpoint string
	warned              string // the stage whose warm-up was told to be long
	weights             []report.ClassWeight
}

// newMaker checks the options and readies the stages.
func newMaker(ctx context.Context, options Options) (*maker, error) {
	m := &maker{Options: options}
	if m.Heads == nil {
		m.Heads = AllHeads
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	m.Options.Trunk.Seed += m.Seed
	m.Options.Paint.Seed += m.Seed
	if m.Reference != nil {
		var err error
		if m.reference, err = m.Reference.Fingerprint(); err != nil {
			return nil, err
		}
	}
	if err := m.checkPhotos(m.shopPhotos()); err != nil {
		return nil, err
	}
	if err := m.readTriplets(ctx); err != nil {
		return nil, err
	}
	m.report = m.openReport(ctx)
	m.painted = slices.ContainsFunc(m.report.Facts, func(f report.Fact) bool { return f.Name == productsFact })
	return m, nil
}

// Make trains a model, stage by stage, measures it, and returns it as it is read back from its file: from nothing, or new
// heads for Options.From.
func Make(ctx context.Context, options Options) (*models.Model, error) {
	m, err := newMaker(ctx, options)
	if err != nil {
		return nil, err
	}
	model, err := m.makeModel(ctx)
	if err == nil {
		err = m.measure(ctx, model)
	}
	m.endReport(ctx, err)
	return model, err
}

// makeModel is Make, but for its report.
func (m *maker) makeModel(ctx context.Context) (*models.Model, error) {
	model := m.From
	if model == nil {
		trunk, err := m.trunk(ctx)
		if err != nil {
			return nil, err
		}
		model = &models.Model{Config: m.Options.Trunk.Config, Weights: trunk}
		model.Config.Surroundings = m.surroundings()
	} else {
		model = m.toTrain()
		if slices.Contains(m.Heads, "projection") { // which all that reads these cells follows from
			usual := models.DefaultConfig()
			model.Config.CellFocus, model.Config.DressWeight, model.Config.Texture = usual.CellFocus, usual.DressWeight, usual.Texture
		}
	}
	model.Config.Learned = m.learned(model.Config.Learned)
	if len(m.Heads) > 0 {
		if err := m.heads(ctx, model); err != nil {
			return nil, err
		}
	}
	var data []string
	if m.reference != "" {
		data = append(data, m.reference)
	}
	if m.Location != nil {
		data = append(data, m.Location.fingerprint())
	}
	if m.Shop != nil {
		data = append(data, m.Shop.fingerprint)
	}
	m.note(model, data...)
	b, saved, err := encoded(model, models.Float16)
	if err != nil {
		return nil, err
	}
	return saved, m.put(ctx, b)
}

// toTrain is Options.From with what the heads that are trained will read of a photo.
func (m *maker) toTrain() *models.Model {
	model := &models.Model{Config: m.From.Config, Weights: m.From.Weights.Clone()}
	model.Config.Surroundings = m.surroundings()
	return model
}

// put writes the model to Options.Work, in place of another one and what was measured of that.
func (m *maker) put(ctx context.Context, file *bytes.Buffer) error {
	for _, key := range m.Stale {
		if err := m.Work.Delete(ctx, key); err != nil {
			return err
		}
	}
	if err := m.Work.Put(ctx, modelKey, file); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	return nil
}

// note says in a model where it comes from: the model that it was trained from, its trunk, the data, the program.
func (m *maker) note(model *models.Model, data ...string) {
	notes := map[string]string{models.NoteCode: m.Code, models.NoteTrunk: model.Config.Notes[models.NoteTrunk]}
	if m.From != nil {
		notes[models.NoteParent] = m.From.SHA256
	}
	for i, fingerprint := range data {
		data[i] = noted(fingerprint)
	}
	notes[models.NoteDataset] = strings.Join(slices.DeleteFunc(data, func(s string) bool { return s == "" }), "+")
	maps.DeleteFunc(notes, func(_, note string) bool { return note == "" })
	model.Config.Notes = notes
}

// noteLength is how much of a fingerprint stands in a note.
const noteLength = 16

func noted(fingerprint string) string { return fingerprint[:min(len(fingerprint), noteLength)] }

// LearnedFrom says whether a model comes from a training with these very real photos.
func LearnedFrom(model *models.Model, reference *datasets.Reference) (bool, error) {
	fingerprint, err := reference.Fingerprint()
	return slices.Contains(strings.Split(model.Config.Notes[models.NoteDataset], "+"), noted(fingerprint)), err
}

// surroundings is what the model that is made sees around a dress.
func (m *maker) surroundings() *models.SurroundingsConfig {
	if !slices.Contains(m.Heads, "facets") {
		return m.config().Surroundings
	}
	return m.FacetLoss.surroundings(m.config(), datasets.Facets())
}

// config is that of the model that is trained, before.
func (m *maker) config() models.Config {
	if m.From != nil {
		return m.From.Config
	}
	return m.Options.Trunk.Config
}
