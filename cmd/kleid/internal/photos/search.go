package photos

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/searcher"
	"github.com/kleid-search/kleid/storage"
	"github.com/kleid-search/kleid/vectors"
)

// SearchCommand searches once, without a server.
func SearchCommand() *cli.Command {
	return &cli.Command{
		Name:      "search",
		Usage:     "find dresses that look like the one in a photo",
		ArgsUsage: "PHOTO",
		Description: `The photo is a path, an https:// or s3:// URL, or - for standard input. Every result passes every --where;
two of the same facet let both labels pass. --ignore finds the same dress with another neckline: what the photo's
own is like does not count, or, where the model does not know how to leave that out, the answer says so. A photo
without a dress is answered with that, and exit code 0.

Examples:
  kleid search dress.jpg --index index/
  kleid search dress.jpg --index index/ --where neckline=v-neck --where sleeve=long --k 5
  kleid search dress.jpg --index index/ --where neckline=v-neck --ignore neckline
  kleid search dress.jpg --index index/ --price-min 50 --price-max 150
  kleid search dress.jpg --store milvus://127.0.0.1:19530/dresses --json`,
		Flags: append([]cli.Flag{
			open.IndexFlag(), open.StoreFlag("embedded:INDEX"),
			&cli.StringSliceFlag{Name: "where", EnvVars: flags.Env("where"), Usage: "`FACET=LABEL` that results must have; may be repeated, and in the variable parted by ;"},
			&cli.StringSliceFlag{Name: "ignore", EnvVars: flags.Env("ignore"), Usage: "`FACET` in which results need not be like the dress; may be repeated, and in the variable parted by ;"},
			&cli.Float64Flag{Name: "price-min", DefaultText: "none", EnvVars: flags.Env("price-min"), Usage: "lowest `PRICE` of results, in the catalogue's numbers; with a limit, dresses without a price are left out"},
			&cli.Float64Flag{Name: "price-max", DefaultText: "none", EnvVars: flags.Env("price-max"), Usage: "highest `PRICE` of results"},
			&cli.StringFlag{Name: "price-currency", EnvVars: flags.Env("price-currency"), Usage: "`CURRENCY` that prices must have, as the catalogue writes it; numbers of all are compared without it"},
			&cli.IntFlag{Name: "k", Value: searcher.DefaultK, EnvVars: flags.Env("k"), Usage: fmt.Sprintf("`N` results at most, 1 to %d together with --offset", searcher.MaxK)},
			&cli.IntFlag{Name: "offset", EnvVars: flags.Env("offset"), Usage: "`N` results to skip"},
			&cli.StringFlag{Name: "embedding", Value: string(vectors.DeepRank), EnvVars: flags.Env("embedding"), Usage: fmt.Sprintf("what likeness means: %s or %s", vectors.DeepRank, vectors.Unsupervised)},
			&cli.BoolFlag{Name: "every-photo", DisableDefaultText: true, EnvVars: flags.Env("every-photo"), Usage: "every photo of a product is a result, not its nearest alone"},
			boxFlag(),
			flags.JSON(),
		}, open.EmbedderFlags()...),
		Action: searchAction,
	}
}

func searchAction(c *cli.Context) error {
	if c.NArg() != 1 {
		return exit.WrongUsage(c, "%s needs one photo, not %d", c.Command.HelpName, c.NArg())
	}
	if err := flags.Positive(c, "k"); err != nil {
		return err
	}
	url, err := open.StoreURL(c)
	if err != nil {
		return err
	}
	request := searcher.Request{
		K: c.Int("k"), Offset: c.Int("offset"), Embedding: vectors.Embedding(c.String("embedding")), EveryPhoto: c.Bool("every-photo"),
		Ignore: flags.Repeated(c, "ignore"),
		Price:  vectors.PriceRange{Min: givenNumber(c, "price-min"), Max: givenNumber(c, "price-max"), Currency: c.String("price-currency")},
	}
	if request.Where, err = searcher.ParseWhere(flags.Repeated(c, "where")); err != nil {
		return err
	}
	if request.Box, err = givenBox(c); err != nil {
		return err
	}
	source := c.Args().First()
	data, err := open.Photo(c, source)
	if err != nil {
		return fmt.Errorf("%s: %w", terminal.Printable(storage.WithoutSecrets(source)), err)
	}
	store, err := open.Store(c.Context, url)
	if err != nil {
		return err
	}
	defer store.Close()
	embedder, err := open.Embedder(c)
	if err != nil {
		return err
	}
	engine, err := searcher.NewEngine(c.Context, searcher.Options{Store: store, Embedder: embedder, Logger: terminal.Logger(c)})
	if err != nil {
		return open.ExplainStore(err, url)
	}
	defer engine.Close()
	answer, err := engine.SearchPhoto(c.Context, data, request)
	if err != nil {
		return explainSearch(err, url, source)
	}
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(answer)
	}
	return writeAnswer(c, answer, embedder.Metadata().Facets)
}

