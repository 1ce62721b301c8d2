package quantize

import (
	"fmt"
	"math"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// sight is a photo with what the float model sees in it, in the box that it found or, where it found none, in the
// whole photo.
type sight struct {
	image *photo.Image
	found embedding.Photo
	box   *photo.Box
	in    embedding.Photo // of the box
}

// look embeds photos [from, to) of the sample with the float model.
func (q *quantizer) look(c *cli.Context, from, to int) ([]sight, error) {
	images, err := q.images(c, from, to)
	if err != nil {
		return nil, err
	}
	if len(images) == 0 {
		return nil, fmt.Errorf("none of the %d photos to compare the models on can be read", to-from)
	}
	seen := make([]sight, len(images))
	found, err := q.float.Embed(c.Context, inputsOf(images, nil))
	if err != nil {
		return nil, err
	}
	boxes := make([]*photo.Box, len(images))
	for i, m := range images {
		box := m.Frame()
		if found[i].Status == catalog.StatusOK {
			box = found[i].Box
		}
		boxes[i] = &box
	}
	in, err := q.float.Embed(c.Context, inputsOf(images, boxes))
	if err != nil {
		return nil, err
	}
	for i := range seen {
		seen[i] = sight{images[i], found[i], boxes[i], in[i]}
	}
	return seen, nil
}

// embedIn embeds the boxes of what was seen with another model.
func (q *quantizer) embedIn(c *cli.Context, model *models.Model, seen []sight) (e *embedding.Embedder, unsupervised, deepRank cosines, in []embedding.Photo, err error) {
	if e, err = embedding.New(q.backend, model); err != nil {
		return
	}
	inputs := make([]embedding.Input, len(seen))
	for i, s := range seen {
		inputs[i] = embedding.Input{Image: s.image, Box: s.box}
	}
	if in, err = e.Embed(c.Context, inputs); err != nil {
		return
	}
	unsupervised = alike(len(seen), func(i int) (a, b []float32) { return seen[i].in.Unsupervised, in[i].Unsupervised })
	deepRank = alike(len(seen), func(i int) (a, b []float32) { return seen[i].in.DeepRank, in[i].DeepRank })
	return
}

// alike are the cosines of n pairs of unit vectors.
func alike(n int, pair func(i int) (a, b []float32)) cosines {
	of := cosines{Min: 1}
	for i := range n {
		a, b := pair(i)
		var dot float64
		for j, v := range a {
			dot += float64(v) * float64(b[j])
		}
		of.Mean += dot / float64(n)
		of.Min = math.Min(of.Min, dot)
	}
	return of
}

// compare fills in how the quantised model differs.
func (q *quantizer) compare(c *cli.Context, quantised *models.Model, seen []sight, f *Figures) error {
	e, unsupervised, deepRank, in, err := q.embedIn(c, quantised, seen)
	if err != nil {
		return err
	}
	f.Checked, f.Unsupervised, f.DeepRank = len(seen), unsupervised, deepRank
	labels, same := 0, 0
	for i, s := range seen {
		for n, facet := range s.in.Facets {
			labels++
			if in[i].Facets[n].Label == facet.Label {
				same++
			}
		}
	}
	f.Facets = share(float64(same), labels)
	images := make([]*photo.Image, len(seen))
	for i, s := range seen {
		images[i] = s.image
	}
	found, err := e.Embed(c.Context, inputsOf(images, nil))
	if err != nil {
		return err
	}
	both, alike, overlap := 0, 0, 0.0
	for i, s := range seen {
		if found[i].Status == s.found.Status {
			alike++
			if s.found.Status == catalog.StatusOK {
				both++
				overlap += s.found.Box.IoU(found[i].Box)
			}
		}
	}
	f.Boxes = share(overlap, both)
	f.Found = float64(alike) / float64(len(seen))
	return nil
}

// share of all; nil of nothing.
func share(part float64, all int) *float64 {
	if all == 0 {
		return nil
	}
	return new(part / float64(all))
}

// shareText is a share, times a factor, as a format writes it, or a dash where there is none.
func shareText(format string, share *float64, factor float64) string {
	if share == nil {
		return "–"
	}
	return fmt.Sprintf(format, *share*factor)
}

// layers measures each layer with all others in float32.
func (q *quantizer) layers(c *cli.Context, seen []sight, options models.QuantiseOptions, f *Figures) error {
	options.FloatResiduals = true // where the layer does not read the shortcut
	all := q.calibration.Layers()
	for i, layer := range all {
		options.Float = nil
		for _, other := range all {
			if other != layer {
				options.Float = append(options.Float, other)
			}
		}
		model, err := q.calibration.Model(options)
		if err != nil {
			return err
		}
		_, unsupervised, deepRank, _, err := q.embedIn(c, model, seen)
		if err != nil {
			return err
		}
		f.Layers = append(f.Layers, layerFigures{layer, unsupervised, deepRank})
		q.progress.Show("layers", i+1, len(all), "")
	}
	return nil
}

// print shows the figures to a person.
func (f *Figures) print(c *cli.Context) error {
	w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', tabwriter.AlignRight)
	if len(f.Layers) > 0 {
		fmt.Fprintln(w, "layer in int8\tunsupervised, mean cosine\tmin\tDeepRank, mean\tmin\t")
		for _, l := range f.Layers {
			fmt.Fprintf(w, "%s\t%.5f\t%.5f\t%.5f\t%.5f\t\n", l.Layer, l.Unsupervised.Mean, l.Unsupervised.Min, l.DeepRank.Mean, l.DeepRank.Min)
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(c.App.Writer, `%s: %.1f MB, calibrated on %d photos; on %d others, against float32:
  cosine of the unsupervised embedding: %.4f on average, %.4f at least
  cosine of the DeepRank embedding: %.4f on average, %.4f at least
  facets alike in %s, dresses found alike in %.1f%% of the photos, boxes with a mean IoU of %s
`, f.Out, float64(f.Bytes)/1e6, f.Calibrated, f.Checked, f.Unsupervised.Mean, f.Unsupervised.Min, f.DeepRank.Mean, f.DeepRank.Min,
		shareText("%.1f%%", f.Facets, 100), 100*f.Found, shareText("%.3f", f.Boxes, 1))
	return err
}
