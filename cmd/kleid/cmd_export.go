package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/catalog"
	"github.com/kleid-search/kleid/indexer"
	"github.com/kleid-search/kleid/vectors"
)

func exportCommand() *cli.Command {
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

` + commonExitCodes,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "index", EnvVars: env("index"), Usage: "folder `DIR` that kleid index --out made"},
			&cli.StringFlag{Name: "run", EnvVars: env("run"), Usage: "`RUN` to export; kleid index list names them", DefaultText: "the latest"},
			&cli.StringFlag{Name: "where", EnvVars: env("export-where"), Usage: "`CONDITION` that a row has to satisfy", DefaultText: "all rows"},
			&cli.StringFlag{Name: "columns", EnvVars: env("columns"), Usage: "`NAMES` of columns, parted by commas", DefaultText: "all"},
			&cli.StringFlag{Name: "format", EnvVars: env("format"), Usage: "one of " + strings.Join(catalog.Formats(), ", "), DefaultText: "that of --to's name, else csv"},
			&cli.StringFlag{Name: "to", EnvVars: env("export-to"), Usage: "`FILE` to write", DefaultText: "standard output"},
		},
		Action: exportAction,
	}
}

func exportAction(c *cli.Context) (err error) {
	if err := required(c, "index"); err != nil {
		return err
	}
	if index := c.String("index"); strings.Contains(index, "://") {
		return wrongUsage(c, "--index is %s: name the folder of this machine that kleid index had as --scratch", index)
	}
	options := catalog.ExportOptions{Where: c.String("where"), Format: exportFormat(c.String("format"), c.String("to"))}
	for _, name := range strings.Split(c.String("columns"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			options.Columns = append(options.Columns, name)
		}
	}
	run := c.String("run")
	if run == "" {
		if run, err = indexer.Latest(c.String("index")); err != nil {
			return err
		}
		if run == "" {
			return fmt.Errorf("%s: %w", c.String("index"), vectors.ErrNoIndex)
		}
	}
	f, err := os.Open(indexer.ParquetPath(c.String("index"), run))
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("run %s is not in %s: kleid index list names those that are", run, c.String("index"))
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	reader, err := catalog.Read(f, info.Size())
	if err != nil {
		return err
	}
	var to *outputFile
	if c.String("to") != "" {
		if to, err = createOutput(c, "to", f.Name()); err != nil {
			return err
		}
		defer to.Close()
	}
	p := newProgress(c)
	defer p.end()
	n := 0
	export := func(w io.Writer) error {
		n, err = catalog.Export(c.Context, reader, w, options, func(done, total int) { p.show("export", done, total, "") })
		return err
	}
	if to != nil {
		if err = export(to); err == nil {
			err = to.keep()
		}
	} else {
		err = export(c.App.Writer)
	}
	p.end()
	var wrong *catalog.OptionsError
	if errors.As(err, &wrong) {
		return wrongUsage(c, "%v", err)
	}
	if err == nil {
		p.say("%d of %d rows of run %s", n, reader.NumRows(), run)
	}
	return err
}

// exportFormat is the format that is asked for, or that a file's name has.
func exportFormat(format, to string) catalog.Format {
	if format == "" {
		format = strings.TrimPrefix(filepath.Ext(to), ".")
	}
	if format == "" {
		return catalog.CSVFormat
	}
	return catalog.Format(format)
}
