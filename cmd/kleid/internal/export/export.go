// Package export is kleid export: rows of an index in other forms.
package export

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/open"
	"github.com/kleid-search/kleid/cmd/kleid/internal/output"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/storage"
)

// Command writes rows of an index.
func Command() *cli.Command {
	return &cli.Command{
		Name:  "export",
		Usage: "write rows of an index as Parquet, CSV or JSONL",
		Description: `The condition of --where is an expression of column names (expr-lang.org), such as
  facet_sleeve == "long" and price < 100 and attributes.fabric in ["silk", "satin"]
A missing text is "", a missing number compares with nothing, and - in a name is written _.
Columns may be globs, or attributes.fabric for one of the catalogue's own; without --columns there are all, but
embeddings in Parquet only. CSV is UTF-8, for programs: texts are as the catalogue has them, also those that
a spreadsheet would take for a formula.

Examples:
  kleid export --index index/ --where 'status == "unreadable"' --columns source,error
  kleid export --index index/ --where 'facet_neckline == "v-neck"' --columns 'product_id,attributes.fabric,facet_*' --format csv
  kleid export --index index/ --format parquet --to dresses.parquet
  kleid export --index s3://shop/index --columns 'product_id,facet_*' --to facets.csv

` + exit.CommonCodes,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "index", EnvVars: flags.Env("index"), Usage: "`DIR` that kleid index --out made, or s3://bucket/prefix"},
			&cli.StringFlag{Name: "run", EnvVars: flags.Env("run"), Usage: "`RUN` to export; kleid index list names them", DefaultText: "the latest"},
			&cli.StringFlag{Name: "where", EnvVars: flags.Env("export-where"), Usage: "`CONDITION` that a row has to satisfy", DefaultText: "all rows"},
			&cli.StringFlag{Name: "columns", EnvVars: flags.Env("columns"), Usage: "`NAMES` of columns, parted by commas", DefaultText: "all"},
			&cli.StringFlag{Name: "format", EnvVars: flags.Env("format"), Usage: "one of " + strings.Join(catalog.Formats(), ", "), DefaultText: "that of --to's name, else csv"},
			&cli.StringFlag{Name: "to", EnvVars: flags.Env("export-to"), Usage: "`FILE` to write", DefaultText: "standard output"},
		},
		Action: action,
	}
}

func action(c *cli.Context) (err error) {
	if err := flags.Required(c, "index"); err != nil {
		return err
	}
	options := catalog.ExportOptions{Where: c.String("where"), Format: formatOf(c.String("format"), c.String("to"))}
	for _, name := range strings.Split(c.String("columns"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			options.Columns = append(options.Columns, name)
		}
	}
	index, err := open.Index(c.Context, c.String("index"))
	if err != nil {
		return err
	}
	run := c.String("run")
	if run == "" {
		if run, err = index.Run(c.Context); err != nil {
			return err
		}
	}
	reader, file, err := index.Rows(c.Context, run)
	if errors.Is(err, storage.ErrNotExist) {
		return fmt.Errorf("run %s is not in %s: kleid index list names those that are", run, index.Name())
	}
	if err != nil {
		return err
	}
	defer file.Close()
	var to *output.File
	if c.String("to") != "" {
		if to, err = output.Create(c, "to", index.Path(run)); err != nil {
			return err
		}
		defer to.Close()
	}
	p := terminal.NewProgress(c)
	defer p.End()
	var exported catalog.Exported
	export := func(w io.Writer) error {
		exported, err = catalog.Export(c.Context, reader, w, options, func(done, total int) { p.Show("export", done, total, "") })
		return err
	}
	if to != nil {
		if err = export(to); err == nil {
			err = to.Keep()
		}
	} else {
		err = export(c.App.Writer)
	}
	p.End()
	var wrong *catalog.OptionsError
	if errors.As(err, &wrong) {
		return exit.WrongUsage(c, "%v", err)
	}
	if err == nil {
		p.Say("%d of %d rows of run %s", exported.Rows, reader.NumRows(), run)
		for _, name := range exported.Unknown {
			p.Say("no row has %q among its attributes: is it misspelt?", name)
		}
	}
	return err
}

// formatOf is the format that is asked for, or that a file's name has.
func formatOf(format, to string) catalog.Format {
	if format == "" {
		format = strings.TrimPrefix(filepath.Ext(to), ".")
	}
	if format == "" {
		return catalog.CSVFormat
	}
	return catalog.Format(format)
}
