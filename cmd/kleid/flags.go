package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// env is the environment variable of a flag. Where a flag means something else in another command, its name here begins
// with the command's.
func env(name string) []string {
	return []string{"KLEID_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))}
}

// repeated returns the values of a flag that may be repeated. Its environment variable parts them by ";",
// which no label and no origin has in it; what the command line gives stays whole.
func repeated(c *cli.Context, name string) []string {
	values := c.StringSlice(name)
	if onCommandLine(c, name) {
		return values
	}
	var parts []string
	for _, value := range values {
		for _, part := range strings.Split(value, ";") {
			if part = strings.TrimSpace(part); part != "" {
				parts = append(parts, part)
			}
		}
	}
	return parts
}

// onCommandLine says whether a flag is given there, not by its variable alone, which all commands of a plan may share.
func onCommandLine(c *cli.Context, name string) bool {
	given := *c
	given.Command = nil // whose flags know of variables, too
	return slices.Contains(given.LocalFlagNames(), name)
}

// onlyOther says whether of two flags that exclude each other the command line gives the other one alone: it wins over a
// variable.
func onlyOther(c *cli.Context, name, other string) bool {
	return onCommandLine(c, other) && !onCommandLine(c, name)
}

func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", DisableDefaultText: true, EnvVars: env("json"), Usage: "print one line of JSON on standard output"}
}

// required refuses flags without a value. The library's own check prints the whole help.
func required(c *cli.Context, names ...string) error {
	for _, name := range names {
		if c.String(name) == "" {
			return wrongUsage(c, "%s needs --%s", c.Command.HelpName, name)
		}
	}
	return nil
}

// onDisk refuses an address for a file to write, which would become a folder called "s3:".
func onDisk(c *cli.Context, name string) error {
	if out := c.String(name); strings.Contains(out, "://") {
		return wrongUsage(c, "--%s is %q, but must be a file on this machine", name, out)
	}
	return nil
}

// notNegative refuses numbers below 0.
func notNegative(c *cli.Context, names ...string) error {
	for _, name := range names {
		if c.Int(name) < 0 {
			return wrongUsage(c, "--%s is %d, but must not be negative", name, c.Int(name))
		}
	}
	return nil
}

// shares refuses numbers that are not between 0 and 1.
func shares(c *cli.Context, names ...string) error {
	for _, name := range names {
		if share := c.Float64(name); !(share >= 0 && share <= 1) {
			return wrongUsage(c, "--%s is %v, but must be a share between 0 and 1", name, share)
		}
	}
	return nil
}

// positive refuses numbers below 1.
func positive(c *cli.Context, names ...string) error {
	for _, name := range names {
		if c.Int(name) < 1 {
			return wrongUsage(c, "--%s is %d, but must be at least 1", name, c.Int(name))
		}
	}
	return nil
}
