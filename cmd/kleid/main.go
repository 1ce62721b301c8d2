// Command kleid finds the dress in a photo, describes it and finds dresses that look like it. It indexes
// catalogues, serves the search page and its API, and trains and measures its own model.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
)

func main() {
	// A reader that goes, such as head, is an error of writing, after which what is in temporary folders still goes too.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// Who interrupts twice does not want to wait for a clean end.
	context.AfterFunc(ctx, stop)
	limitMemory()
	os.Exit(run(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// run is the program: args[0] is its name, and the answer its exit code. When ctx ends, it stops.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	// --threads sets it for this run alone.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	out := &watchedWriter{w: stdout}
	app := newApp(stdin, out, stderr)
	err := app.RunContext(ctx, flags.First(app, args))
	if err == nil {
		err = out.err
	}
	// Only the library's own help command, asked about what is none, returns one with a code.
	if _, unknown := err.(cli.ExitCoder); unknown {
		err = &exit.UsageError{Command: app.Name, Message: app.Name + ": " + err.Error()}
	}
	code := exit.Code(ctx, err)
	if err != nil && code != exit.ReaderGone { // who went does not want to hear of it
		complain(app, err, code)
	}
	return code
}

// complain says why the program ends, last of all: as a line of JSON where all others are.
func complain(app *cli.App, err error, code int) {
	message, wrong := fmt.Sprintf("%s: %v", app.Name, err), (*exit.UsageError)(nil)
	switch {
	case code == exit.Interrupted:
		message = app.Name + ": interrupted"
	case errors.As(err, &wrong):
		message = fmt.Sprintf("%s\nSee `%s --help`.", wrong.Whole(), wrong.Command)
	}
	if app.Metadata[terminal.LogFormat] == "json" {
		terminal.NewLogger(app.ErrWriter, true).Error(message, "exit_code", code)
		return
	}
	fmt.Fprintln(app.ErrWriter, terminal.WithoutEscapes(message))
}

// watchedWriter keeps the first error of writing: not all that print, such as tables, tell of it.
type watchedWriter struct {
	w   io.Writer
	err error
}

func (w *watchedWriter) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		err = exit.ErrReaderGone
	}
	if w.err == nil {
		w.err = err
	}
	return n, err
}
