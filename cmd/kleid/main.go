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
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// Who interrupts twice does not want to wait for a clean end.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// run is the program: args[0] is its name, and the answer its exit code. When ctx ends, it stops.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	// --threads sets it for this run alone.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	app := newApp(stdin, stdout, stderr)
	err := app.RunContext(ctx, flagsFirst(app, args))
	code := exitCode(ctx, err)
	switch {
	case code == exitInterrupted:
		fmt.Fprintln(stderr, "kleid: interrupted")
	case err != nil && strings.HasPrefix(err.Error(), app.Name):
		fmt.Fprintln(stderr, err) // of a command by its whole name
	case err != nil:
		fmt.Fprintf(stderr, "%s: %v\n", app.Name, err)
	}
	var wrong *usageError
	if errors.As(err, &wrong) && wrong.command != "" {
		fmt.Fprintf(stderr, "See `%s --help`.\n", wrong.command)
	}
	return code
}
