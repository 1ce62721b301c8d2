package flags

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// First moves the flags of a command before its arguments: people write the photo first, and the
// library would take all that follows it for arguments. What comes after "--" stays as it is.
func First(app *cli.App, args []string) []string {
	if len(args) < 2 {
		return args
	}
	// The library's help knows commands of the program alone.
	if len(args) > 3 && args[1] == "help" && named(app.Commands, args[2]) != nil {
		args = append(append(args[:1:1], args[2:]...), "--help")
	}
	ordered, rest := args[:1:1], args[1:]
	commands, flags := app.Commands, app.Flags
	for len(rest) > 0 {
		command := named(commands, rest[0])
		if command == nil {
			break
		}
		ordered, rest = append(ordered, rest[0]), rest[1:]
		commands, flags = command.Subcommands, command.Flags
	}
	if len(commands) > 0 {
		return args // no command is named whose arguments these could be
	}
	var arguments []string
	for len(rest) > 0 {
		arg := rest[0]
		rest = rest[1:]
		switch {
		case arg == "--":
			arguments, rest = append(arguments, rest...), nil
		case arg == "-" || !strings.HasPrefix(arg, "-"):
			arguments = append(arguments, arg)
		default:
			ordered = append(ordered, arg)
			if takesValue(flags, arg) {
				if len(rest) == 0 {
					return ordered // the library misses the value
				}
				ordered, rest = append(ordered, rest[0]), rest[1:]
			}
		}
	}
	if len(arguments) > 0 {
		ordered = append(append(ordered, "--"), arguments...)
	}
	return ordered
}

func named(commands []*cli.Command, name string) *cli.Command {
	for _, command := range commands {
		if command.HasName(name) {
			return command
		}
	}
	return nil
}

// takesValue says whether the argument after a flag is its value.
func takesValue(flags []cli.Flag, arg string) bool {
	name := strings.TrimLeft(arg, "-")
	if strings.Contains(name, "=") {
		return false
	}
	for _, flag := range flags {
		if slices.Contains(flag.Names(), name) {
			_, isSwitch := flag.(*cli.BoolFlag)
			return !isSwitch
		}
	}
	return false
}
