// Package photos has the commands about photos that the command line names: kleid embed and kleid predict, which tell what is seen
// in them, and kleid search, which finds dresses that look like one.
package photos

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/embedding"
	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/searcher"
)

// EmbedReport is what `embed --json` prints. Field names are those of catalog.Row.
type EmbedReport struct {
	EmbeddingModel string          `json:"embedding_model"`
	FacetModel     string          `json:"facet_model"`
	Photos         []EmbeddedPhoto `json:"photos"`
}

// EmbeddedPhoto is what Kleid sees in one photo.
type EmbeddedPhoto struct {
	Source                string                        `json:"source"`
	PhotoID               string                        `json:"photo_id,omitempty"`
	Status                catalog.Status                `json:"status"`
	Error                 string                        `json:"error,omitempty"`
	Width                 int                           `json:"width,omitempty"` // pixels, upright
	Height                int                           `json:"height,omitempty"`
	Box                   *catalog.Box                  `json:"box,omitempty"`
	BoxConfidence         float32                       `json:"box_confidence,omitempty"`
	Candidates            []searcher.Candidate          `json:"candidates,omitempty"` // the box among them, the best first
	Facets                map[string]catalog.FacetValue `json:"facets,omitempty"`
	Colours               []catalog.Colour              `json:"colours,omitempty"`
	EmbeddingUnsupervised []float32                     `json:"embedding_unsupervised,omitempty"`
	EmbeddingDeepRank     []float32                     `json:"embedding_deeprank,omitempty"`

	predictions []embedding.Prediction
}

// EmbedCommand shows what Kleid sees in photos.
func EmbedCommand() *cli.Command {
	return &cli.Command{
		Name:      "embed",
		Usage:     "show what is seen in photos: the dress's box, its facets and its vectors",
		ArgsUsage: "PHOTO…",
		Description: `A photo is a path, an https:// or s3:// URL, or - for standard input. Of several dresses in a photo the most
confident one is described, and the others are told (candidates in the JSON). The vectors are in the JSON. When a photo
cannot be read, the others are shown all the same, and the exit code is 1.

Examples:
  kleid embed dress.jpg
  kleid embed *.jpg --json`,
		Flags:  append([]cli.Flag{flags.JSON()}, open.EmbedderFlags()...),
		Action: embedAction,
	}
}

func embedAction(c *cli.Context) error {
	if !c.Args().Present() {
		return exit.WrongUsage(c, "%s needs a photo", c.Command.HelpName)
	}
	embedder, err := open.Embedder(c)
	if err != nil {
		return err
	}
	meta := embedder.Metadata()
	report := EmbedReport{EmbeddingModel: meta.EmbeddingModel, FacetModel: meta.FacetModel}
	p := terminal.NewProgress(c)
	defer p.End()
	if report.Photos, err = embedAll(c, showEmbedding(p), embedder, c.Args().Slice(), nil); err != nil {
		return err
	}
	p.End()
	if c.Bool("json") {
		err = json.NewEncoder(c.App.Writer).Encode(report)
	} else {
		for _, p := range report.Photos {
			if err = writeSeen(c, meta, p); err != nil {
				break
			}
		}
	}
	if err != nil {
		return err
	}
	return allReadable(report.Photos)
}

// allReadable is an error if some photos are not.
func allReadable(photos []EmbeddedPhoto) error {
	unreadable := 0
	for _, p := range photos {
		if p.Status == catalog.StatusUnreadable {
			unreadable++
		}
	}
	if unreadable == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d photos cannot be read", unreadable, len(photos))
}

// embedder is what sees photos, in batches of one size.
type embedder interface {
	BatchSize() int
	Embed(ctx context.Context, inputs []embedding.Input) ([]embedding.Photo, error)
}

// showEmbedding shows how many photos are embedded.
func showEmbedding(p *terminal.Progress) func(done, total int) {
	return func(done, total int) { p.Show("embed", done, total, "") }
}

