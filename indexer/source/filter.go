package source

import (
	"fmt"
	"slices"

	"github.com/bmatcuk/doublestar/v4"
)

// Filter says which photos of a catalogue are indexed, by their sources. Patterns are globs: * is any text without a
// slash, ** also with slashes, ? a character, [a-z] one of those and {jpg,png} one of these.
type Filter struct {
	Include []string // a source has to match one of them, if there are any
	Exclude []string // and none of these
}

// Check refuses patterns that are none.
func (f Filter) Check() error {
	for _, pattern := range slices.Concat(f.Include, f.Exclude) {
		if !doublestar.ValidatePattern(pattern) {
			return fmt.Errorf("the pattern %q is none: a bracket is not closed", pattern)
		}
	}
	return nil
}

func (f Filter) passes(source string) bool {
	matches := func(pattern string) bool { return doublestar.MatchUnvalidated(pattern, source) }
	return (len(f.Include) == 0 || slices.ContainsFunc(f.Include, matches)) && !slices.ContainsFunc(f.Exclude, matches)
}

// Apply leaves the entries out of a listing that do not pass, and counts them. Lines of a catalogue that name no photo stay:
// nobody knows whether it would have passed, and somebody should be told.
func (f Filter) Apply(l *Listing) {
	all := len(l.Entries)
	l.Entries = slices.DeleteFunc(l.Entries, func(e Entry) bool { return !e.IsLine && !f.passes(e.Source) })
	l.Filtered = all - len(l.Entries)
}
