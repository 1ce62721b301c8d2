package maxbad

import (
	"bytes"
	"encoding/csv"

	"github.com/urfave/cli/v2"

	"github.com/kleid-search/kleid/cmd/kleid/internal/terminal"
	"github.com/kleid-search/kleid/datasets"
	"github.com/kleid-search/kleid/storage"
)

// file lists, in --work, what could not be learned from; so many are also told.
const (
	file    = "bad-photos.csv"
	toldBad = 10
)

// List tells what of datasets is bad, as it comes to be known: rows first, then what cannot be read.
type List struct {
	c        *cli.Context
	progress *terminal.Progress
	limit    Limit
	Work     storage.Bucket // for file; nil writes none
	known    map[string]int // so many of a kind were told of, or counted
}

// NewList is an empty list, which is written nowhere until Work is set.
func NewList(c *cli.Context, progress *terminal.Progress, limit Limit) *List {
	return &List{c: c, progress: progress, limit: limit, known: map[string]int{}}
}

// Kind is what is bad of a kind, such as photos or triplets.
type Kind struct {
	Name  string
	Bad   []datasets.Bad
	Total int // good ones included
}

// Take takes in all photos that are bad so far, what was listed before first. It fails if there is too much.
func (b *List) Take(bad []datasets.Bad, total int) error {
	return b.TakeKinds(Kind{"photos", bad, total})
}

// TakeKinds is Take of several kinds; it fails if there are too many of one.
func (b *List) TakeKinds(kinds ...Kind) error {
	if err := b.write(kinds); err != nil {
		return err
	}
	var tooMany error
	for _, of := range kinds {
		if known := b.known[of.Name]; len(of.Bad) > known {
			for i := known; i < min(len(of.Bad), toldBad); i++ {
				b.progress.Say("bad: %s: %s", terminal.Printable(of.Bad[i].Photo), terminal.Printable(of.Bad[i].Reason))
			}
			if b.known[of.Name] = len(of.Bad); b.Work == nil {
				b.progress.Say("%d of %d %s are bad", len(of.Bad), of.Total, of.Name)
			} else {
				b.progress.Say("%d of %d %s are bad, all of them listed in %s of %s", len(of.Bad), of.Total, of.Name, file, b.Work)
			}
		}
		if err := b.limit.check(of); tooMany == nil {
			tooMany = err
		}
	}
	return tooMany
}

// write writes file; one of a run before goes where there is nothing to list.
func (b *List) write(kinds []Kind) error {
	if b.Work == nil {
		return nil
	}
	rows := [][]string{{"photo", "reason"}}
	for _, of := range kinds {
		for _, one := range of.Bad {
			rows = append(rows, []string{one.Photo, one.Reason})
		}
	}
	if len(rows) == 1 {
		return b.Work.Delete(b.c.Context, file)
	}
	var text bytes.Buffer
	if err := csv.NewWriter(&text).WriteAll(rows); err != nil {
		return err
	}
	return b.Work.Put(b.c.Context, file, &text)
}
