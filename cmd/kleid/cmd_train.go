package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training"
	"github.com/kleid-search/kleid/models/training/vocabulary"
	"github.com/kleid-search/kleid/storage"
)

// trainNotes hold for all that is trained.
const trainNotes = `The dresses to learn from are painted, and --reference adds real photos. Those that cannot be read, or whose box is
outside of them, are counted, listed in bad-photos.csv and left out; more of them than --max-bad are exit code 3.
Checkpoints and the result, model.safetensors, are in --work: the same command goes on where it stopped.`

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

// locationNotes hold for what learns where the dress is from a shop's own photos.
const locationNotes = `

With --dataset where the dress is, and whether there is one, is learned from photos of your own as well.
` + locationFormat + ` A fifth of the products, or what split marks as test, is not learned from: how well dresses are
found there is printed, also by the model before, and left in --work for kleid models push (metrics.json), beside
bad-photos.csv. report.html shows the worst of these photos, or else painted ones, with the box that was found. An
index is made anew with the model.`

// locationTrainFlag is --dataset of what learns where the dress is.
func locationTrainFlag() cli.Flag {
	return locationDatasetFlag("train-dataset", "to learn where the dress is from, instead of --reference or beside it")
}

// trainCommand trains the model's parts: `train all` makes the shipped weights.
func trainCommand() *cli.Command {
	command := &cli.Command{
		Name:  "train",
		Usage: "train the model, or one of its parts, on painted and real photos",
		Description: `Examples:
  kleid train all --reference photos/reference --work build/weights
  kleid train facets --dataset shop.csv --facets neckline,sleeve
  kleid train all --trunk resnet18 --trunk-weights resnet18.safetensors --half-steps 0 --full-steps 0

"train all" goes from nothing to a model; it leaves checkpoints and goes on where it stopped. The
others train a part of the model named by --models (by default the shipped one) on its frozen trunk
and write WORK/model.safetensors, which --models reads.

` + referenceLayout,
		Subcommands: []*cli.Command{
			{
				Name: "all", Usage: "trunk and all heads, from nothing",
				Description: trainNotes + locationNotes + `

Examples:
  kleid train all --reference photos/reference
  kleid train all --trunk resnet18 --trunk-weights resnet18.safetensors --half-steps 0 --full-steps 0

` + badExitCodes,
				Flags:  slices.Concat(trainFlags("build/weights", nil), referenceFlags(), tripletFlags(training.AllHeads, "--reference"), []cli.Flag{locationTrainFlag(), maxBadFlag()}, trunkFlags(), facetLossFlags(), loopFlags()),
				Action: func(c *cli.Context) error { return train(c, nil) },
			},
			{
				Name: "trunk", Usage: "the trunk alone, from nothing",
				Description: trainNotes + ` kleid train all with the same
--work goes on from the trunk.

Example:
  kleid train trunk --trunk resnet18 --reference photos/reference

` + badExitCodes,
				Flags:  slices.Concat(trainFlags("build/trunk", []string{}), referenceFlags(), []cli.Flag{maxBadFlag()}, trunkFlags(), loopFlags()),
				Action: func(c *cli.Context) error { return train(c, []string{}) },
			},
		},
	}
	for _, head := range []struct {
		name, usage string
		heads       []string
		shop        bool // it learns from a shop's own products, too
		located     bool // it learns where the dress is, and so from a shop's own boxes, too
		fitted      bool // in closed form, not in steps
	}{
		{name: "heads", usage: "all parts but the trunk", heads: training.AllHeads, located: true},
		{name: "similarity", usage: "both embeddings: projection, deeprank and override", heads: []string{"projection", "deeprank", "override"}, shop: true},
		{name: "projection", usage: "the unsupervised embedding: a principal component analysis of the trunk's features; DeepRank is the same then, until it is trained", fitted: true},
		{name: "background", usage: "the background network: dress or background, for each place in a photo", located: true},
		{name: "location", usage: "where the dress is: the background and location networks, and the second look", heads: []string{"background", "location", "refine"}, located: true},
		{name: "refine", usage: "the second look at a candidate: the dress's box in the patch around it, and whether there is one", located: true, fitted: true},
		{name: "deeprank", usage: "the similarity embedding, from triplets", shop: true},
		{name: "override", usage: "the directions in which dresses differ that are alike but for a facet, from painted dresses alone", fitted: true},
	} {
		work, heads := "build/"+head.name, head.heads
		if heads == nil {
			heads = []string{head.name}
		}
		photos := "--reference"
		if head.shop {
			photos += " or, without it, in --catalogue"
		}
		flags, notes, example, codes := slices.Concat(trainFlags(work, heads), tripletFlags(heads, photos), []cli.Flag{modelsFlag()}), trainNotes, "--reference photos/reference", commonExitCodes
		switch {
		case !head.fitted:
			flags = slices.Concat(flags, referenceFlags(), loopFlags())
		case work == overrideWork:
			flags, notes, example = append(flags, seedFlag()), paintedNotes, "--models build/similarity/model.safetensors"
		default:
			flags = append(slices.Concat(flags, referenceFlags()), seedFlag())
		}
		if head.name == "projection" {
			notes += projectionNotes
		}
		if slices.Contains(heads, "facets") {
			flags = slices.Concat(flags, facetLossFlags(), []cli.Flag{yesFlag()})
		}
		if head.shop {
			flags, notes, example = slices.Concat(flags, shopFlags("photos of one product_id are learned to be alike, and a fifth of the products is kept apart to measure with")), trainNotes+shopNotes, "--catalogue catalogue.csv"
			codes = badExitCodes
		} else if work != overrideWork { // whose photos or triplets may be bad
			flags, codes = append(flags, maxBadFlag()), badExitCodes
		}
		if head.located {
			flags, notes = append(flags, locationTrainFlag()), trainNotes+locationNotes
			example += "\n  kleid train " + head.name + " --dataset shop.csv"
		}
		command.Subcommands = append(command.Subcommands, &cli.Command{
			Name: head.name, Usage: head.usage,
			Description: fmt.Sprintf(`Trains this part of the model of --models anew, on its frozen trunk; the other parts stay as they are.
The whole model with the new part is %[2]s/model.safetensors, unless --work says otherwise.

%[3]s

Examples:
  kleid train %[1]s %[4]s
  kleid index --catalogue photos/ --out index/ --models %[2]s/model.safetensors

%[5]s`, head.name, work, notes, example, codes),
			Flags:  flags,
			Action: func(c *cli.Context) error { return train(c, heads) },
		})
	}
	command.Subcommands = append(command.Subcommands, trainFacetsCommand())
	return command
}

