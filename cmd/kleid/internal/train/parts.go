package train

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/learning"
	"github.com/kleid-search/kleid/cmd/kleid/internal/maxbad"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/models/training"
)

// paintedNotes hold for what is fitted to painted dresses alone.
const paintedNotes = `The dresses to learn from are painted. The result, model.safetensors, is in --work.`

// projectionNotes are of what goes with the projection.
const projectionNotes = `

DeepRank is made of this embedding. What it has learned does not fit another one, so that it is this embedding itself
in the new model; "kleid train similarity" trains both.`

// shopNotes hold for what learns from a shop's own products.
const shopNotes = `

With --catalogue photos of one product are learned to be alike, and one photo to be like itself in another light.
Photos that are the same byte for byte are taken once, and products that share one are taken for one product. A
catalogue that gives no product_id, such as a folder, has a product for each file name.
Prints how often, for the products kept apart, another photo of the product comes first, also by the model before,
and leaves that in --work for kleid models push (metrics.json), beside bad-photos.csv, which also lists triplets
with a photo that there is not, and their lines. An index is made anew with the model: its vectors are others.`

// overrideWork is where the model with new directions goes.
const overrideWork = "build/override"

// trainedPart is a part of the model that has a command of its own.
type trainedPart struct {
	name, usage string
	heads       []string // those that are trained; nil means the one of this name
	shop        bool     // it learns from a shop's own products, too
	located     bool     // it learns where the dress is, and so from a shop's own boxes, too
	fitted      bool     // in closed form, not in steps
}

// trainedParts are all but facets, which have labels of their own to go by (facetsCommand).
func trainedParts() []trainedPart {
	return []trainedPart{
		{name: "heads", usage: "all parts but the trunk", heads: training.AllHeads, located: true},
		{name: "similarity", usage: "both embeddings: projection, deeprank and override", heads: []string{"projection", "deeprank", "override"}, shop: true},
		{name: "projection", usage: "the unsupervised embedding: a principal component analysis of the trunk's features; DeepRank is the same then, until it is trained", fitted: true},
		{name: "background", usage: "the background network: dress or background, for each place in a photo", located: true},
		{name: "location", usage: "where the dress is: the background and location networks, and the second look", heads: []string{"background", "location", "refine"}, located: true},
		{name: "refine", usage: "the second look at a candidate: the dress's box in the patch around it, and whether there is one", located: true, fitted: true},
		{name: "deeprank", usage: "the similarity embedding, from triplets", shop: true},
		{name: "override", usage: "the directions in which dresses differ that are alike but for a facet, from painted dresses alone", fitted: true},
	}
}

// command trains the part.
func (p trainedPart) command() *cli.Command {
	heads := p.heads
	if heads == nil {
		heads = []string{p.name}
	}
	work, photos := "build/"+p.name, "--reference"
	if p.shop {
		photos += " or, without it, in --catalogue"
	}
	flags := slices.Concat(partFlags(work, heads), learning.TripletFlags(heads, photos), []cli.Flag{open.ModelsFlag()})
	notes, example, codes := trainNotes, "--reference photos/reference", exit.BadCodes
	if p.name == "override" {
		flags = append(flags, seedFlag())
		notes, example, codes = paintedNotes, "--models build/similarity/model.safetensors", exit.CommonCodes // it reads no photos
	} else {
		flags = slices.Concat(flags, referenceFlags())
		if p.fitted {
			flags = append(flags, seedFlag())
		} else {
			flags = slices.Concat(flags, loopFlags())
		}
	}
	if p.name == "projection" {
		notes += projectionNotes
	}
	if slices.Contains(heads, "facets") {
		flags = slices.Concat(flags, learning.FacetLossFlags(), []cli.Flag{terminal.YesFlag()})
	}
	if p.shop {
		flags = slices.Concat(flags, learning.ShopFlags("photos of one product_id are learned to be alike, and a fifth of the products is kept apart to measure with"))
		notes, example = notes+shopNotes, "--catalogue catalogue.csv"
	} else if p.name != "override" {
		flags = append(flags, maxbad.Flag())
	}
	if p.located {
		flags = append(flags, locationTrainFlag())
		notes, example = notes+locationNotes, example+"\n  kleid train "+p.name+" --dataset shop.csv"
	}
	return &cli.Command{
		Name: p.name, Usage: p.usage,
		Description: fmt.Sprintf(`Trains this part of the model of --models anew, on its frozen trunk; the other parts stay as they are.
The whole model with the new part is %[2]s/model.safetensors, unless --work says otherwise.

%[3]s

Examples:
  kleid train %[1]s %[4]s
  kleid index --catalogue photos/ --out index/ --models %[2]s/model.safetensors

%[5]s`, p.name, work, notes, example, codes),
		Flags:  flags,
		Action: func(c *cli.Context) error { return train(c, heads) },
	}
}
