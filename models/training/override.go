package training

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/datasets/studio"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training/linear"
	"github.com/kleid-search/kleid/photo/colour"
)

// overrideHead is the name of the head, and of its stage.
const overrideHead = "override"

// OverrideProducts is how many of PaintOptions.Products count at most where the directions of facets are fitted.
const OverrideProducts = 600

// How many painted dresses those are fitted to at most, and how many of them are dyed anew: the studio's siblings share
// their cloth, so that a colour differs between others only.
const (
	overrideProducts = 2 * OverrideProducts
	dyedEvery        = 3
)

// dressed is a painted dress by what is known of it.
type dressed struct {
	vector  []float64 // mean of its photos' embeddings
	labels  []int     // of each facet
	sibling int       // an earlier dress that differs from it in few facets, -1 for none
}

// override fits the directions of the embeddings in which facets differ, and puts them into the model.
func (m *maker) override(ctx context.Context, model *models.Model) error {
	facets := append(datasets.Facets(), catalog.Facet{Name: colour.Facet, Labels: colour.Labels()})
	cells, dresses, err := m.overrideCells(ctx, model, facets)
	if err != nil {
		return err
	}
	model.Weights = model.Weights.WithoutOverrides()
	unsupervised := project(cells, model.Weights)
	for embedding, vectors := range map[string]linear.Matrix{"unsupervised": unsupervised, "deeprank": ranked(unsupervised, model.Weights)} {
		photos := vectors.Rows / len(dresses)
		for i := range dresses {
			dresses[i].vector = make([]float64, vectors.Columns)
			for p := range photos {
				for k, v := range vectors.Row(i*photos + p) {
					dresses[i].vector[k] += float64(v) / float64(photos)
				}
			}
		}
		effects, err := fitEffects(dresses, facets)
		if err != nil {
			return err
		}
		for f, facet := range facets {
			if basis := directions(effects[f]); basis != nil {
				model.Weights[models.OverrideName(embedding, facet.Name)] = basis
			}
		}
	}
	return nil
}

// overrideCells paints dresses, a catalogue's and a customer's photo of each, and returns their cells, the
// photos of a dress one after the other.
func (m *maker) overrideCells(ctx context.Context, model *models.Model, facets []catalog.Facet) (linear.Matrix, []dressed, error) {
	products := studio.Products(m.Paint.Domain+"-override", m.Paint.Seed, min(overrideProducts, 2*m.Paint.Products))
	number := map[string]int{}
	var siblings []int
	for i := range products {
		number[products[i].ID] = i
		sibling, earlier := number[products[i].Sibling]
		if !earlier {
			sibling = -1
		}
		siblings = append(siblings, sibling)
	}
	dyes := studio.Dyes()
	for i := 0; i < len(number); i += dyedEvery {
		products = append(products, products[i].Dyed(dyes[i/dyedEvery%len(dyes)]))
		siblings = append(siblings, i)
	}
	dresses := make([]dressed, len(products))
	const photos = 2
	config := model.Config
	config.Surroundings = nil // which embeddings do not read
	pool := newPool(config, nil)
	pool.Crops = make([]Crop, photos*len(products))
	var done atomic.Int64
	report := m.counter("override: painting")
	err := parallel(ctx, len(products), func(i int) error {
		p := &products[i]
		dresses[i] = dressed{labels: make([]int, len(facets)), sibling: siblings[i]}
		for f, facet := range facets {
			label := p.Facets[facet.Name]
			if facet.Name == colour.Facet {
				label = p.MainColour()
			}
			for l, known := range facet.Labels {
				if known == label {
					dresses[i].labels[f] = l
				}
			}
		}
		for shot := range photos {
			painted := p.Paint(studio.Shot{Query: shot > 0})
			pool.Crops[photos*i+shot] = pool.crop(painted.Image, painted.Box, nil)
		}
		report(int(done.Add(1)), len(products))
		return nil
	})
	if err != nil {
		return linear.Matrix{}, nil, err
	}
	looks := make([]look, len(pool.Crops))
	for i := range looks {
		looks[i] = look{crop: i, jitter: paintedJitter}
	}
	cells, err := newEmbeddingCellSource(m.Backend, pool, model).of(ctx, looks, m.counter("override: cells"))
	return cells, dresses, err
}

