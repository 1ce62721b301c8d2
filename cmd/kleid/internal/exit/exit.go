// Package exit has the program's exit codes, and the errors that mean more than that something failed.
package exit

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/searcher"
	"github.com/kleid-search/kleid/vectors"
)

// The exit codes; Codes explains them to people.
const (
	Done        = 0
	Failed      = 1
	Usage       = 2
	TooManyBad  = 3
	Refused     = 4
	Interrupted = 130
	ReaderGone  = 141 // as of a program that SIGPIPE ends
)

// What the help says of exit codes: Codes all, CommonCodes those of most commands, and BadCodes those of commands that read
// photos for a training.
const (
	Codes = `Exit codes:
  0    done
  1    failed
  2    wrong usage
  3    more bad photos than --max-bad
  4    the gate refused the new index; the old one is still served
  130  interrupted
  141  the reader of the output went away`

	BadCodes    = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 more bad photos or triplets than --max-bad, 130 interrupted"
	CommonCodes = "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted"
)

// ErrReaderGone is that of writing to a pipe that nobody reads any more.
var ErrReaderGone = errors.New("nobody reads the output any more")

// UsageError says what is wrong with the command line.
type UsageError struct {
	Command string // whose help explains more, such as "kleid index"
	Message string
}

func (e *UsageError) Error() string { return e.Message }

// Whole is the message with the command that it is about.
func (e *UsageError) Whole() string {
	if strings.HasPrefix(e.Message, e.Command) {
		return e.Message
	}
	return e.Command + ": " + e.Message
}

// WrongUsage returns a UsageError of the command that runs.
func WrongUsage(c *cli.Context, format string, args ...any) error {
	return &UsageError{c.Command.HelpName, fmt.Sprintf(format, args...)}
}

// TooManyBadError says that an index, a shard or a dataset has more bad photos than --max-bad.
type TooManyBadError struct {
	Bad, Total int
	Kind       string // such as "photos"
	What       string // such as "unreadable"
	Why        string // of most of them, as indexer.BadReasons.Most says it
	Allowed    string // as it was given
	Outcome    string
}

func (e *TooManyBadError) Error() string {
	return fmt.Sprintf("%d of %d %s are %s%s, more than the %s that --max-bad allows: %s", e.Bad, e.Total, e.Kind, e.What, e.Why, e.Allowed, e.Outcome)
}

// RefusedError says what is wrong with an index: the gate refused it, or it is not what its Parquet file says.
type RefusedError struct{ Message string }

func (e *RefusedError) Error() string { return e.Message }

// Code is the program's for what a command returned.
func Code(ctx context.Context, err error) int {
	var (
		wrong  *UsageError
		filter *vectors.FilterError
		query  *vectors.QueryError
		search *searcher.Error
		bad    *TooManyBadError
		index  *RefusedError
	)
	switch {
	case err == nil:
		return Done
	case errors.As(err, &wrong), errors.As(err, &filter), errors.As(err, &query):
		return Usage
	case errors.As(err, &search) && (search.Code == searcher.CodeInvalid || search.Code == searcher.CodeUnknownFacet || search.Code == searcher.CodeUnknownLabel):
		return Usage
	case errors.As(err, &bad):
		return TooManyBad
	case errors.Is(err, ErrReaderGone):
		return ReaderGone
	case ctx.Err() != nil:
		return Interrupted
	case errors.As(err, &index):
		return Refused
	}
	return Failed
}
