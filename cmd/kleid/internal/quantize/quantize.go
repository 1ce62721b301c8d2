// Package quantize is kleid quantize: an int8 model, and what it costs.
package quantize

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/backends"
	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/output"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/photo"
)

// Figures is what `quantize --json` prints. Everything but Calibrated is about photos that were not
// calibrated on.
type Figures struct {
	Out            string  `json:"out"`
	Bytes          int     `json:"bytes"`
	EmbeddingModel string  `json:"embedding_model"`
	Calibrated     int     `json:"photos_calibrated"`
	Unreadable     int     `json:"photos_unreadable"`
	Checked        int     `json:"photos_checked"`
	Unsupervised   cosines `json:"cosine_unsupervised"` // of int8 and float32, with the same box
	DeepRank       cosines `json:"cosine_deeprank"`
	// Facets is the share of the labels that are the same, Boxes the mean over photos where both find a dress; nil of none.
	Facets *float64 `json:"facets_alike,omitempty"`
	Boxes  *float64 `json:"box_iou,omitempty"`
	Found  float64  `json:"found_alike"` // share of the photos where both find a dress, or both none

	Layers []layerFigures `json:"layers,omitempty"`
}

// cosines of vectors.
type cosines struct {
	Mean float64 `json:"mean"`
	Min  float64 `json:"min"`
}

// layerFigures is what one layer alone in int8 costs.
type layerFigures struct {
	Layer        string  `json:"layer"`
	Unsupervised cosines `json:"cosine_unsupervised"`
	DeepRank     cosines `json:"cosine_deeprank"`
}

// Command makes an int8 model of another one.
func Command() *cli.Command {
	var clippings []string
	for _, clipping := range models.Clippings() {
		clippings = append(clippings, string(clipping))
	}
	return &cli.Command{
		Name:  "quantize",
		Usage: "make an int8 model of a float32 one: quicker, and about half the size",
		Description: `The convolutions of trunk and location compute with int8 weights and 8-bit activations afterwards; the
linear heads stay float32. A model with an ONNX trunk is refused. The ranges of the activations come from
a sample of photos, a shop's own if it has some. The result is a model file like any other: --models of
index, serve, search, … takes it. It has an embedding_model of its own, so that an index is made anew with
it.

Prints how alike the vectors of both models are, on photos that were not calibrated on.

Examples:
  kleid quantize --out kleid-s-int8.safetensors
  kleid quantize --model shop.safetensors --calibrate photos/ --out shop-int8.safetensors
  kleid quantize --out kleid-s-int8.safetensors --layers --json`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "models", Aliases: []string{"model"}, EnvVars: flags.Env("models"), DefaultText: "the one in the program", Usage: "float32 model to quantise: a `FILE`, an https:// or s3:// URL of one, or a registry, as --models of kleid index"},
			&cli.StringFlag{Name: "calibrate", EnvVars: flags.Env("calibrate"), DefaultText: "painted dresses", Usage: "folder of photos, or a .csv, .jsonl or .parquet `FILE`"},
			&cli.IntFlag{Name: "photos", Value: 256, EnvVars: flags.Env("photos"), Usage: "`N` photos to calibrate on"},
			&cli.IntFlag{Name: "check", Value: 128, EnvVars: flags.Env("check"), Usage: "`N` other photos to compare both models on"},
			&cli.StringFlag{Name: "clip", Value: string(models.DefaultClipping), EnvVars: flags.Env("clip"), Usage: "how ranges are chosen: " + strings.Join(clippings, ", ")},
			&cli.StringSliceFlag{Name: "float", EnvVars: flags.Env("float"), Usage: "`LAYER` that stays float32; may be repeated (in the variable parted by ;)"},
			&cli.BoolFlag{Name: "layers", DisableDefaultText: true, EnvVars: flags.Env("layers"), Usage: "tell also what each layer alone costs"},
			&cli.StringFlag{Name: "out", EnvVars: flags.Env("quantize-out"), Usage: "`FILE` to write"},
			flags.JSON(), open.BackendFlag(), open.ThreadsFlag(),
		},
		Action: action,
	}
}

func action(c *cli.Context) error {
	if err := flags.Required(c, "out"); err != nil {
		return err
	}
	if err := flags.Positive(c, "photos", "check"); err != nil {
		return err
	}
	if err := flags.OnDisk(c, "out"); err != nil {
		return err
	}
	if output.SameFile(c.String("models"), c.String("out")) {
		return exit.WrongUsage(c, "--out is the float32 model itself: name another file")
	}
	options := models.QuantiseOptions{Clipping: models.Clipping(c.String("clip")), Float: flags.Repeated(c, "float")}
	if !slices.Contains(models.Clippings(), options.Clipping) {
		return exit.WrongUsage(c, "--clip is %q, but must be one of %v", options.Clipping, models.Clippings())
	}
	out, err := output.Create(c, "out", c.String("calibrate"))
	if err != nil {
		return err
	}
	defer out.Close()
	backend, err := open.Backend(c)
	if err != nil {
		return err
	}
	model, err := open.Model(c)
	if err != nil {
		return err
	}
	q := &quantizer{backend: backend, model: model, progress: terminal.NewProgress(c)}
	defer q.progress.End()
	if err := floatLayers(c, model, options.Float); err != nil {
		return err
	}
	if q.float, err = embedding.New(backend, model); err != nil {
		return err
	}
	if q.calibration, err = model.Calibrate(backend); err != nil {
		return err
	}
	wanted := c.Int("photos") + c.Int("check")
	q.sample = paintedSample(wanted)
	if catalogue := c.String("calibrate"); catalogue != "" {
		if q.sample, wanted, err = catalogueSample(c, catalogue, wanted); err != nil {
			return err
		}
		if wanted < 2 {
			return fmt.Errorf("the catalogue %s has 1 photo, but it takes two at least: one to calibrate on and one to compare the models on", catalogue)
		}
	}
	return q.run(c, wanted, options, out)
}

