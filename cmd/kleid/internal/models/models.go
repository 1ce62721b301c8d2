// Package models is kleid models: versions of models in a registry.
package models

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/output"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/models"
	"github.com/kleid-search/kleid/models/registry"
	"github.com/kleid-search/kleid/storage"
)

// Command keeps versions of models.
func Command() *cli.Command {
	place := func() cli.Flag {
		return &cli.StringFlag{Name: "models", EnvVars: flags.Env("models"), Usage: "registry: a `FOLDER`, or s3://bucket/prefix"}
	}
	return &cli.Command{
		Name:  "models",
		Usage: "versions of models in a folder or S3",
		Description: `A registry keeps each model under a version that follows from its bytes, with a manifest of what it was made
of and how good it is. One version is promoted: --models FOLDER or s3://bucket/prefix of index, serve, search and
the others means that one, and --models FOLDER@VERSION another. What is pulled is checked and kept in the user's
cache. A version may be given by its first digits.

Examples:
  kleid models push build/weights/model.safetensors --models s3://shop/models --metrics figures.json
  kleid models list --models s3://shop/models
  kleid models promote 3f2a --models s3://shop/models
  kleid index --catalogue photos/ --out index/ --models s3://shop/models`,
		Subcommands: []*cli.Command{
			{
				Name: "list", Usage: "all versions, the newest first",
				Description: "Example:\n  kleid models list --models models/",
				Flags:       []cli.Flag{place(), flags.JSON()},
				Action:      list,
			},
			{
				Name: "push", Usage: "store a model", ArgsUsage: "FILE",
				Description: `--metrics names a JSON file with figures of held-out data: what "kleid evaluate --json" prints, or
{"facets": {"neckline": {"macro_f1": 0.5}}, …}; kleid train facets, and kleid train similarity --catalogue, leave
theirs in --work. "measured_on": "TEXT" in an object says on which photos its figures were measured, as those files do:
figures of other photos are not compared; "before" has the parent's on the same photos. Pushing a model again adds figures to what is known of it. Parent, data and
program are those that the model's file names, unless others are given. Of facets, location and embeddings that are the
parent's, to the bit, the parent's figures are taken over ("inherited" in the manifest).

Examples:
  kleid models push build/facets/model.safetensors --models models/ --metrics build/facets/metrics.json
  kleid models push model.safetensors --models models/ --parent 3f2a --dataset autumn --metrics figures.json`,
				Flags: []cli.Flag{
					place(),
					&cli.StringFlag{Name: "parent", EnvVars: flags.Env("parent"), Usage: "`VERSION` that it was trained from"},
					&cli.StringFlag{Name: "dataset", EnvVars: flags.Env("models-dataset"), Usage: "name or fingerprint of the data"},
					&cli.StringFlag{Name: "metrics", EnvVars: flags.Env("models-metrics"), Usage: "JSON `FILE` with figures"},
					&cli.StringFlag{Name: "comment", EnvVars: flags.Env("comment"), Usage: "what is worth knowing"},
					flags.JSON(),
				},
				Action: push,
			},
			{
				Name: "pull", Usage: "fetch a version, the promoted one by default", ArgsUsage: "[VERSION]",
				Description: "Example:\n  kleid models pull 3f2a --models s3://shop/models --out model.safetensors",
				Flags:       []cli.Flag{place(), &cli.StringFlag{Name: "out", EnvVars: flags.Env("models-out"), DefaultText: "the user's cache", Usage: "`FILE` to write, or a folder, which gets VERSION.safetensors"}, flags.JSON()},
				Action:      pull,
			},
			{
				Name: "promote", Usage: "make a version the one in use", ArgsUsage: "VERSION",
				Description: `A version is refused if one of its figures is worse than that of the promoted one, or of the version that it was
trained from, by more than --tolerance: lower, or, of dresses that are missed, photos with a false one, and errors
of calibration, higher; figures of single labels do not count. So is one that lacks a facet of theirs, and one that lacks a figure: push it again
with --metrics, which adds to what is known. And so is one that was measured on other photos, or other labels of them,
than they were, unless it was trained from the other one and comes with figures of that on the same photos, as
kleid train facets and similarity leave them: measure both on the same ones, and push both again with these; where it is not known on which,
as of models that an earlier Kleid pushed, that is told, and figures are compared. Facets, location and embeddings that
are the same to the bit are no worse, and figures of them need not be given again. A version that was promoted before
is not refused: so promotions are taken back.

Example:
  kleid models promote 3f2a --models s3://shop/models`,
				Flags: []cli.Flag{
					place(),
					&cli.Float64Flag{Name: "tolerance", Value: 0.01, EnvVars: flags.Env("tolerance"), Usage: "by how much figures may be worse"},
					&cli.BoolFlag{Name: "force", DisableDefaultText: true, EnvVars: flags.Env("models-force"), Usage: "promote it though it is worse, or not measured as the other was, or on other photos"},
					flags.JSON(),
				},
				Action: promote,
			},
			{
				Name: "diff", Usage: "what is different in a version from another, the promoted one by default", ArgsUsage: "VERSION [OTHER]",
				Description: "Example:\n  kleid models diff 3f2a --models s3://shop/models",
				Flags:       []cli.Flag{place(), flags.JSON()},
				Action:      diff,
			},
		},
	}
}