// overrideWork is where the model with new directions goes.
const overrideWork = "build/override"

// productsNote says which painted dresses count, where not all do.
func productsNote(work string) string {
	if work != overrideWork {
		return ""
	}
	return fmt.Sprintf("; more than %d change nothing", training.OverrideProducts)
}

// memoryNote says what painted dresses take, beside some thousand real photos, of which location alone keeps no crops.
func memoryNote(heads []string) string {
	gigabytes := 14
	if training.LearnsLocationAlone(heads) {
		gigabytes = 10
	}
	return fmt.Sprintf("; the default number takes up to %d GB of memory, fewer take less", gigabytes)
}

// trainFlags are those of all that is trained; of a whole model heads are nil.
func trainFlags(work string, heads []string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "work", Value: work, EnvVars: env("work"), Usage: "`DIR` or s3:// URL for checkpoints and the result; training goes on from what is there, and one at a time works in a folder"},
		&cli.IntFlag{Name: "products", Value: training.DefaultPaintOptions().Products, EnvVars: env("train-products"), Usage: "`N` painted dresses to learn from" + productsNote(work) + memoryNote(heads)},
		backendFlag(), threadsFlag(),
	}
}

// referenceFlags are those of what learns from labelled real photos.
func referenceFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "reference", EnvVars: env("reference"), Usage: "`DIR` of labelled real photos, see kleid train --help; without it the model learns from painted dresses alone"},
		dressesFlag(),
	}
}

// dressesFlag names more labelled dresses, which are learned from.
func dressesFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "dresses", EnvVars: env("dresses"), Usage: "CSV `FILE` of more labelled dresses in the photos of --reference, with the columns of its facets/labels.csv, to learn from; may be repeated"}
}

// tripletFlags are those of what learns from triplets, if one of the heads does; photos says where their photos are.
func tripletFlags(heads []string, photos string) []cli.Flag {
	if !slices.Contains(heads, "deeprank") {
		return nil
	}
	return []cli.Flag{&cli.StringSliceFlag{Name: "triplets", EnvVars: env("triplets"), Usage: "CSV `FILE` of triplets, such as customers' clicks: query, a, b, closer (a or b), confidence (1 to 3), fold (may be empty); its photos are named as in " + photos + "; those with a photo that cannot be read are left out; may be repeated"}, miningFlag()}
}

// openReference opens the folder of --reference, with more triplets and dresses.
func openReference(c *cli.Context) (*datasets.Reference, error) {
	reference, err := datasets.OpenReference(c.String("reference"))
	if err != nil {
		return nil, err
	}
	reference.MoreTriplets, reference.MoreDresses = repeated(c, "triplets"), repeated(c, "dresses")
	return reference, nil
}