// ranked computes DeepRank embeddings of unsupervised ones.
func ranked(unsupervised linear.Matrix, weights models.Weights) linear.Matrix {
	out := linear.Layer{Weight: weights["deeprank.weight"]}.Apply(unsupervised)
	out.Normalise()
	return out
}

// The fit of effects. Two siblings tell what the facets do in which they differ, all else being the same.
// Strangers tell of all facets at once, and of more that is no facet: they weigh less.
const (
	strangerWeight = 0.1
	effectRidge    = 3 // holds the effects of rare labels near zero
)

// fitEffects fits what each label of each facet adds to an embedding, [labels, size] for each facet, by a ridge
// regression on all facets at once.
func fitEffects(dresses []dressed, facets []catalog.Facet) ([]*mat.Dense, error) {
	offsets := make([]int, len(facets)+1)
	for f, facet := range facets {
		offsets[f+1] = offsets[f] + len(facet.Labels)
	}
	labels, size := offsets[len(facets)], len(dresses[0].vector)
	share, mean := make([]float64, labels), make([]float64, size)
	for _, d := range dresses {
		for f, l := range d.labels {
			share[offsets[f]+l] += 1 / float64(len(dresses))
		}
		floats.AddScaled(mean, 1/float64(len(dresses)), d.vector)
	}
	var inputs, outputs []float64
	add := func(weight float64, input, output []float64) {
		floats.Scale(math.Sqrt(weight), input)
		floats.Scale(math.Sqrt(weight), output)
		inputs, outputs = append(inputs, input...), append(outputs, output...)
	}
	for _, d := range dresses {
		stranger := make([]float64, labels)
		floats.Sub(stranger, share)
		for f, l := range d.labels {
			stranger[offsets[f]+l]++
		}
		add(strangerWeight, stranger, floats.SubTo(make([]float64, size), d.vector, mean))
		if d.sibling < 0 {
			continue
		}
		other, between := dresses[d.sibling], make([]float64, labels)
		for f, l := range d.labels {
			between[offsets[f]+l]++
			between[offsets[f]+other.labels[f]]--
		}
		add(1, between, floats.SubTo(make([]float64, size), d.vector, other.vector))
	}
	x := mat.NewDense(len(inputs)/labels, labels, inputs)
	y := mat.NewDense(len(outputs)/size, size, outputs)
	normal := mat.NewSymDense(labels, nil)
	normal.SymOuterK(1, x.T())
	for i := range labels {
		normal.SetSym(i, i, normal.At(i, i)+effectRidge)
	}
	var right, effects mat.Dense
	right.Mul(x.T(), y)
	var cholesky mat.Cholesky
	if !cholesky.Factorize(normal) {
		return nil, errors.New("the facets' normal equations cannot be solved")
	}
	if err := cholesky.SolveTo(&effects, &right); err != nil {
		return nil, fmt.Errorf("the facets' normal equations: %w", err)
	}
	of := make([]*mat.Dense, len(facets))
	for f := range facets {
		of[f] = mat.DenseCopyOf(effects.Slice(offsets[f], offsets[f+1], 0, size))
	}
	return of, nil
}

// faint is the share of the strongest direction's effect below which a direction is left out.
const faint = 0.05

// directions is an orthonormal basis of what effects span, the strongest first; nil where there is none.
func directions(effects *mat.Dense) *models.Tensor {
	var svd mat.SVD
	if !svd.Factorize(effects, mat.SVDThin) {
		return nil
	}
	values := svd.Values(nil)
	kept := 0
	for kept < len(values) && values[kept] > max(faint*values[0], 1e-9) {
		kept++
	}
	if kept == 0 {
		return nil
	}
	var right mat.Dense
	svd.VTo(&right)
	size, _ := right.Dims()
	basis := models.NewTensor(kept, size)
	for i := range kept {
		for k := range size {
			basis.Data[i*size+k] = float32(right.At(k, i))
		}
	}
	return basis
}
