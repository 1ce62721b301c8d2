package flags

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// How the library tells what is wrong with a flag.
var (
	unknownFlag   = regexp.MustCompile(`(?s)^flag provided but not defined: --?(.*)$`)
	lacksValue    = regexp.MustCompile(`^flag needs an argument: --?(.+)$`)
	wrongValue    = regexp.MustCompile(`(?s)^invalid (?:boolean )?value (".*") for (?:flag )?--?([^ ]+): (?:.*)$`)
	wrongVariable = regexp.MustCompile(`(?s)^could not parse (".*") as .* from environment variable "(.+)" for flag ([^ ]+): `)
)

// Problem says in Kleid's words what is wrong with a command's flags.
func Problem(flags []cli.Flag, message string) string {
	if m := unknownFlag.FindStringSubmatch(message); m != nil {
		return "there is no flag --" + m[1]
	}
	if m := lacksValue.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("--%s needs a value", m[1])
	}
	if m := wrongValue.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("--%s is %s, but takes %s", m[2], m[1], kindOf(flags, m[2]))
	}
	if m := wrongVariable.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("%s is %s, but takes %s", m[2], m[1], kindOf(flags, m[3]))
	}
	return message
}

// kindOf is what a flag takes.
func kindOf(flags []cli.Flag, name string) string {
	i := slices.IndexFunc(flags, func(flag cli.Flag) bool { return slices.Contains(flag.Names(), strings.TrimLeft(name, "-")) })
	if i < 0 {
		return "another value"
	}
	switch flags[i].(type) {
	case *cli.BoolFlag:
		return "true or false"
	case *cli.DurationFlag:
		return "a time, such as 90s or 6h"
	case *cli.Float64Flag:
		return "a number, such as 0.5 or 29.99"
	case *cli.IntFlag, *cli.Int64Flag:
		return "a whole number"
	case *cli.UintFlag, *cli.Uint64Flag:
		return "a whole number, 0 or more"
	}
	return "another value"
}
