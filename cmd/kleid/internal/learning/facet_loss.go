package learning

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/training"
)

// FacetLossFlags are those of what trains facet heads.
func FacetLossFlags() []cli.Flag {
	loss := training.DefaultFacetLoss()
	return []cli.Flag{
		&cli.StringFlag{Name: "class-weights", Value: string(loss.Weighting), EnvVars: flags.Env("class-weights"), Usage: fmt.Sprintf("how rare labels are weighed: one of %v", models.WeightingSchemes())},
		&cli.StringSliceFlag{Name: "class-weight", EnvVars: flags.Env("class-weight"), Usage: "weight by hand, `FACET=LABEL=WEIGHT`; may be repeated (in the variable parted by ;)"},
		&cli.Float64Flag{Name: "label-smoothing", Value: loss.Smoothing, EnvVars: flags.Env("label-smoothing"), Usage: "share of each target that all labels share"},
		&cli.Float64Flag{Name: "focal", EnvVars: flags.Env("focal"), Usage: "exponent of the focal loss; 0 is plain cross-entropy"},
		&cli.StringSliceFlag{Name: "upper", EnvVars: flags.Env("upper"), DefaultText: "neckline=0.33 and sleeve=0.67 of the few photos of --reference", Usage: "the share of a dress's height, from the top, that a facet's head reads, `FACET=SHARE`; others read all, as a trunk does; may be repeated"},
		&cli.StringSliceFlag{Name: "surroundings", EnvVars: flags.Env("surroundings"), DefaultText: "length=also; occasion=alone of the few photos of --reference, else also", Usage: "a facet's head reads what is around the dress, `FACET=also` or FACET=alone, FACET=not for the dress alone; may be repeated"},
	}
}

// FacetLoss reads FacetLossFlags, for facets; what heads read is as of ours, where the flags say nothing.
func FacetLoss(c *cli.Context, facets []catalog.Facet, ours training.FacetLoss) (training.FacetLoss, error) {
	loss := training.FacetLoss{
		Weighting: models.WeightingScheme(c.String("class-weights")), Smoothing: c.Float64("label-smoothing"), Focal: c.Float64("focal"),
		Given: map[string]map[string]float64{}, Upper: map[string]float64{}, Surroundings: map[string]string{},
	}
	maps.Copy(loss.Upper, ours.Upper)
	maps.Copy(loss.Surroundings, ours.Surroundings)
	for _, read := range []func(*cli.Context, []catalog.Facet, *training.FacetLoss) error{surroundingsOf, uppersOf, classWeightsOf} {
		if err := read(c, facets, &loss); err != nil {
			return loss, err
		}
	}
	if err := loss.Check(facets); err != nil {
		return loss, exit.WrongUsage(c, "%v", err)
	}
	return loss, nil
}

func isFacet(name string, facets []catalog.Facet) bool {
	return slices.ContainsFunc(facets, func(f catalog.Facet) bool { return f.Name == name })
}

// surroundingsOf reads --surroundings.
func surroundingsOf(c *cli.Context, facets []catalog.Facet, loss *training.FacetLoss) error {
	for _, given := range flags.Repeated(c, "surroundings") {
		facet, how, _ := strings.Cut(given, "=")
		if !isFacet(facet, facets) {
			return exit.WrongUsage(c, "--surroundings: no facet %q is trained", facet)
		}
		switch how {
		case training.Also, training.Alone:
			loss.Surroundings[facet] = how
		case "not":
			delete(loss.Surroundings, facet)
		default:
			return exit.WrongUsage(c, "--surroundings is %q, but takes FACET=also, FACET=alone or FACET=not", given)
		}
	}
	return nil
}

// uppersOf reads --upper.
func uppersOf(c *cli.Context, facets []catalog.Facet, loss *training.FacetLoss) error {
	for _, given := range flags.Repeated(c, "upper") {
		facet, text, _ := strings.Cut(given, "=")
		share, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return exit.WrongUsage(c, "--upper is %q, but takes FACET=SHARE", given)
		}
		if !isFacet(facet, facets) {
			return exit.WrongUsage(c, "--upper: no facet %q is trained", facet)
		}
		if loss.Surroundings[facet] == training.Alone {
			return exit.WrongUsage(c, "--upper: %s is read from its surroundings alone; --surroundings %s=also, or =not, goes with it", facet, facet)
		}
		loss.Upper[facet] = share
	}
	return nil
}

// classWeightsOf reads --class-weight.
func classWeightsOf(c *cli.Context, _ []catalog.Facet, loss *training.FacetLoss) error {
	for _, given := range flags.Repeated(c, "class-weight") {
		facet, rest, _ := strings.Cut(given, "=")
		at := strings.LastIndexByte(rest, '=') // a label may have one in it
		if at < 0 {
			return exit.WrongUsage(c, "--class-weight is %q, but takes FACET=LABEL=WEIGHT", given)
		}
		weight, err := strconv.ParseFloat(rest[at+1:], 64)
		if err != nil {
			return exit.WrongUsage(c, "--class-weight %q: %q is no number", given, rest[at+1:])
		}
		if loss.Given[facet] == nil {
			loss.Given[facet] = map[string]float64{}
		}
		loss.Given[facet][rest[:at]] = weight
	}
	return nil
}
