package indexer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// BadReason is why photos are unreadable, how many of them, and which is one of these.
type BadReason struct {
	Error   string `json:"error"`
	Photos  int    `json:"photos"`
	Example string `json:"example"` // its source
}

// BadReasons are the commonest ones, the first of them first: a server that is down has one for thousands of photos.
type BadReasons []BadReason

// shownReasons is how many a report has.
const shownReasons = 5

func reasonsOf(bad []BadPhoto) BadReasons {
	at := make(map[string]int)
	reasons := BadReasons{}
	for _, b := range bad {
		i, ok := at[b.Error]
		if !ok {
			i = len(reasons)
			at[b.Error], reasons = i, append(reasons, BadReason{Error: b.Error, Example: b.Source})
		}
		reasons[i].Photos++
	}
	slices.SortStableFunc(reasons, func(a, b BadReason) int { return cmp.Compare(b.Photos, a.Photos) })
	return reasons[:min(len(reasons), shownReasons)]
}

// Most names the commonest reason, to go on a sentence that has the number of unreadable photos; "" without one.
func (b BadReasons) Most() string {
	if len(b) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d of them: %s)", b[0].Photos, b[0].Error)
}

// String has a line for each.
func (b BadReasons) String() string {
	var text strings.Builder
	for _, r := range b {
		if r.Photos == 1 {
			fmt.Fprintf(&text, "unreadable %q: %s\n", r.Example, r.Error)
			continue
		}
		fmt.Fprintf(&text, "%d photos are unreadable, such as %q: %s\n", r.Photos, r.Example, r.Error)
	}
	return text.String()
}
