package terminal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
)

// YesFlag is of commands that ask.
func YesFlag() cli.Flag {
	return &cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, DisableDefaultText: true, EnvVars: flags.Env("yes"), Usage: "do not ask"}
}

// errRefused says that a person answered no.
var errRefused = errors.New("stopped: nothing has changed")

// Confirm asks a person whether to go on. Where there is none, the command needs --yes; question says to what.
func Confirm(c *cli.Context, question string) error {
	switch {
	case c.Bool("yes"):
		return nil
	case !isTerminal(c.App.Reader) || !isTerminal(c.App.ErrWriter):
		return exit.WrongUsage(c, "%s Nobody is there to ask: say --yes if so", question)
	}
	fmt.Fprintf(c.App.ErrWriter, "%s [y/N] ", question)
	return readYes(c.App.Reader)
}

// readYes reads a person's answer.
func readYes(r io.Reader) error {
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return nil
	}
	return errRefused
}

// isTerminal says whether a person is at the other end of a file.
func isTerminal(file any) bool {
	f, ok := file.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}
