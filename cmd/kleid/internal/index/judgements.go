package index

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/indexer"
)

// judgementsFlag names what people said of the photos.
func judgementsFlag() cli.Flag {
	return &cli.StringFlag{Name: "judgements", EnvVars: flags.Env("judgements"), Usage: "`FILE` or URL of what people said of the photos, the judgements.jsonl of kleid quality: their labels take the place of predicted ones, what they call no dress is none, and where they say that there is one it is looked for once more"}
}

// shownForeign is how many labels that the model does not have are named.
const shownForeign = 5

// readJudgements reads judgementsFlag, for the facets of options' embedder.
func readJudgements(c *cli.Context, p *terminal.Progress, options *indexer.Options) error {
	source := c.String("judgements")
	if source == "" {
		return nil
	}
	judgements, err := datasets.FetchJudgements(c.Context, source)
	if err != nil {
		return fmt.Errorf("--judgements: %w", err)
	}
	if foreign := judgements.Foreign(options.Embedder.Metadata().Facets); len(foreign) > 0 {
		more := ""
		if n := len(foreign) - shownForeign; n > 0 {
			foreign, more = foreign[:shownForeign], fmt.Sprintf(" and %d more", n)
		}
		p.Say("Labels that the model does not have are left out until it is trained with them: %s%s.", strings.Join(foreign, ", "), more)
	}
	options.Judgements = judgements
	return nil
}
