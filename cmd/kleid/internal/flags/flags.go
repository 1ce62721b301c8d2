// Package flags is what flags of all commands have in common: their variables, how they are repeated, which values are
// refused, and what is said of wrong ones. It knows no command.
package flags

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
)

// Env is the environment variable of a flag. Where a flag means something else in another command, its name here begins
// with the command's.
func Env(name string) []string {
	return []string{"KLEID_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))}
}

// Repeated returns the values of a flag that may be repeated. Its environment variable parts them by ";",
// which no label and no origin has in it; what the command line gives stays whole.
func Repeated(c *cli.Context, name string) []string {
	values := c.StringSlice(name)
	if OnCommandLine(c, name) {
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

// OnCommandLine says whether a flag is given there, not by its variable alone, which all commands of a plan may share.
func OnCommandLine(c *cli.Context, name string) bool {
	given := *c
	given.Command = nil // whose flags know of variables, too
	return slices.Contains(given.LocalFlagNames(), name)
}

// OnlyOther says whether of two flags that exclude each other the command line gives the other one alone: it wins over a
// variable.
func OnlyOther(c *cli.Context, name, other string) bool {
	return OnCommandLine(c, other) && !OnCommandLine(c, name)
}

// JSON is of commands that print what they found.
func JSON() cli.Flag {
	return &cli.BoolFlag{Name: "json", DisableDefaultText: true, EnvVars: Env("json"), Usage: "print one line of JSON on standard output"}
}

// Required refuses flags without a value. The library's own check prints the whole help.
func Required(c *cli.Context, names ...string) error {
	for _, name := range names {
		if c.String(name) == "" {
			return exit.WrongUsage(c, "%s needs --%s", c.Command.HelpName, name)
		}
	}
	return nil
}

// OnDisk refuses an address for a file to write, which would become a folder called "s3:".
func OnDisk(c *cli.Context, name string) error {
	if out := c.String(name); strings.Contains(out, "://") {
		return exit.WrongUsage(c, "--%s is %q, but must be a file on this machine", name, out)
	}
	return nil
}

// NotNegative refuses numbers below 0.
func NotNegative(c *cli.Context, names ...string) error {
	for _, name := range names {
		if c.Int(name) < 0 {
			return exit.WrongUsage(c, "--%s is %d, but must not be negative", name, c.Int(name))
		}
	}
	return nil
}

// Shares refuses numbers that are not between 0 and 1.
func Shares(c *cli.Context, names ...string) error {
	for _, name := range names {
		if share := c.Float64(name); !(share >= 0 && share <= 1) {
			return exit.WrongUsage(c, "--%s is %v, but must be a share between 0 and 1", name, share)
		}
	}
	return nil
}

// Positive refuses numbers below 1.
func Positive(c *cli.Context, names ...string) error {
	for _, name := range names {
		if c.Int(name) < 1 {
			return exit.WrongUsage(c, "--%s is %d, but must be at least 1", name, c.Int(name))
		}
	}
	return nil
}
