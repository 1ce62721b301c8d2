package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/bench"
	"github.com/kleid-search/kleid/cmd/kleid/internal/demo"
	"github.com/kleid-search/kleid/cmd/kleid/internal/evaluate"
	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/export"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/index"
	"github.com/kleid-search/kleid/cmd/kleid/internal/models"
	"github.com/kleid-search/kleid/cmd/kleid/internal/photos"
	"github.com/kleid-search/kleid/cmd/kleid/internal/quality"
	"github.com/kleid-search/kleid/cmd/kleid/internal/quantize"
	"github.com/kleid-search/kleid/cmd/kleid/internal/serve"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/cmd/kleid/internal/train"
)

// newApp wires the commands.
func newApp(stdin io.Reader, stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:  "kleid",
		Usage: "find the dress in a photo, and dresses that look like it",
		Description: `Examples:
  kleid demo
  kleid index --catalogue photos/ --out index/
  kleid search dress.jpg --index index/ --where neckline=v-neck
  kleid serve --index index/ --listen 127.0.0.1:8080

Every flag is also an environment variable: --max-bad is KLEID_MAX_BAD. A flag that means something else
in another command is named after its own, such as KLEID_TRAIN_PRODUCTS and KLEID_EXPORT_TO; the command's
help has the names. --store of bench rebuild has none, so that it never means the shop's. The command line
wins over variables, also over those of flags that it excludes. Flags that may be repeated are parted by ;
in a variable. With --json a command prints exactly one line on standard output, last; logs and progress go
to standard error.

` + exit.Codes,
		Version: version,
		// The library's own --version prints in a form of its own.
		Flags: []cli.Flag{&cli.BoolFlag{Name: "version", Aliases: []string{"v"}, DisableDefaultText: true, Usage: "print the version, as kleid version does"}},
		Commands: []*cli.Command{
			demo.Command(),
			index.Command(),
			export.Command(),
			serve.Command(),
			serve.ReadyCommand(),
			photos.SearchCommand(),
			photos.EmbedCommand(),
			photos.PredictCommand(),
			train.Command(),
			evaluate.Command(),
			quality.Command(),
			quantize.Command(),
			models.Command(),
			bench.Command(),
			versionCommand(),
		},
		Reader: stdin, Writer: stdout, ErrWriter: stderr,
		// The form of logs, for run: until a command has read its flags, the variable says it.
		Metadata:    map[string]any{terminal.LogFormat: os.Getenv("KLEID_LOG_FORMAT")},
		HideVersion: true,
		// A label may have a comma in it.
		DisableSliceFlagSeparator: true,
		OnUsageError:              explainUsage,
		// run prints errors and chooses the exit code.
		ExitErrHandler: func(*cli.Context, error) {},
		Action:         noCommand,
	}
	for _, command := range app.Commands {
		prepare(command)
	}
	return app
}

// prepare gives a command, and those below it, what all have in common.
func prepare(command *cli.Command) {
	command.OnUsageError = explainUsage
	command.Flags = slices.Concat(command.Flags, []cli.Flag{terminal.LogFormatFlag()})
	if len(command.Subcommands) == 0 {
		command.Action = withUsage(command.Action)
		// An argument may be called "help" or "h".
		command.HideHelpCommand = true
		if command.ArgsUsage == "" {
			command.ArgsUsage = " " // else the help text promises arguments
			command.Before = noArguments
		}
		if !strings.Contains(command.Description, "Exit codes") {
			command.Description += "\n\n" + exit.CommonCodes
		}
		return
	}
	for _, sub := range command.Subcommands {
		prepare(sub)
	}
	own := command.Action
	command.Action = func(c *cli.Context) error {
		if own == nil || c.Args().Present() { // which is the name of no command below it
			return noCommand(c)
		}
		return withUsage(own)(c)
	}
}

// explainUsage keeps what is wrong with the flags short: the library would print the whole help.
func explainUsage(c *cli.Context, err error, _ bool) error {
	name := "kleid"
	if c.Command != nil && c.Command.HelpName != "" {
		name = c.Command.HelpName
	}
	var known []cli.Flag
	if c.Command != nil {
		known = c.Command.Flags
	}
	return &exit.UsageError{Command: name, Message: name + ": " + flags.Problem(known, err.Error())}
}

// withUsage gives errors that are wrong usage to the packages below, such as an unknown label, the form of
// those that are wrong usage to the command.
func withUsage(action cli.ActionFunc) cli.ActionFunc {
	return func(c *cli.Context) error {
		if format := c.String(terminal.LogFormat); format != "text" && format != "json" {
			return exit.WrongUsage(c, "--%s is %q: use text or json", terminal.LogFormat, format)
		}
		c.App.Metadata[terminal.LogFormat] = c.String(terminal.LogFormat)
		warnOfVariables(c)
		err := action(c)
		var wrong *exit.UsageError
		if exit.Code(c.Context, err) == exit.Usage && !errors.As(err, &wrong) {
			return exit.WrongUsage(c, "%v", err)
		}
		return err
	}
}

// noArguments refuses arguments of a command that has none.
func noArguments(c *cli.Context) error {
	if c.Args().Present() {
		return exit.WrongUsage(c, "%s takes no arguments, but there is %q", c.Command.HelpName, c.Args().First())
	}
	return nil
}

// noCommand is the action of the program, and of a command that has others below it, when none of those
// was named.
func noCommand(c *cli.Context) error {
	commands, name := c.App.Commands, c.App.Name
	if c.Command != nil && c.Command.HelpName != "" && c.Command.HelpName != c.App.HelpName {
		commands, name = c.Command.Subcommands, c.Command.HelpName
	}
	if !c.Args().Present() && name == c.App.Name {
		if c.Bool("version") {
			return printVersion(c)
		}
		return cli.ShowAppHelp(c)
	}
	var names []string
	for _, command := range commands {
		if !command.Hidden && command.Name != "help" {
			names = append(names, command.Name)
		}
	}
	problem := "name one of its commands"
	if c.Args().Present() {
		problem = fmt.Sprintf("there is no command %q", c.Args().First())
	}
	return &exit.UsageError{Command: name, Message: fmt.Sprintf("%s: %s: %s", name, problem, strings.Join(names, ", "))}
}
