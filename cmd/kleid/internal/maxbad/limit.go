// Package maxbad is --max-bad: how many bad photos a command takes as usual, and the list of those that there are.
package maxbad

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
)

// Limit is how many bad photos are taken as usual: a number, or a share of all.
type Limit struct {
	text  string
	Count int
	Share float64 // 0..1; counts where it is not negative
}

// Flag is --max-bad of commands that read datasets.
func Flag() cli.Flag {
	return &cli.StringFlag{Name: "max-bad", Value: Default, EnvVars: flags.Env("max-bad"), Usage: Forms + ", above which the exit code is 3 and nothing is done"}
}

// What index, too, says of --max-bad.
const (
	Default = "5%"
	Forms   = "`N` bad photos, or a share of all: N%, or a number with a point, such as 0.05; so 1 is one photo, and 1.0 all"
)

// Of reads Flag.
func Of(c *cli.Context) (Limit, error) {
	limit, err := Parse(c.String("max-bad"))
	if err != nil {
		return limit, exit.WrongUsage(c, "%v", err)
	}
	return limit, nil
}

// Parse reads "20", "5%" or a share with a point, such as "0.05".
func Parse(text string) (Limit, error) {
	m := Limit{text: text, Share: -1}
	var err error
	percent, isShare := strings.CutSuffix(text, "%")
	switch {
	case isShare:
		m.Share, err = strconv.ParseFloat(percent, 64)
		m.Share /= 100
	case strings.Contains(text, "."):
		m.Share, err = strconv.ParseFloat(text, 64)
	default:
		m.Count, err = strconv.Atoi(text)
		if err == nil && m.Count >= 0 {
			return m, nil
		}
	}
	if err != nil || !(m.Share >= 0 && m.Share <= 1) {
		return m, fmt.Errorf("--max-bad is %q, but takes a number like 20, or a share like 5%%", text)
	}
	return m, nil
}

// check returns an error if there are too many.
func (m Limit) check(of Kind) error {
	allowed := float64(m.Count)
	if m.Share >= 0 {
		allowed = m.Share * float64(of.Total)
	}
	if float64(len(of.Bad)) <= allowed {
		return nil
	}
	return &exit.TooManyBadError{Bad: len(of.Bad), Total: of.Total, Kind: of.Name, What: "bad", Why: "", Allowed: m.text, Outcome: "nothing is done"}
}