// trunkFlags are those of what trains a trunk.
func trunkFlags() []cli.Flag {
	return slices.Concat([]cli.Flag{
		teacherFlag(), earlyStopFlag(),
		&cli.IntFlag{Name: "half-steps", Value: training.DefaultTrunkOptions().HalfSteps, EnvVars: env("half-steps"), Usage: "`N` steps of the trunk at half the size of its crops"},
		&cli.IntFlag{Name: "full-steps", Value: training.DefaultTrunkOptions().FullSteps, EnvVars: env("full-steps"), Usage: "`N` steps of the trunk at full size"},
		&cli.StringFlag{Name: "trunk", Aliases: []string{"backbone"}, Value: models.DefaultConfig().Backbone, EnvVars: env("trunk"), Usage: "`NETWORK` of the trunk: " + strings.Join(models.BackboneNames(), ", ") + ", or " + onnxPrefix + "FILE, any ONNX image network, which stays as it is unless steps are given"},
		&cli.StringFlag{Name: "crop", EnvVars: env("crop"), DefaultText: "what the shipped model reads, or the network, where its file says so", Usage: "`HEIGHTxWIDTH` in pixels of what embeddings and facets read of a dress: larger crops show more, and cost more; multiples of the trunk's stride"},
		&cli.StringFlag{Name: "trunk-weights", EnvVars: env("trunk-weights"), Usage: "safetensors `FILE` or URL that the trunk starts from, with torchvision's or timm's names; with --half-steps 0 --full-steps 0 it stays as it is"},
	}, spatialTransformerFlags(), onnxFlags(), mixFlags())
}

// facetLossFlags are those of what trains facet heads.
func facetLossFlags() []cli.Flag {
	loss := training.DefaultFacetLoss()
	return []cli.Flag{
		&cli.StringFlag{Name: "class-weights", Value: string(loss.Weighting), EnvVars: env("class-weights"), Usage: fmt.Sprintf("how rare labels are weighed: one of %v", models.WeightingSchemes())},
		&cli.StringSliceFlag{Name: "class-weight", EnvVars: env("class-weight"), Usage: "weight by hand, `FACET=LABEL=WEIGHT`; may be repeated (in the variable parted by ;)"},
		&cli.Float64Flag{Name: "label-smoothing", Value: loss.Smoothing, EnvVars: env("label-smoothing"), Usage: "share of each target that all labels share"},
		&cli.Float64Flag{Name: "focal", EnvVars: env("focal"), Usage: "exponent of the focal loss; 0 is plain cross-entropy"},
		&cli.StringSliceFlag{Name: "upper", EnvVars: env("upper"), DefaultText: "neckline=0.33 and sleeve=0.67 of the few photos of --reference", Usage: "the share of a dress's height, from the top, that a facet's head reads, `FACET=SHARE`; others read all, as a trunk does; may be repeated"},
		&cli.StringSliceFlag{Name: "surroundings", EnvVars: env("surroundings"), DefaultText: "length=also; occasion=alone of the few photos of --reference, else also", Usage: "a facet's head reads what is around the dress, `FACET=also` or FACET=alone, FACET=not for the dress alone; may be repeated"},
	}
}

// facetLoss reads facetLossFlags, for facets; what heads read is as of ours, where the flags say nothing.
func facetLoss(c *cli.Context, facets []catalog.Facet, ours training.FacetLoss) (training.FacetLoss, error) {
	loss := training.FacetLoss{
		Weighting: models.WeightingScheme(c.String("class-weights")), Smoothing: c.Float64("label-smoothing"), Focal: c.Float64("focal"),
		Given: map[string]map[string]float64{}, Upper: map[string]float64{}, Surroundings: map[string]string{},
	}
	maps.Copy(loss.Upper, ours.Upper)
	maps.Copy(loss.Surroundings, ours.Surroundings)
	isFacet := func(name string) bool {
		return slices.ContainsFunc(facets, func(f catalog.Facet) bool { return f.Name == name })
	}
	for _, given := range repeated(c, "surroundings") {
		facet, how, _ := strings.Cut(given, "=")
		if !isFacet(facet) {
			return loss, wrongUsage(c, "--surroundings: no facet %q is trained", facet)
		}
		switch how {
		case training.Also, training.Alone:
			loss.Surroundings[facet] = how
		case "not":
			delete(loss.Surroundings, facet)
		default:
			return loss, wrongUsage(c, "--surroundings is %q, but takes FACET=also, FACET=alone or FACET=not", given)
		}
	}
	for _, given := range repeated(c, "upper") {
		facet, text, _ := strings.Cut(given, "=")
		share, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return loss, wrongUsage(c, "--upper is %q, but takes FACET=SHARE", given)
		}
		if !isFacet(facet) {
			return loss, wrongUsage(c, "--upper: no facet %q is trained", facet)
		}
		if loss.Surroundings[facet] == training.Alone {
			return loss, wrongUsage(c, "--upper: %s is read from its surroundings alone; --surroundings %s=also, or =not, goes with it", facet, facet)
		}
		loss.Upper[facet] = share
	}
	for _, given := range repeated(c, "class-weight") {
		facet, rest, _ := strings.Cut(given, "=")
		at := strings.LastIndexByte(rest, '=') // a label may have one in it
		if at < 0 {
			return loss, wrongUsage(c, "--class-weight is %q, but takes FACET=LABEL=WEIGHT", given)
		}
		weight, err := strconv.ParseFloat(rest[at+1:], 64)
		if err != nil {
			return loss, wrongUsage(c, "--class-weight %q: %q is no number", given, rest[at+1:])
		}
		if loss.Given[facet] == nil {
			loss.Given[facet] = map[string]float64{}
		}
		loss.Given[facet][rest[:at]] = weight
	}
	if err := loss.Check(facets); err != nil {
		return loss, wrongUsage(c, "%v", err)
	}
	return loss, nil
}

