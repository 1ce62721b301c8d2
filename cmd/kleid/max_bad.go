package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/exit"
	"github.com/kleid-search/kleid/cmd/kleid/internal/flags"
)

// maxBad is how many bad photos are taken as usual: a number, or a share of all.
type maxBad struct {
	text  string
	count int
	share float64 // 0..1; counts where it is not negative
}

// maxBadFlag is that of commands that read datasets.
func maxBadFlag() cli.Flag {
	return &cli.StringFlag{Name: "max-bad", Value: defaultMaxBad, EnvVars: flags.Env("max-bad"), Usage: maxBadForms + ", above which the exit code is 3 and nothing is done"}
}

const (
	defaultMaxBad = "5%"
	maxBadForms   = "`N` bad photos, or a share of all: N%, or a number with a point, such as 0.05; so 1 is one photo, and 1.0 all"
)

// maxBadOf reads maxBadFlag.
func maxBadOf(c *cli.Context) (maxBad, error) {
	limit, err := parseMaxBad(c.String("max-bad"))
	if err != nil {
		return limit, exit.WrongUsage(c, "%v", err)
	}
	return limit, nil
}

// parseMaxBad reads "20", "5%" or a share with a point, such as "0.05".
func parseMaxBad(text string) (maxBad, error) {
	m := maxBad{text: text, share: -1}
	var err error
	percent, isShare := strings.CutSuffix(text, "%")
	switch {
	case isShare:
		m.share, err = strconv.ParseFloat(percent, 64)
		m.share /= 100
	case strings.Contains(text, "."):
		m.share, err = strconv.ParseFloat(text, 64)
	default:
		m.count, err = strconv.Atoi(text)
		if err == nil && m.count >= 0 {
			return m, nil
		}
	}
	if err != nil || !(m.share >= 0 && m.share <= 1) {
		return m, fmt.Errorf("--max-bad is %q, but takes a number like 20, or a share like 5%%", text)
	}
	return m, nil
}

// check returns an error if there are too many.
func (m maxBad) check(of badOnes) error {
	allowed := float64(m.count)
	if m.share >= 0 {
		allowed = m.share * float64(of.total)
	}
	if float64(len(of.bad)) <= allowed {
		return nil
	}
	return &exit.TooManyBadError{Bad: len(of.bad), Total: of.total, Kind: of.kind, What: "bad", Why: "", Allowed: m.text, Outcome: "nothing is done"}
}