// floatLayers refuses layers that the model does not have, before it is calibrated for long.
func floatLayers(c *cli.Context, model *models.Model, layers []string) error {
	isLayer := func(name string) bool {
		weight := model.Weights[name]
		return weight != nil && len(weight.Shape) == 4
	}
	for _, layer := range layers {
		if isLayer(layer + ".weight") {
			continue
		}
		var known []string
		for _, name := range model.Weights.Names() {
			if name, ok := strings.CutSuffix(name, ".weight"); ok && isLayer(name+".weight") {
				known = append(known, name)
			}
		}
		return exit.WrongUsage(c, "--float: there is no layer %q that could stay float32; there are %v", layer, known)
	}
	return nil
}

// quantizer makes an int8 model and compares it with the float one.
type quantizer struct {
	backend     backends.Backend
	model       *models.Model
	float       *embedding.Embedder
	calibration *models.ModelCalibration
	sample      samplePhoto
	progress    *terminal.Progress
	unreadable  int
}

func (q *quantizer) run(c *cli.Context, photos int, options models.QuantiseOptions, out *output.File) error {
	checked := min(c.Int("check"), max(photos/3, 1))
	calibrated, err := q.calibrate(c, photos-checked)
	if err != nil {
		return err
	}
	quantised, err := q.calibration.Model(options)
	if err != nil {
		return exit.WrongUsage(c, "--float: %v", err)
	}
	f := Figures{Out: c.String("out"), EmbeddingModel: quantised.EmbeddingModel(), Calibrated: calibrated}
	if f.Bytes, err = writeModel(out, quantised); err != nil {
		return err
	}
	seen, err := q.look(c, photos-checked, photos)
	if err != nil {
		return err
	}
	if err := q.compare(c, quantised, seen, &f); err != nil {
		return err
	}
	if c.Bool("layers") {
		if err := q.layers(c, seen, options, &f); err != nil {
			return err
		}
	}
	f.Unreadable = q.unreadable
	q.progress.End()
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(f)
	}
	return f.print(c)
}

// images reads photos [from, to) of the sample; those that cannot be read are counted and left out.
func (q *quantizer) images(c *cli.Context, from, to int) ([]*photo.Image, error) {
	var images []*photo.Image
	for i := from; i < to; i++ {
		if err := c.Context.Err(); err != nil {
			return nil, err
		}
		m, err := q.sample(i)
		if err != nil {
			q.unreadable++
			q.progress.Say("left out: %v", err)
			continue
		}
		images = append(images, m)
	}
	return images, nil
}

// calibrate shows the networks the first n photos, in batches of one size, and returns how many there were.
func (q *quantizer) calibrate(c *cli.Context, n int) (int, error) {
	batch := q.float.BatchSize()
	shown := 0
	var crops []embedding.Crop
	showCrops := func() error {
		x, err := embedding.CropInputs(q.model, crops)
		if err != nil {
			return err
		}
		crops = nil
		return q.calibration.Crops(x)
	}
	for from := 0; from < n; from += batch {
		images, err := q.images(c, from, min(from+batch, n))
		if err != nil {
			return 0, err
		}
		if len(images) == 0 {
			continue
		}
		shown += len(images)
		inputs, err := embedding.PhotoInputs(q.model, images)
		if err != nil {
			return 0, err
		}
		for _, x := range inputs {
			if err := q.calibration.Photos(x); err != nil {
				return 0, err
			}
		}
		seen, err := q.float.Embed(c.Context, inputsOf(images, nil))
		if err != nil {
			return 0, err
		}
		for i, s := range seen {
			if s.Status != catalog.StatusOK {
				continue
			}
			if crops = append(crops, embedding.Crop{Image: images[i], Box: s.Box}); len(crops) == batch {
				if err := showCrops(); err != nil {
					return 0, err
				}
			}
		}
		q.progress.Show("calibrate", min(from+batch, n), n, "")
	}
	if len(crops) > 0 {
		if err := showCrops(); err != nil {
			return 0, err
		}
	}
	if shown == 0 {
		return 0, fmt.Errorf("none of the %d photos to calibrate on can be read", n)
	}
	return shown, nil
}

// inputsOf are photos to embed, with the boxes of their dresses where these are known.
func inputsOf(images []*photo.Image, boxes []*photo.Box) []embedding.Input {
	inputs := make([]embedding.Input, len(images))
	for i, m := range images {
		inputs[i].Image = m
		if boxes != nil {
			inputs[i].Box = boxes[i]
		}
	}
	return inputs
}

// writeModel writes a model. Floats that fit 16 bits are kept in them, as in the file that they came from.
func writeModel(out *output.File, m *models.Model) (size int, err error) {
	var b bytes.Buffer
	precision := models.Float32
	if m.Weights.FitFloat16() {
		precision = models.Float16
	}
	if err := m.Encode(&b, precision); err != nil {
		return 0, err
	}
	size = b.Len()
	if _, err := b.WriteTo(out); err != nil {
		return 0, err
	}
	return size, out.Keep()
}
