package main

import (
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"

	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
)

// warnOfVariables logs variables that no flag has, but nearly: a shop whose KLEID_HIDE_ATTRIBUTE does nothing shows
// what it means to hide. Others may be of compose, or of Kubernetes, which has KLEID_PORT for a service kleid.
func warnOfVariables(c *cli.Context) {
	known := variables(c.App.Commands)
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if near := nearVariable(name, known); near != "" && value != "" {
			terminal.Logger(c).Warn("a variable does nothing: its name is misspelt, it seems", "variable", name, "meant", near)
		}
	}
}

// variables are the names of those of all commands, sorted.
func variables(commands []*cli.Command) []string {
	var names []string
	for _, command := range commands {
		if command.Name == "help" {
			continue // the library's, which has itself below it
		}
		for _, flag := range command.Flags {
			if with, ok := flag.(cli.DocGenerationFlag); ok {
				names = append(names, with.GetEnvVars()...)
			}
		}
		names = append(names, variables(command.Subcommands)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// nearVariable is the known variable that a name is next to, within a letter of each three; "" if it is known itself,
// is none of Kleid's, as Kubernetes's ports of services such as kleid-models are not, or is next to none.
func nearVariable(name string, known []string) string {
	const prefix = "KLEID_"
	if !strings.HasPrefix(name, prefix) || strings.HasSuffix(name, "_PORT") || slices.Contains(known, name) {
		return ""
	}
	near, least := "", (len(name)-len(prefix))/3+1
	for _, other := range known {
		if edits := smetrics.WagnerFischer(name, other, 1, 1, 1); edits < least {
			near, least = other, edits
		}
	}
	return near
}