// openRegistry opens the registry of --models, and checks the number of arguments.
func openRegistry(c *cli.Context, least, most int) (*registry.Registry, error) {
	if err := flags.Required(c, "models"); err != nil {
		return nil, err
	}
	if n := c.NArg(); n < least || n > most {
		return nil, exit.WrongUsage(c, "%s takes %s, not %d arguments", c.Command.HelpName, c.Command.ArgsUsage, n)
	}
	location := c.String("models")
	path, ok := storage.LocalPath(location)
	if info, err := os.Stat(path); ok && err == nil && !info.IsDir() {
		return nil, exit.WrongUsage(c, "--models is the file %s, but must be a registry: a folder, or s3://bucket/prefix", location)
	}
	cache, err := registry.DefaultCache()
	if err != nil {
		return nil, err
	}
	return registry.Open(c.Context, location, cache)
}

// versionInUse is a manifest as `models list` prints it.
type versionInUse struct {
	registry.Manifest
	Promoted bool `json:"promoted"`
}

func list(c *cli.Context) error {
	r, err := openRegistry(c, 0, 0)
	if err != nil {
		return err
	}
	location := c.String("models")
	if path, ok := storage.LocalPath(location); ok { // a first push makes the folder
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("there is no folder %s", location)
		}
	}
	list, bad := r.List(c.Context) // bad versions are told of after the others
	if bad != nil && list == nil {
		return bad
	}
	promoted, err := r.Promoted(c.Context)
	if err != nil {
		return err
	}
	versions := make([]versionInUse, len(list))
	for i, m := range list {
		versions[i] = versionInUse{m, len(promoted) > 0 && m.Version == promoted[0]}
	}
	if c.Bool("json") {
		return errors.Join(bad, json.NewEncoder(c.App.Writer).Encode(map[string]any{"versions": versions, "promoted": promoted}))
	}
	if len(versions) == 0 && bad == nil {
		_, err := fmt.Fprintf(c.App.Writer, "%s holds no models yet: kleid models push FILE\n", r)
		return err
	}
	table := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "VERSION\tPUSHED\tBACKBONE\tPRECISION\tSIZE\tDATASET\tFIGURES\t")
	for _, v := range versions {
		mark := ""
		if v.Promoted {
			mark = "promoted"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%.1f MB\t%s\t%d\t%s\n", v.Version, v.Created.Format("2006-01-02 15:04"), terminal.Printable(v.Backbone),
			terminal.Printable(v.Precision), float64(v.Bytes)/1e6, terminal.Printable(v.Dataset), len(v.Metrics), mark)
	}
	return errors.Join(bad, table.Flush())
}

func push(c *cli.Context) error {
	r, err := openRegistry(c, 1, 1)
	if err != nil {
		return err
	}
	about := registry.About{Parent: c.String("parent"), Dataset: c.String("dataset"), Comment: c.String("comment")}
	if file := c.String("metrics"); file != "" {
		if about.Metrics, about.MeasuredOn, err = registry.ReadMetrics(c.Context, file); err != nil {
			return err
		}
	}
	data, err := models.Fetch(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	m, err := r.Push(c.Context, data, about)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(m)
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s: %s, %.1f MB\n", r, m.Version, float64(m.Bytes)/1e6)
	return err
}

func pull(c *cli.Context) error {
	if err := flags.OnDisk(c, "out"); err != nil {
		return err
	}
	r, err := openRegistry(c, 0, 1)
	if err != nil {
		return err
	}
	version, out := c.Args().First(), c.String("out")
	if info, err := os.Stat(out); err == nil && info.IsDir() || strings.HasSuffix(filepath.ToSlash(out), "/") {
		if version, err = r.Resolve(c.Context, version); err != nil {
			return err
		}
		out = filepath.Join(out, version+".safetensors")
	}
	var file *output.File
	if out != "" {
		if file, err = output.New(out); err != nil {
			return fmt.Errorf("--out cannot be written: %w", err)
		}
		defer file.Close()
	}
	path, err := r.Pull(c.Context, version)
	if err != nil {
		return err
	}
	if file != nil {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if _, err := file.Write(data); err != nil {
			return err
		}
		if err := file.Keep(); err != nil {
			return err
		}
		path = out
	}
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(map[string]string{"path": path})
	}
	_, err = fmt.Fprintln(c.App.Writer, path)
	return err
}

func promote(c *cli.Context) error {
	r, err := openRegistry(c, 1, 1)
	if err != nil {
		return err
	}
	tolerance := c.Float64("tolerance")
	if !(tolerance >= 0) {
		return exit.WrongUsage(c, "--tolerance is %v, but must be 0 or more; --force promotes in any case", tolerance)
	}
	if c.Bool("force") {
		tolerance = -1
	}
	m, err := r.Promote(c.Context, c.Args().First(), tolerance)
	if err != nil {
		return err
	}
	for _, warning := range m.Warnings {
		terminal.Say(c, "%s", warning)
	}
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(m)
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s: %s is promoted\n", r, m.Version)
	return err
}

func diff(c *cli.Context) error {
	r, err := openRegistry(c, 1, 2)
	if err != nil {
		return err
	}
	a, err := r.Manifest(c.Context, c.Args().Get(1))
	if err != nil {
		return err
	}
	b, err := r.Manifest(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	lines := registry.Diff(a, b)
	if c.Bool("json") {
		if lines == nil {
			lines = []string{}
		}
		return json.NewEncoder(c.App.Writer).Encode(map[string]any{"from": a.Version, "to": b.Version, "differences": lines})
	}
	fmt.Fprintf(c.App.Writer, "%s → %s\n", a.Version, b.Version)
	if len(lines) == 0 {
		lines = []string{"nothing is different"}
	}
	for i, line := range lines {
		lines[i] = terminal.Printable(line)
	}
	_, err = fmt.Fprintln(c.App.Writer, "  "+strings.Join(lines, "\n  "))
	return err
}
