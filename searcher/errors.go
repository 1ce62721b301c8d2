package searcher

import (
	"errors"
	"fmt"

	"github.com/kleid-search/kleid/photo"
	"github.com/kleid-search/kleid/vectors"
)

// The codes of an Error. Those of an unreadable photo are photo.Error's with "photo_" before them.
const (
	CodeInvalid         = "invalid_request"    // a value that cannot be
	CodeMalformed       = "malformed_request"  // a body or URL that cannot be read
	CodeUnknownFacet    = "unknown_facet"      // a filter by what the index does not have
	CodeUnknownLabel    = "unknown_label"      //
	CodeUnknownPhoto    = "unknown_photo"      // neither in the index nor seen lately
	CodeUnknownItem     = "unknown_item"       //
	CodeUnknownProduct  = "unknown_product"    //
	CodeNoThumbnail     = "no_thumbnail"       //
	CodeNoIndex         = "no_index"           // nothing has been published yet
	CodeNoStore         = "no_store"           // the store does not answer
	CodeShuttingDown    = "shutting_down"      // nobody new is let in
	CodeWrongModel      = "wrong_model"        // the index was made with another model than the searcher's
	CodeBusy            = "busy"               // too many photos at once
	CodeTimeout         = "timeout"            // the time for a request is over
	CodeNotFound        = "not_found"          // no such page
	CodeMethod          = "method_not_allowed" //
	CodeTooLarge        = "too_large"          // the body
	CodeUnsupportedType = "unsupported_type"   // the body's kind
	CodeInternal        = "internal"           // a bug or a broken store; the log says more
)

// Error has a code for programs and a message for people: what is wrong and what to do.
type Error struct {
	Code    string
	Message string
	Err     error // what lies behind it; may be nil
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns what lies behind the error.
func (e *Error) Unwrap() error { return e.Err }

// maxEcho is how many characters of a text a message repeats: a request may have millions, and a character that
// cannot be printed becomes several.
const maxEcho = 100

// failure makes an Error whose message repeats no more than the beginning of a text.
func failure(code, format string, args ...any) *Error {
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			args[i] = beginning(v)
		case vectors.Embedding:
			args[i] = beginning(string(v))
		case error:
			args[i] = beginning(v.Error())
		}
	}
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// beginning returns a text as it is, or the first maxEcho characters of a long one.
func beginning(text string) string {
	n := 0
	for i := range text {
		if n++; n > maxEcho {
			return text[:i] + "…"
		}
	}
	return text
}

func invalid(format string, args ...any) *Error { return failure(CodeInvalid, format, args...) }

// known gives errors of the packages below a code, and leaves others as they are.
func known(err error) error {
	var (
		own    *Error
		photo  *photo.Error
		filter *vectors.FilterError
		query  *vectors.QueryError
	)
	switch {
	case err == nil || errors.As(err, &own):
		return err
	case errors.As(err, &photo):
		return &Error{"photo_" + photo.Code, photo.Message, err}
	case errors.As(err, &filter) && filter.UnknownFacet:
		return &Error{CodeUnknownFacet, filter.Error(), err}
	case errors.As(err, &filter):
		return &Error{CodeUnknownLabel, filter.Error(), err}
	case errors.As(err, &query):
		return &Error{CodeInvalid, query.Error(), err}
	case errors.Is(err, vectors.ErrNoIndex):
		return &Error{CodeNoIndex, vectors.ErrNoIndex.Error(), err}
	}
	return err
}