// embedAll reads and embeds photos, in batches, after each of which it shows how many are done; box is where the dress is in
// each, nil where it is to be found.
func embedAll(c *cli.Context, show func(done, total int), embedder embedder, sources []string, box *photo.Box) ([]EmbeddedPhoto, error) {
	total := len(sources)
	var all []EmbeddedPhoto
	for len(sources) > 0 {
		n := min(embedder.BatchSize(), len(sources))
		photos, err := embedPhotos(c, embedder, sources[:n], box)
		if err != nil {
			return nil, err
		}
		all, sources = append(all, photos...), sources[n:]
		show(len(all), total)
	}
	return all, nil
}

// embedPhotos reads and embeds a batch.
func embedPhotos(c *cli.Context, embedder embedder, sources []string, box *photo.Box) ([]EmbeddedPhoto, error) {
	photos := make([]EmbeddedPhoto, len(sources))
	var inputs []embedding.Input
	var of []int
	for i, source := range sources {
		photos[i] = EmbeddedPhoto{Source: source, Status: catalog.StatusUnreadable}
		data, err := open.Photo(c, source)
		if err != nil {
			photos[i].Error = err.Error()
			continue
		}
		photos[i].PhotoID = photo.ID(data)
		m, err := photo.Open(data, photo.DefaultLimits())
		if err != nil {
			photos[i].Error = err.Error()
			continue
		}
		photos[i].Width, photos[i].Height = m.Frame().Width(), m.Frame().Height()
		inputs, of = append(inputs, embedding.Input{Image: m, Box: box}), append(of, i)
	}
	seen, err := embedder.Embed(c.Context, inputs)
	if err != nil {
		return nil, err
	}
	for n, s := range seen {
		p := &photos[of[n]]
		p.Status = s.Status
		if s.Status != catalog.StatusOK {
			continue
		}
		for _, candidate := range s.Candidates {
			p.Candidates = append(p.Candidates, searcher.Candidate{Box: embedding.RowBox(candidate.Box), Confidence: candidate.Confidence})
		}
		box := embedding.RowBox(s.Box)
		p.Box, p.BoxConfidence = &box, s.BoxConfidence
		p.EmbeddingUnsupervised, p.EmbeddingDeepRank = s.Unsupervised, s.DeepRank
		p.predictions, p.Colours = s.Facets, s.Colours
		p.Facets = make(map[string]catalog.FacetValue, len(s.Facets))
		for _, f := range s.Facets {
			p.Facets[f.Name] = catalog.FacetValue{Label: f.Label, Probability: f.Probability, Source: catalog.Predicted}
		}
	}
	return photos, nil
}

func writeSeen(c *cli.Context, meta catalog.Metadata, p EmbeddedPhoto) error {
	var err error
	switch p.Status {
	case catalog.StatusOK:
		_, err = fmt.Fprintf(c.App.Writer, "%s: a dress at %s\n", terminal.Printable(p.Source), boxText(*p.Box, p.BoxConfidence))
		for _, other := range p.Candidates[min(1, len(p.Candidates)):] {
			if err == nil {
				_, err = fmt.Fprintf(c.App.Writer, "  another one at %s\n", boxText(other.Box, other.Confidence))
			}
		}
		for _, f := range meta.Facets {
			if v, ok := p.Facets[f.Name]; ok && err == nil {
				_, err = fmt.Fprintf(c.App.Writer, "  %-12s %s (%.0f%%)\n", terminal.Printable(f.Name), terminal.Printable(v.Label), 100*v.Probability)
			}
		}
	case catalog.StatusNoDress:
		_, err = fmt.Fprintf(c.App.Writer, "%s: no dress\n", terminal.Printable(p.Source))
	default:
		_, err = fmt.Fprintf(c.App.Writer, "%s: %s\n", terminal.Printable(p.Source), terminal.Printable(p.Error))
	}
	return err
}