// train runs training.Make. heads nil means a whole model, empty a trunk alone, else those heads of an
// existing model.
func train(c *cli.Context, heads []string) error {
	if err := positive(c, "products"); err != nil {
		return err
	}
	progress := newProgress(c)
	defer progress.end()
	options := training.Options{Code: version, FacetLoss: training.DefaultFacetLoss(), Heads: heads, Stale: measuredFiles, Logger: progress.logger(), Watch: progress.watchTraining(), Trunk: training.DefaultTrunkOptions(), Paint: training.DefaultPaintOptions()}
	options.Paint.Products, options.Steps = c.Int("products"), c.Int("steps")
	if err := setMining(c, &options); err != nil {
		return err
	}
	if err := setLoop(c, &options); err != nil {
		return err
	}
	ofHead := len(heads) > 0
	if heads == nil || slices.Contains(heads, "facets") {
		var err error
		if options.FacetLoss, err = facetLoss(c, datasets.Facets(), training.DefaultFacetLoss()); err != nil {
			return err
		}
	}
	if !ofHead {
		if err := trunkOptions(c, &options.Trunk); err != nil {
			return err
		}
	}
	var err error
	if options.Work, err = storage.Open(c.Context, c.String("work")); err != nil {
		return err
	}
	if options.Backend, err = newBackend(c); err != nil {
		return err
	}
	if c.String("reference") != "" {
		if options.Reference, err = openReference(c); err != nil {
			return err
		}
	} else if len(repeated(c, "triplets")) > 0 && c.String("catalogue") == "" {
		return wrongUsage(c, "--triplets are of the photos in --reference or --catalogue, which are missing")
	} else if len(repeated(c, "dresses")) > 0 {
		return wrongUsage(c, "--dresses are of the photos in --reference, which is missing")
	}
	if ofHead {
		if options.From, err = loadModel(c); err != nil {
			return err
		}
	}
	if ofHead && slices.Contains(heads, "facets") {
		if err := confirmStudioLabels(c, progress, options.From); err != nil {
			return err
		}
	}
	if err := options.Check(); err != nil { // a catalogue takes its time
		return err
	}
	release, err := claimWork(c.Context, options.Work)
	if err != nil {
		return err
	}
	defer release()
	return withFetched(func(folder string) error {
		if err := readPhotos(c, progress, &options, folder); err != nil {
			return err
		}
		return makeModel(c, progress, options)
	})
}

// confirmStudioLabels asks before facets of a model get the labels of painted dresses, where it knows others: those of a
// shop. Its other facets stay.
func confirmStudioLabels(c *cli.Context, progress *progress, model *models.Model) error {
	var names []string
	for _, facet := range datasets.Facets() {
		names = append(names, facet.Name)
	}
	plan, err := vocabulary.NewPlan(model.Config.Facets, []*datasets.Dataset{training.Studio()}, vocabulary.Options{Facets: names})
	if err != nil {
		return err
	}
	own := map[string]bool{} // facets that the model knows: of others nothing is lost
	for _, f := range model.Config.Facets {
		own[f.Name] = true
	}
	changes := slices.ContainsFunc(plan.Changes, func(change vocabulary.Change) bool {
		return own[change.Facet] && change.Fate != vocabulary.Kept
	})
	if !changes {
		return nil
	}
	return confirmLabels(c, progress, plan)
}

// trunkOptions reads trunkFlags.
func trunkOptions(c *cli.Context, options *training.TrunkOptions) (err error) {
	if err := notNegative(c, "half-steps", "full-steps"); err != nil {
		return err
	}
	options.HalfSteps, options.FullSteps = c.Int("half-steps"), c.Int("full-steps")
	if err := trunkConfig(c, options); err != nil {
		return err
	}
	if options.Teacher, err = teacher(c); err != nil {
		return err
	}
	if url := c.String("trunk-weights"); url != "" && options.Initial == nil { // which an ONNX file has itself
		options.Initial, err = models.LoadWeights(c.Context, url)
	}
	return err
}
