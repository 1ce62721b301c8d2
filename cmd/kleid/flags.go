package main

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// env is the environment variable of a flag.
func env(name string) []string {
	return []string{"KLEID_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))}
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

// notNegative refuses numbers below 0.
func notNegative(c *cli.Context, names ...string) error {
	for _, name := range names {
		if c.Int(name) < 0 {
			return wrongUsage(c, "--%s is %d, but must not be negative", name, c.Int(name))
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