// givenNumber is nil where a flag is not given: 0 is a number like others.
func givenNumber(c *cli.Context, name string) *float64 {
	if !c.IsSet(name) {
		return nil
	}
	return new(c.Float64(name))
}

// writeAnswer prints an answer for people.
func writeAnswer(c *cli.Context, answer searcher.Answer, facets []catalog.Facet) error {
	w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	if answer.Status == catalog.StatusNoDress {
		fmt.Fprintln(w, "There is no dress in the photo.")
		return w.Flush()
	}
	if answer.Box != nil {
		fmt.Fprintf(w, "A dress at %s.\n", boxText(*answer.Box, answer.BoxConfidence))
	}
	// The model's facets in its order, then any others that the index knows.
	for _, name := range orderedFacets(facets, answer.Facets) {
		f := answer.Facets[name]
		unsure := ""
		if f.Confident != nil && !*f.Confident {
			unsure = ", unsure"
		}
		fmt.Fprintf(w, "  %s\t%s (%.0f%%%s)\n", terminal.Printable(name), terminal.Printable(f.Label), 100*f.Probability, unsure)
	}
	if len(answer.Colours) > 0 {
		fmt.Fprintf(w, "  colours\t%s\n", strings.Join(coloursText(answer.Colours), ", "))
	}
	fmt.Fprintln(w)
	if len(answer.Ignored) > 0 {
		fmt.Fprintf(w, "Its own %s.\n\n", counting(answer.Ignored, "does not count", "do not count"))
	}
	if len(answer.NotIgnored) > 0 {
		fmt.Fprintf(w, "Its own %s all the same: the model does not know how to leave that out.\n\n", counting(answer.NotIgnored, "counts", "count"))
	}
	if len(answer.Results) > 0 {
		fmt.Fprintln(w, "\tsimilarity\tproduct\tphoto\ttitle\tprice")
	}
	for i, r := range answer.Results {
		price := ""
		if r.Price != nil {
			price = priceText(*r.Price, r.Currency)
		}
		fmt.Fprintf(w, "%d\t%.4f\t%s\t%s\t%s\t%s\n", answer.Offset+i+1, r.Similarity, terminal.Printable(r.ProductID), terminal.Printable(r.Source), terminal.Printable(r.Title), terminal.Printable(price))
	}
	if answer.Note != "" {
		fmt.Fprintln(w, answer.Note)
	} else {
		fmt.Fprintf(w, "%d match in all.\n", answer.TotalMatches)
	}
	return w.Flush()
}

// counting says of one facet, or of several, whether they count.
func counting(facets []string, one, several string) string {
	verb := one
	if len(facets) > 1 {
		verb = several
	}
	return terminal.Printable(strings.Join(facets, " and ")) + " " + verb
}

func orderedFacets(known []catalog.Facet, present map[string]searcher.Facet) []string {
	position := func(name string) int {
		if i := slices.IndexFunc(known, func(f catalog.Facet) bool { return f.Name == name }); i >= 0 {
			return i
		}
		return len(known)
	}
	return slices.SortedFunc(maps.Keys(present), func(a, b string) int {
		return cmp.Or(cmp.Compare(position(a), position(b)), cmp.Compare(a, b))
	})
}

// explainSearch says which photo or store it was about.
func explainSearch(err error, url, source string) error {
	var e *searcher.Error
	if errors.As(err, &e) && strings.HasPrefix(e.Code, "photo_") {
		return fmt.Errorf("%s: %w", terminal.Printable(storage.WithoutSecrets(source)), err)
	}
	return open.ExplainStore(err, url)
}
