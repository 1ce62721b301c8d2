package evaluation

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/photo"
)

// AgainReport says how often a dress that is photographed again is found: the share of queries whose own photo is
// their nearest in the gallery.
type AgainReport struct {
	Queries int `json:"queries"`
	Gallery int `json:"gallery"`
	// R1 of the two embeddings.
	Unsupervised float64 `json:"unsupervised_r_at_1"`
	DeepRank     float64 `json:"deeprank_r_at_1"`
	// MeasuredOn is the fingerprint of the photos.
	MeasuredOn string `json:"measured_on,omitempty"`
}

// Again measures, on whole photos of single dresses, whether a photo is found by what a second camera might make of
// it: cropped, mirrored, turned and in another light. All photos are the gallery.
func Again(ctx context.Context, e Embedder, examples []datasets.Example) (AgainReport, error) {
	photos, err := embedPart(ctx, e, examples, true)
	if err != nil {
		return AgainReport{}, err
	}
	r := AgainReport{Gallery: len(examples)}
	gallery := make([]int, len(examples))
	var inputs []embedding.Input
	var truth []int
	var known []string
	for i, example := range examples {
		gallery[i] = i
		known = append(known, fmt.Sprint(example.Identity(), isQuery(example.Name)))
		if !isQuery(example.Name) {
			continue
		}
		image, err := OpenPhoto(example.Path)
		if err != nil {
			return AgainReport{}, err
		}
		again := photographAgain(rand.New(rand.NewPCG(11, uint64(i))), image)
		box := again.Frame()
		inputs, truth = append(inputs, embedding.Input{Image: again, Box: &box}), append(truth, i)
	}
	for begin := 0; begin < len(inputs); begin += e.BatchSize() {
		end := min(begin+e.BatchSize(), len(inputs))
		queries, err := e.Embed(ctx, inputs[begin:end])
		if err != nil {
			return AgainReport{}, err
		}
		for i, q := range queries {
			r.Queries++
			if nearest(q.Unsupervised, gallery, photos, unsupervised, 1)[0] == truth[begin+i] {
				r.Unsupervised++
			}
			if nearest(q.DeepRank, gallery, photos, deepRank, 1)[0] == truth[begin+i] {
				r.DeepRank++
			}
		}
	}
	r.MeasuredOn = datasets.PhotosFingerprint(known)
	n := float64(max(r.Queries, 1))
	r.Unsupervised, r.DeepRank = r.Unsupervised/n, r.DeepRank/n
	return r, nil
}

// photographAgain cuts off up to 15% of each side's length, turns by up to 8 degrees, mirrors every other photo, and
// changes exposure, contrast and white balance.
func photographAgain(rng *rand.Rand, m *photo.Image) *photo.Image {
	source, _ := photo.Letterbox(m, m.Frame(), m.Frame().Width(), m.Frame().Height())
	keepX, keepY := 1-0.15*rng.Float64(), 1-0.15*rng.Float64()
	width, height := float64(source.Width), float64(source.Height)
	out := photo.New(max(1, int(keepX*width)), max(1, int(keepY*height)))
	centreX := width/2 + (1-keepX)*width*(rng.Float64()-0.5)
	centreY := height/2 + (1-keepY)*height*(rng.Float64()-0.5)
	angle := (rng.Float64()*2 - 1) * 8 * math.Pi / 180
	cos, sin := math.Cos(angle), math.Sin(angle)
	way := 1.0
	if rng.IntN(2) == 0 {
		way = -1 // mirrored
	}
	light := relight(rng)
	for y := range out.Height {
		for x := range out.Width {
			dx, dy := way*(float64(x)+0.5-float64(out.Width)/2), float64(y)+0.5-float64(out.Height)/2
			sample(out.Pix[3*(y*out.Width+x):], source, centreX+cos*dx-sin*dy-0.5, centreY+sin*dx+cos*dy-0.5)
		}
	}
	for i, v := range out.Pix {
		out.Pix[i] = light[i%3][v]
	}
	return out
}

// relight maps the bytes of each channel.
func relight(rng *rand.Rand) [3][256]uint8 {
	exposure, contrast := math.Exp(0.15*rng.NormFloat64()), math.Exp(0.15*rng.NormFloat64())
	var table [3][256]uint8
	for c := range table {
		gain := exposure * math.Exp(0.04*rng.NormFloat64())
		for v := range table[c] {
			light := (float64(v)/255*gain-0.5)*contrast + 0.5
			table[c][v] = uint8(math.Round(255 * max(0, min(1, light))))
		}
	}
	return table
}

// sample reads a pixel between four, the border's beyond the border.
func sample(to []uint8, m *photo.Image, x, y float64) {
	x, y = max(0, min(float64(m.Width-1), x)), max(0, min(float64(m.Height-1), y))
	x0, y0 := int(x), int(y)
	x1, y1 := min(x0+1, m.Width-1), min(y0+1, m.Height-1)
	fx, fy := x-float64(x0), y-float64(y0)
	at := func(x, y, c int) float64 { return float64(m.Pix[3*(y*m.Width+x)+c]) }
	for c := range 3 {
		top := at(x0, y0, c)*(1-fx) + at(x1, y0, c)*fx
		bottom := at(x0, y1, c)*(1-fx) + at(x1, y1, c)*fx
		to[c] = uint8(math.Round(top*(1-fy) + bottom*fy))
	}
}
