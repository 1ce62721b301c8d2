package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/searcher"
	"github.com/kleid-search/kleid/vectors"
)

// The exit codes; exitCodes explains them to people.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitTooManyBad  = 3
	exitRefused     = 4
	exitInterrupted = 130
	exitReaderGone  = 141 // as of a program that SIGPIPE ends
)

const (
	exitCodes = `Exit codes:
  0    done
  1    failed
  2    wrong usage
  3    more bad photos than --max-bad
  4    the gate refused the new index; the old one is still served
  130  interrupted
  141  the reader of the output went away`

	badExitCodes    = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 more bad photos or triplets than --max-bad, 130 interrupted"
	commonExitCodes = "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted"
)

// errReaderGone is that of writing to a pipe that nobody reads any more.
var errReaderGone = errors.New("nobody reads the output any more")

// usageError says what is wrong with the command line.
type usageError struct {
	command string // whose help explains more, such as "kleid index"
	message string
}

func (e *usageError) Error() string { return e.message }

// whole is the message with the command that it is about.
func (e *usageError) whole() string {
	if strings.HasPrefix(e.message, e.command) {
		return e.message
	}
	return e.command + ": " + e.message
}

// wrongUsage returns a usageError of the command that runs.
func wrongUsage(c *cli.Context, format string, args ...any) error {
	return &usageError{c.Command.HelpName, fmt.Sprintf(format, args...)}
}

// tooManyBadError says that an index, a shard or a dataset has more bad photos than --max-bad.
type tooManyBadError struct {
	bad, total int
	kind       string // such as "photos"
	what       string // such as "unreadable"
	why        string // of most of them, as indexer.BadReasons.Most says it
	allowed    string // as it was given
	outcome    string
}

func (e *tooManyBadError) Error() string {
	return fmt.Sprintf("%d of %d %s are %s%s, more than the %s that --max-bad allows: %s", e.bad, e.total, e.kind, e.what, e.why, e.allowed, e.outcome)
}

// refusedError says what is wrong with an index: the gate refused it, or it is not what its Parquet file says.
type refusedError struct{ message string }

func (e *refusedError) Error() string { return e.message }

// exitCode is the program's for what a command returned.
func exitCode(ctx context.Context, err error) int {
	var (
		wrong  *usageError
		filter *vectors.FilterError
		query  *vectors.QueryError
		search *searcher.Error
		bad    *tooManyBadError
		index  *refusedError
	)
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &wrong), errors.As(err, &filter), errors.As(err, &query):
		return exitUsage
	case errors.As(err, &search) && (search.Code == searcher.CodeInvalid || search.Code == searcher.CodeUnknownFacet || search.Code == searcher.CodeUnknownLabel):
		return exitUsage
	case errors.As(err, &bad):
		return exitTooManyBad
	case errors.Is(err, errReaderGone):
		return exitReaderGone
	case ctx.Err() != nil:
		return exitInterrupted
	case errors.As(err, &index):
		return exitRefused
	}
	return exitFailed
}
